//! `history`.

use rbox_images::HistoryStep;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::time;
use crate::cli::stop::{Outcome, Stop};
use crate::cli::system::now;
use crate::output::format::{self, Listing, Row};
use crate::output::go_text::ellipsis;
use crate::output::units;

/// `history`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] IMAGE",
    about: "Show the history of an image",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox history alpine
rbox history --no-trunc --format '{{.CreatedBy}}' app
",
    ..Spec::of::<History>()
};

#[derive(clap::Parser)]
struct History {
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Print sizes and dates in human readable format
    #[arg(
        short = 'H',
        long,
        default_value = "true",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set
    )]
    human: bool,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    image: String,
}

const LISTING: Listing = Listing {
    table: "{{.ID}}\\t{{.CreatedSince}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}",
    headers: &[
        ("ID", "IMAGE"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("CreatedBy", "CREATED BY"),
        ("Size", "SIZE"),
        ("Comment", "COMMENT"),
    ],
    type_name: "*image.historyContext",
};

/// Characters of an instruction in a table.
const CREATED_BY: usize = 45;

fn run(call: &Call) -> Outcome {
    let line: History = call.parse()?;
    let steps = call
        .engine()?
        .images
        .history(&line.image)
        .map_err(Stop::failed)?;
    let now = now();
    let rows: Vec<Row> = steps.iter().map(|step| row(step, &line, now)).collect();
    let text = format::render(&LISTING, line.format.as_deref(), line.quiet, &rows)
        .map_err(Stop::failed)?;
    say(&text);
    Ok(0)
}

fn row(step: &HistoryStep, line: &History, now: i64) -> Row {
    let id = match &step.id {
        None => "<missing>",
        Some(id) if line.no_trunc => id,
        Some(id) => {
            let hex = id.strip_prefix("sha256:").unwrap_or(id);
            hex.get(..12).unwrap_or(hex)
        }
    };
    let created = step.created.as_deref().and_then(time::seconds);
    let at = created.map_or_else(String::new, time::rfc3339_of);
    let since = match created {
        None => "N/A".to_owned(),
        Some(_) if !line.human => at.clone(),
        Some(created) => format!("{} ago", units::duration(now - created)),
    };
    // Who made the image chose these words: they shall not steer the terminal.
    let printable = |text: &str| text.replace(char::is_control, " ");
    let created_by = printable(&step.created_by);
    let size = if line.human {
        units::size(step.size, 3)
    } else {
        step.size.to_string()
    };
    Row::new()
        .with("ID", id)
        .with("CreatedSince", since)
        .with("CreatedAt", at)
        .with(
            "CreatedBy",
            if line.no_trunc {
                created_by
            } else {
                ellipsis(&created_by, CREATED_BY)
            },
        )
        .with("Size", size)
        .with("Comment", printable(&step.comment))
}
