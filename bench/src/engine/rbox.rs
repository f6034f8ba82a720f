//! Ours.

use std::path::Path;

use anyhow::Result;

use super::Engine;

/// As in tables.
pub const NAME: &str = "rbox";

/// State that lasts is below `scratch`; the rest where users have it, in /run.
pub fn engine(program: &Path, scratch: &Path) -> Result<Engine> {
    let engine = Engine {
        name: NAME,
        program: program.to_owned(),
        globals: Vec::new(),
        environment: vec![("RBOX_ROOT".to_owned(), scratch.join("rbox").into())],
    };
    println!("{}", engine.quiet(&["--version"])?);
    Ok(engine)
}
