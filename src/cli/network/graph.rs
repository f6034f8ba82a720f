//! `network graph`.

use rbox_netsetup::graph::{dot, svg, text};

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::output::error;

/// `network graph`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [NETWORK...]",
    about: "Draw bridges, containers, ports and ways out",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox network graph
rbox network graph --format svg lan > lan.svg
",
    ..Spec::of::<Graph>()
};

#[derive(clap::Parser)]
struct Graph {
    /// Format of the picture: 'text', 'dot' (graphviz), 'json' or 'svg'
    #[arg(long, value_name = "string", default_value = "text")]
    format: String,
    #[arg(hide = true)]
    networks: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Graph = call.parse()?;
    let draw = match line.format.as_str() {
        "text" => text,
        "dot" => dot,
        "svg" => svg,
        "json" => json,
        other => {
            return Err(Stop::failed(format!(
                "invalid format {other:?}: must be one of text, dot, json or svg"
            )));
        }
    };
    let (graph, damaged) = call.engine()?.graph(&line.networks)?;
    for failure in &damaged {
        error::print(failure);
    }
    say(&draw(&graph));
    Ok(0)
}

fn json(graph: &rbox_netsetup::graph::Graph) -> String {
    // All keys are texts: there is nothing that JSON could not hold.
    let value = serde_json::to_value(graph).unwrap_or_default();
    format!("{}\n", crate::output::json::indented(&value))
}
