//! `completion`: scripts for shells, and `__complete`, which they ask.
//!
//! ```text
//! TAB ──shell──▶ rbox __complete WORDS… ──place──▶ what is sought ──values──▶ candidates
//! ```
//!
//! Everything follows from the catalogue and the clap structures; the scripts know no command.
//! An answer is a line for each candidate, with a tab and what it is behind it. One that ends in
//! `=`, `:`, `,` or `/` goes on. The line `:files` says that files fit, too.

mod place;
mod values;

use std::path::PathBuf;

use place::{Place, Sought};
use values::Value;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::compose::{self, Settings};
use crate::cli::stop::{Outcome, Stop};
use crate::cli::{catalog, flags};
use crate::engine::Engine;
use crate::engine::known::Which;

/// `completion`.
pub static SPEC: Spec = Spec {
    usage: "bash|zsh|fish",
    about: "Generate the completion script for a shell",
    arity: Arity::Exactly(1),
    run,
    examples: "\
rbox completion bash > /etc/bash_completion.d/rbox
rbox completion zsh > /usr/local/share/zsh/site-functions/_rbox
rbox completion fish > /etc/fish/completions/rbox.fish
",
    ..Spec::of::<Completion>()
};

#[derive(clap::Parser)]
struct Completion {
    #[arg(hide = true)]
    shell: String,
}

/// The command that the scripts call.
pub const QUESTION: &str = "__complete";

const FILES: &str = ":files";

fn run(call: &Call) -> Outcome {
    let line: Completion = call.parse()?;
    say(match line.shell.as_str() {
        "bash" => include_str!("rbox.bash"),
        "zsh" => include_str!("rbox.zsh"),
        "fish" => include_str!("rbox.fish"),
        other => {
            return Err(Stop::failed(format!(
                "unknown shell: {other:?}: must be one of \"bash\", \"zsh\", \"fish\""
            )));
        }
    });
    Ok(0)
}

/// Answers: what the last of the words can become.
pub fn answer(words: &[String]) -> Outcome {
    let Some((current, words)) = words.split_last() else {
        return Ok(0);
    };
    let place = place::find(words, current);
    let mut candidates = candidates(&place);
    if let Sought::Value { before, .. } = &place.sought {
        for (candidate, _) in &mut candidates {
            if candidate != FILES {
                candidate.insert_str(0, before);
            }
        }
    }
    let mut text = String::new();
    for (candidate, about) in candidates {
        if candidate == FILES || candidate.starts_with(current.as_str()) {
            text.push_str(&candidate);
            if !about.is_empty() {
                text.push_str(&format!("\t{about}"));
            }
            text.push('\n');
        }
    }
    say(&text);
    Ok(0)
}

fn candidates(place: &Place) -> Vec<(String, String)> {
    match &place.sought {
        Sought::Nothing => Vec::new(),
        Sought::Command(group) => catalog::listed(*group)
            .into_iter()
            .map(|(name, about)| (name.to_owned(), about.to_owned()))
            .collect(),
        Sought::Flag(command) => flag_names(command),
        Sought::Value { flag, .. } => named(place, values::of_flag(flag)),
        Sought::Argument(spec, index) => {
            named(place, values::of_argument(&place.path, spec.usage, *index))
        }
    }
}

fn flag_names(command: &clap::Command) -> Vec<(String, String)> {
    let mut shown: Vec<&clap::Arg> = command
        .get_arguments()
        .filter(|flag| !flag.is_hide_set())
        .collect();
    shown.sort_by_key(|flag| flag.get_long());
    let mut names: Vec<(String, String)> = shown
        .into_iter()
        .filter_map(|flag| {
            let end = if flags::is_switch(flag) { "" } else { "=" };
            let about = flag.get_help().map(ToString::to_string).unwrap_or_default();
            Some((format!("--{}{end}", flag.get_long()?), about))
        })
        .collect();
    names.push(("--help".to_owned(), "Print usage".to_owned()));
    names
}

/// Services of the project that the flags of `compose` lead to.
fn services(flags: &[(String, String)]) -> Vec<String> {
    let all = |name: &str| {
        let given = flags.iter().filter(|(flag, _)| flag == name);
        given.map(|(_, value)| value).collect::<Vec<&String>>()
    };
    let settings = Settings {
        files: all("file").into_iter().map(PathBuf::from).collect(),
        project_name: all("project-name").last().copied().cloned(),
        directory: all("project-directory").last().map(PathBuf::from),
        env_files: all("env-file").into_iter().map(PathBuf::from).collect(),
        profiles: vec!["*".to_owned()],
        ..Settings::default()
    };
    let project = rbox_compose::file::load(&compose::load_options(&settings, &[]));
    project.map_or(Vec::new(), |project| project.services.into_keys().collect())
}

/// The names that are asked for. Without the right to look there are none of objects.
fn named(place: &Place, values: Vec<Value>) -> Vec<(String, String)> {
    let engine = || {
        let there = place.dirs.root.exists();
        there.then(|| Engine::open_to_look(place.dirs.clone()).ok())?
    };
    let of = |names: fn(&Engine) -> Vec<String>| engine().map(|e| names(&e)).unwrap_or_default();
    let containers =
        |which| -> Vec<String> { engine().map_or(Vec::new(), |e| e.container_names(which)) };
    let mut found: Vec<(String, String)> = Vec::new();
    for value in values {
        let (kind, names) = match value {
            Value::OneOf(words) => ("", words),
            Value::Container(which) => ("container", containers(which)),
            Value::ContainerPath => {
                let names = containers(Which::All).into_iter();
                ("container", names.map(|name| format!("{name}:")).collect())
            }
            Value::Image => ("image", of(Engine::image_names)),
            Value::Network => ("network", of(Engine::network_names)),
            Value::NetworkMode => {
                let mut names = of(Engine::network_names);
                names.push("container:".to_owned());
                ("network", names)
            }
            Value::Volume => ("volume", of(Engine::volume_names)),
            Value::Mount => {
                found.push((FILES.to_owned(), String::new()));
                let names = of(Engine::volume_names).into_iter();
                ("volume", names.map(|name| format!("{name}:")).collect())
            }
            Value::Service => ("service", services(&place.project)),
            Value::Path => ("", vec![FILES.to_owned()]),
        };
        found.extend(names.into_iter().map(|name| (name, kind.to_owned())));
    }
    found
}
