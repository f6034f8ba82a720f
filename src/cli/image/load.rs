//! `load`.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use rbox_images::Loaded;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::run::open_error;
use crate::cli::stop::{Outcome, Stop};

/// `load`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Load an image from a tar archive or STDIN",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox load -i app.tar
rbox load < app.tar.gz
",
    ..Spec::of::<Load>()
};

#[derive(clap::Parser)]
struct Load {
    /// Read from tar archive file, instead of STDIN
    #[arg(short, long, value_name = "string")]
    input: Option<String>,
    /// Suppress the load output
    #[arg(short, long)]
    quiet: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Load = call.parse()?;
    let tar: Box<dyn Read> = match &line.input {
        Some(path) => Box::new(open(path)?),
        None if io::stdin().is_terminal() => {
            return Err(Stop::failed(
                "requested load from stdin, but stdin is empty",
            ));
        }
        None => Box::new(io::stdin().lock()),
    };
    for loaded in call.engine()?.load(tar)? {
        match loaded {
            Loaded::Reference(name) => say(&format!("Loaded image: {name}\n")),
            Loaded::Id(id) => say(&format!("Loaded image ID: {id}\n")),
        }
    }
    Ok(0)
}

/// Opens an archive for reading; errors read as Docker's.
pub fn open(path: &str) -> Result<File, Stop> {
    File::open(path).map_err(|error| Stop::failed(open_error(path, &error)))
}
