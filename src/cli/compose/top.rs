//! `compose top`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::output::table;

/// `compose top`.
pub static SPEC: Spec = Spec {
    usage: "[SERVICES...]",
    about: "Display the running processes",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose top
rbox compose top web
",
    ..Spec::of::<Top>()
};

#[derive(clap::Parser)]
struct Top {
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Top = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let mut text = String::new();
    for container in session.of(&line.services)? {
        if container.container.run.is_none() {
            continue;
        }
        let processes = session.engine.top(container.id(), &[])?;
        if text.is_empty() {
            text = format!("SERVICE\t#\t{}\n", processes.titles.join("\t"));
        }
        for row in &processes.rows {
            text.push_str(&format!(
                "{}\t{}\t{}\n",
                container.service,
                container.number,
                row.join("\t")
            ));
        }
    }
    say(&table::align_from(0, &text));
    Ok(0)
}
