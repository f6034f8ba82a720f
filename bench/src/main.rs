//! rbox, its peers and the kernel's own cost side by side. Nothing here passes or fails.
//!
//! ```text
//! arguments ─▶ Field (place, engines, images) ─▶ cases/* ─▶ Finding ─▶ report (terminal, JSON, Markdown, SVG)
//! ```
#![allow(dead_code)]

mod cases;
mod engine;
mod field;
mod finding;
mod measure;
mod statistics;

fn main() {
    println!("{}", cases::ALL.len());
}
