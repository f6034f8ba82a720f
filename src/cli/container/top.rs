//! `top`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::output::table;

/// `top`.
pub static SPEC: Spec = Spec {
    usage: "CONTAINER [ps OPTIONS]",
    about: "Display the running processes of a container",
    arity: Arity::AtLeast(1),
    interspersed: false,
    run,
    examples: "\
rbox top web
rbox top web aux
rbox top web -o pid,user,etime,args
",
    ..Spec::of::<Top>()
};

/// Narrowest cell of Docker's table, blanks included.
const NARROWEST: usize = 20;

#[derive(clap::Parser)]
struct Top {
    #[arg(hide = true)]
    container: String,
    #[arg(hide = true)]
    options: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Top = call.parse()?;
    let processes = call.engine()?.top(&line.container, &line.options)?;
    let mut text = processes.titles.join("\t") + "\n";
    for row in &processes.rows {
        text.push_str(&row.join("\t"));
        text.push('\n');
    }
    say(&table::align_from(NARROWEST, &text));
    Ok(0)
}
