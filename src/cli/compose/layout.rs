//! `--format` of the lists that are either a table or JSON.

use crate::cli::parse::Invalid;

/// How a list looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Columns for people.
    Table,
    /// For programs.
    Json,
}

/// `table` (also `pretty`) or `json`.
pub fn layout(text: &str) -> Result<Layout, Invalid> {
    match text {
        "table" | "pretty" => Ok(Layout::Table),
        "json" => Ok(Layout::Json),
        _ => Err(Invalid(format!(
            "unsupported format {text:?}: it is table or json"
        ))),
    }
}
