//! `rmi`.

use rbox_images::Removed;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, is_absent};
use crate::output::error;

/// `rmi`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Remove one or more images",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox rmi app:old
rbox rmi $(rbox images -q --filter dangling=true)
",
    ..Spec::of::<Rmi>()
};

#[derive(clap::Parser)]
struct Rmi {
    /// Force removal of the image
    #[arg(short, long)]
    force: bool,
    /// Do not delete untagged parents
    #[arg(long)]
    no_prune: bool,
    #[arg(hide = true)]
    images: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Rmi = call.parse()?;
    let engine = call.engine()?;
    // No image here has a parent: its layers are its own.
    let _ = line.no_prune;
    let mut code = 0;
    for name in &line.images {
        match engine.remove_image(name, line.force) {
            Ok(removed) => {
                for step in removed {
                    match step {
                        Removed::Untagged(name) => say(&format!("Untagged: {name}\n")),
                        Removed::Deleted(id) => say(&format!("Deleted: {id}\n")),
                    }
                }
            }
            Err(failure) => {
                let failure = engine.image_hint(failure);
                error::print(&failure);
                if !(line.force && is_absent(&failure)) {
                    code = 1;
                }
            }
        }
    }
    Ok(code)
}
