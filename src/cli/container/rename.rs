//! `rename`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};
use crate::output::error;

/// `rename`.
pub static SPEC: Spec = Spec {
    usage: "CONTAINER NEW_NAME",
    about: "Rename a container",
    arity: Arity::Exactly(2),
    interspersed: true,
    run,
    examples: "rbox rename web web-old\n",
    ..Spec::of::<Rename>()
};

#[derive(clap::Parser)]
struct Rename {
    #[arg(hide = true)]
    container: String,
    #[arg(hide = true)]
    new_name: String,
}

fn run(call: &Call) -> Outcome {
    let line: Rename = call.parse()?;
    let (old, new) = (line.container.trim(), line.new_name.trim());
    if old.is_empty() || new.is_empty() {
        return Err(Stop::failed("neither old nor new names may be empty"));
    }
    if let Err(failure) = call.engine()?.rename(old, new) {
        error::print(&failure);
        return Err(Stop::failed(format!(
            "failed to rename container named {old}"
        )));
    }
    Ok(0)
}
