//! What the user sees of `compose`: how far each thing is, on stderr, and what the containers
//! write, with their names before it.
//!
//! ```text
//!  Composer ─▶ Shown ─┬▶ a line for each new state (a file, a pipe)
//!                     ├▶ Board in a picture that is drawn anew (a terminal)
//!                     └▶ a line of JSON each (`--progress json`)
//!  containers' output ─▶ logs::Writer ─▶ web-1  | text
//! ```

mod board;
pub mod colour;
pub mod logs;
mod progress;

pub use progress::{Shown, Style};
