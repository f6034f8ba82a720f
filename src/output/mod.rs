//! How results look: tables, human units, Go templates, JSON, errors.
//! Pure but for [`error`] and [`stdout`], which write, and what uses them.

pub mod build;
pub mod canvas;
pub mod compose;
pub mod error;
pub mod event;
pub mod format;
pub mod go_text;
pub mod image_json;
pub mod json;
pub mod roff;
pub mod stdout;
pub mod table;
pub mod template;
pub mod timing;
pub mod transfer;
pub mod units;
