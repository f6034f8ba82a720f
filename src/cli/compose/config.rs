//! `compose config`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::session::{Session, check, failure, load_options};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::Invalid;
use crate::cli::stop::{Outcome, Stop};
use crate::compose::file::{self, Format, render};
use crate::compose::model::Project;
use crate::compose::{config_hash, names};

/// `compose config`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Parse, resolve and render compose file in canonical format",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose config
rbox compose config -q  # only check it
rbox compose config --format json web
",
    ..Spec::of::<Config>()
};

#[derive(clap::Parser)]
struct Config {
    /// Print environment used for interpolation.
    #[arg(long)]
    environment: bool,
    /// Format the output. Values: [yaml | json]
    #[arg(long, value_name = "string", default_value = "yaml", value_parser = format)]
    format: Format,
    /// Print the service config hash, one per line.
    #[arg(long, value_name = "string")]
    hash: Option<String>,
    /// Print the image names, one per line.
    #[arg(long)]
    images: bool,
    /// Print the network names, one per line.
    #[arg(long)]
    networks: bool,
    /// Don't interpolate environment variables
    #[arg(long)]
    no_interpolate: bool,
    /// Save to file (default to stdout)
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    /// Print the profile names, one per line.
    #[arg(long)]
    profiles: bool,
    /// Only validate the configuration, don't print anything
    #[arg(short, long)]
    quiet: bool,
    /// Print the service names, one per line.
    #[arg(long)]
    services: bool,
    /// Print the volume names, one per line.
    #[arg(long)]
    volumes: bool,
    #[arg(hide = true)]
    names: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Config = call.parse()?;
    if line.no_interpolate {
        return line.write(&line.as_it_stands(call)?);
    }
    let mut project = Session::load_only(call, &line.names)?;
    if !line.names.is_empty() {
        check(&project, &line.names)?;
        project.services.retain(|name, _| line.names.contains(name));
    }
    let text = match &line.hash {
        Some(names) => hashes(&project, names)?,
        None => line.text(&project),
    };
    line.write(&text)
}

/// `SERVICE HASH` of the services that are named (`*` is all), as containers are labelled.
fn hashes(project: &Project, names: &str) -> Result<String, Stop> {
    let names: Vec<String> = match names {
        "*" => project.services.keys().cloned().collect(),
        names => names.split(',').map(str::to_owned).collect(),
    };
    check(project, &names)?;
    let mut text = String::new();
    for name in names {
        if let Some(service) = project.services.get(&name) {
            text.push_str(&format!("{name} {}\n", config_hash(project, service)?));
        }
    }
    Ok(text)
}

impl Config {
    /// The files merged, and no more.
    fn as_it_stands(&self, call: &Call) -> Result<String, Stop> {
        let lists = [
            self.environment,
            self.hash.is_some(),
            self.images,
            self.networks,
            self.profiles,
            self.services,
            self.volumes,
            !self.names.is_empty(),
        ];
        if lists.contains(&true) {
            let text = "--no-interpolate prints the files alone, without services or other lists";
            return Err(Stop::failed(text));
        }
        let options = load_options(&call.compose, &[]);
        file::without_variables(&options, self.format).map_err(|error| Stop::Failed(failure(error)))
    }

    fn write(&self, text: &str) -> Outcome {
        match &self.output {
            _ if self.quiet => {}
            Some(path) => std::fs::write(path, text)
                .map_err(|error| Stop::failed(format!("write {}: {error}", path.display())))?,
            None => say(text),
        }
        Ok(0)
    }

    fn text(&self, project: &Project) -> String {
        let lines =
            |names: Vec<String>| -> String { names.into_iter().map(|name| name + "\n").collect() };
        if self.services {
            lines(project.services.keys().cloned().collect())
        } else if self.volumes {
            lines(project.volumes.keys().cloned().collect())
        } else if self.networks {
            lines(project.networks.keys().cloned().collect())
        } else if self.profiles {
            let all = project.services.values().chain(project.disabled.values());
            let names: BTreeSet<String> = all.flat_map(|one| one.profiles.clone()).collect();
            lines(names.into_iter().collect())
        } else if self.images {
            let all = project.services.values();
            lines(all.map(|one| names::image(project, one)).collect())
        } else if self.environment {
            let all = project.environment.iter();
            lines(all.map(|(name, value)| format!("{name}={value}")).collect())
        } else {
            render(project, self.format)
        }
    }
}

fn format(text: &str) -> Result<Format, Invalid> {
    match text {
        "yaml" => Ok(Format::Yaml),
        "json" => Ok(Format::Json),
        _ => Err(Invalid(format!(
            "unsupported format {text:?}: it is yaml or json"
        ))),
    }
}
