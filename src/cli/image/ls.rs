//! `images`.

use rbox_images::{Image, ImageUsage};

use super::ls_filter::{Choice, Name, created};
use super::tree;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::{filter, time};
use crate::cli::stop::{Outcome, Stop};
use crate::cli::system::now;
use crate::output::format::{self, Listing, Row};
use crate::output::{error, units};

/// `images`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [REPOSITORY[:TAG]]",
    about: "List images",
    arity: Arity::AtMost(1),
    interspersed: true,
    run,
    examples: "\
rbox images
rbox images --filter dangling=true -q
rbox images --digests alpine
rbox images --format '{{.Repository}}:{{.Tag}} {{.Size}}'
",
    ..Spec::of::<Images>()
};

#[derive(clap::Parser)]
struct Images {
    /// Show all images (default hides intermediate images)
    #[arg(short, long)]
    all: bool,
    /// Show digests
    #[arg(long)]
    digests: bool,
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
    /// List multi-platform images as a tree (EXPERIMENTAL)
    #[arg(long)]
    tree: bool,
    #[arg(hide = true)]
    pattern: Option<String>,
}

const HEADERS: &[(&str, &str)] = &[
    ("ID", "IMAGE ID"),
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("Digest", "DIGEST"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("Size", "SIZE"),
    ("Containers", "CONTAINERS"),
    ("VirtualSize", "SIZE"),
    ("SharedSize", "SHARED SIZE"),
    ("UniqueSize", "UNIQUE SIZE"),
];

const TYPE_NAME: &str = "*formatter.imageContext";

const LISTING: Listing = Listing {
    table: "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\\t{{.Size}}",
    headers: HEADERS,
    type_name: TYPE_NAME,
};

const WITH_DIGESTS: Listing = Listing {
    table: "{{.Repository}}\\t{{.Tag}}\\t{{.Digest}}\\t{{.ID}}\\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\\t{{.Size}}",
    headers: HEADERS,
    type_name: TYPE_NAME,
};

fn run(call: &Call) -> Outcome {
    let line: Images = call.parse()?;
    let choice = Choice::new(&line.filter, line.pattern.as_deref())?;
    // No image here is a step on the way to another, so `--all` hides none.
    let _ = line.all;
    if line.tree {
        refuse_with_tree(&line)?;
    }
    let engine = call.engine()?;
    let images = engine.images.list().map_err(Stop::failed)?;
    let chosen = choice.choose(&images, |name| {
        engine.images.get(name).map_err(|error| error.to_string())
    })?;
    if line.tree {
        let mut ids: Vec<&str> = chosen.iter().map(|(image, _)| image.id.as_str()).collect();
        ids.dedup();
        let usage = engine.disk_usage()?.images.images;
        let usage: Vec<&ImageUsage> = usage
            .iter()
            .filter(|usage| ids.contains(&usage.image.id.as_str()))
            .collect();
        error::print_plain(tree::WARNING);
        say(&tree::render(&usage));
        return Ok(0);
    }
    let now = now();
    let rows: Vec<Row> = chosen
        .iter()
        .map(|(image, name)| row(image, name.as_ref(), line.no_trunc, now))
        .collect();
    let listing = if line.digests {
        &WITH_DIGESTS
    } else {
        &LISTING
    };
    let text =
        format::render(listing, line.format.as_deref(), line.quiet, &rows).map_err(Stop::failed)?;
    say(&text);
    Ok(0)
}

/// Docker's texts for what a tree cannot be.
fn refuse_with_tree(line: &Images) -> Result<(), Stop> {
    let with = match line {
        line if line.quiet => "--quiet",
        line if line.no_trunc => "--no-trunc",
        line if line.digests => "--show-digest",
        line if line
            .format
            .as_deref()
            .is_some_and(|format| !format.is_empty()) =>
        {
            "--format"
        }
        _ => return Ok(()),
    };
    Err(Stop::failed(format!(
        "{with} is not yet supported with --tree"
    )))
}

fn row(image: &Image, name: Option<&Name>, whole: bool, now: i64) -> Row {
    let none = "<none>";
    let hex = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
    let id = if whole {
        &image.id
    } else {
        hex.get(..12).unwrap_or(hex)
    };
    let (since, at) = match created(image) {
        0 => (String::new(), String::new()),
        created => (
            format!("{} ago", units::duration(now - created)),
            time::go_string_of(created),
        ),
    };
    Row::new()
        .with("ID", id)
        .with("Repository", name.map_or(none, |name| &name.repository))
        .with("Tag", name.map_or(none, |name| &name.tag))
        .with(
            "Digest",
            name.and_then(|name| name.digest.as_deref()).unwrap_or(none),
        )
        .with("CreatedSince", since)
        .with("CreatedAt", at)
        .with("Size", units::size(image.size, 3))
        .with("VirtualSize", units::size(image.size, 4))
        .with("Containers", "N/A")
        .with("SharedSize", "N/A")
        .with("UniqueSize", "N/A")
}
