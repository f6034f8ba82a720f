//! `compose wait`.

use std::sync::mpsc::channel;
use std::thread;

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::to_u8;
use crate::cli::stop::{Outcome, Stop};
use crate::compose::request::DownOptions;

/// `compose wait`.
pub static SPEC: Spec = Spec {
    usage: "SERVICE [SERVICE...] [OPTIONS]",
    about: "Block until containers of all (or specified) services stop.",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox compose wait worker
rbox compose wait --down-project test
",
    ..Spec::of::<Wait>()
};

#[derive(clap::Parser)]
struct Wait {
    /// Drops project when the first container stops
    #[arg(long)]
    down_project: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Wait = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let containers = session.of(&line.services)?;
    if containers.is_empty() {
        return Err(Stop::failed(format!(
            "no containers for project {:?}",
            session.project.name
        )));
    }
    let (sender, heard) = channel();
    let mut code = 0;
    thread::scope(|scope| {
        for container in &containers {
            let (sender, engine) = (sender.clone(), &session.engine);
            scope.spawn(move || sender.send((container, engine.wait(container.id()))));
        }
        drop(sender);
        for (nth, (container, ended)) in heard.iter().enumerate() {
            let ended = ended?;
            say(&format!(
                "container {:?} exited with status code {ended}\n",
                container.name()
            ));
            if nth == 0 {
                code = to_u8(ended);
                if line.down_project {
                    let all = DownOptions::default();
                    session.work("Running", |composer| composer.down(&all))?;
                }
            }
        }
        Ok::<(), Stop>(())
    })?;
    Ok(code)
}
