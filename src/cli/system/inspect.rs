//! `inspect` of any object, and how all `inspect` commands print.

use serde_json::Value;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop, is_absent};
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::engine::known::{self, Which};
use crate::output::template::{Options, Template};
use crate::output::{error, image_json, json};

/// `inspect`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NAME|ID [NAME|ID...]",
    about: "Return low-level information on containers, images, networks and volumes",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox inspect web
rbox inspect -f '{{.NetworkSettings.IPAddress}}' web
rbox inspect --type network lan
",
    ..Spec::of::<Inspect>()
};

#[derive(clap::Parser)]
struct Inspect {
    /// Format output using a custom template: 'json' or a Go template
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    format: String,
    /// Only inspect objects of the given type (container, image, network, volume)
    #[arg(
        long = "type",
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    kind: String,
    /// Display total file sizes if the type is container
    #[arg(short, long)]
    size: bool,
    #[arg(hide = true)]
    names: Vec<String>,
}

/// Exit code of a template that cannot be parsed.
const BAD_TEMPLATE: u8 = 64;

/// Docker's other kinds of objects: there are none of them here.
const OTHER_KINDS: [&str; 6] = ["config", "node", "plugin", "secret", "service", "task"];

fn run(call: &Call) -> Outcome {
    let line: Inspect = call.parse()?;
    let kind = line.kind.as_str();
    if OTHER_KINDS.contains(&kind) {
        return Err(Stop::Failed(
            Failure::new(format!("unsupported type: \"{kind}\""))
                .hint("rbox has the types container, image, network and volume"),
        ));
    }
    if !matches!(kind, "" | "container" | "image" | "network" | "volume") {
        return Err(Stop::failed(format!(
            "unknown type: \"{kind}\": must be one of \"container\", \"image\", \"network\", \
             \"volume\""
        )));
    }
    let engine = call.engine()?;
    let container = |name: &str| match line.size {
        true => engine.inspect_with_size(name),
        false => engine.inspect(name),
    };
    print(&line.format, &line.names, |name| match kind {
        "container" => container(name),
        "image" => image(&engine, name),
        "network" => engine.inspect_network(name),
        "volume" => volume(&engine, name),
        _ => any(&engine, &container, name),
    })
}

/// Container, then image, then network, then volume.
fn any(
    engine: &Engine,
    container: &dyn Fn(&str) -> Result<Value, Failure>,
    name: &str,
) -> Result<Value, Failure> {
    let lookups: [&dyn Fn() -> Result<Value, Failure>; 4] = [
        &|| container(name),
        &|| image(engine, name),
        &|| engine.inspect_network(name),
        &|| volume(engine, name),
    ];
    for lookup in lookups {
        match lookup() {
            // A name that cannot be an image's may still be a network's.
            Err(failure) if is_absent(&failure) || is_no_reference(&failure) => {}
            other => return other,
        }
    }
    let failure = Failure::new(format!("No such object: {name}"));
    Err(known::with_hint(failure, name, || {
        let mut names = engine.container_names(Which::All);
        names.extend(engine.image_names());
        names.extend(engine.network_names());
        names
    }))
}

fn is_no_reference(failure: &Failure) -> bool {
    failure.message.starts_with("invalid reference format")
}

fn volume(engine: &Engine, name: &str) -> Result<Value, Failure> {
    engine.volume(name).map(|volume| volume.inspect())
}

/// One image.
pub fn image(engine: &Engine, name: &str) -> Result<Value, Failure> {
    let failed = |error: rbox_images::GetError| Failure::new(error.to_string());
    let image = engine.images.get(name).map_err(failed)?;
    let config = engine.images.config(&image.id).map_err(failed)?;
    let config = serde_json::from_slice(&config)
        .map_err(|error| Failure::new(format!("the config of image {name} is damaged: {error}")))?;
    Ok(image_json::image(&image, &config))
}

/// Prints objects as one JSON array, or each through a template. Those that
/// are not found are told after the others, each on its own line; exit 1.
pub fn print(
    format: &str,
    names: &[String],
    get: impl Fn(&str) -> Result<Value, Failure>,
) -> Outcome {
    let parsed = match format {
        "" | "json" => None,
        format => Some(template(format)?),
    };
    let mut failures = Vec::new();
    let mut values = Vec::new();
    let mut text = String::new();
    for name in names {
        let value = match get(name) {
            Ok(value) => value,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        match &parsed {
            None => values.push(value),
            Some(template) => {
                match template.execute(
                    &value,
                    Options {
                        strict: true,
                        ..Options::default()
                    },
                ) {
                    Ok(line) => text.push_str(&(line + "\n")),
                    Err(error) => {
                        failures.push(Failure::new(format!("template parsing error: {error}")));
                    }
                }
            }
        }
    }
    match (&parsed, format) {
        (None, "json") => say(&(json::compact(&Value::Array(values)) + "\n")),
        (None, _) => say(&(json::indented(&Value::Array(values)) + "\n")),
        // With nothing to show Docker prints an empty line.
        (Some(_), _) if text.is_empty() => say("\n"),
        (Some(_), _) => say(&text),
    }
    failures.iter().for_each(error::print);
    Ok(u8::from(!failures.is_empty()))
}

/// A template of an `inspect` command.
pub fn template(text: &str) -> Result<Template, Stop> {
    Template::parse(text).map_err(|error| {
        Stop::Failed(Failure::new(format!("template parsing error: {error}")).code(BAD_TEMPLATE))
    })
}
