//! All commands: where they are found, and the lists that the help shows.

use super::call::Spec;
use super::{
    builder, capture, completion, compose, container, generate, image, network, registry, system,
    volume,
};

/// A group of commands.
pub struct Group {
    /// `network`.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
}

const GROUPS: [Group; 8] = [
    Group {
        name: "builder",
        about: "Manage builds",
    },
    Group {
        name: "compose",
        about: "Define and run multi-container applications",
    },
    Group {
        name: "container",
        about: "Manage containers",
    },
    Group {
        name: "generate",
        about: "Generate what the system needs to know rbox",
    },
    Group {
        name: "image",
        about: "Manage images",
    },
    Group {
        name: "network",
        about: "Manage networks",
    },
    Group {
        name: "system",
        about: "Manage rbox",
    },
    Group {
        name: "volume",
        about: "Manage volumes",
    },
];

/// Every way to name every command; the first of a spec's names is the one that lists show.
static COMMANDS: &[(&str, &Spec)] = &[
    ("attach", &container::attach::SPEC),
    ("build", &image::build::SPEC),
    ("capture", &capture::SPEC),
    ("commit", &container::commit::SPEC),
    ("completion", &completion::SPEC),
    ("cp", &container::cp::SPEC),
    ("create", &container::create::SPEC),
    ("diff", &container::diff::SPEC),
    ("events", &system::events::SPEC),
    ("doctor", &system::doctor::SPEC),
    ("exec", &container::exec::SPEC),
    ("export", &container::export::SPEC),
    ("history", &image::history::SPEC),
    ("images", &image::ls::SPEC),
    ("import", &image::import::SPEC),
    ("info", &system::info::SPEC),
    ("inspect", &system::inspect::SPEC),
    ("kill", &container::kill::SPEC),
    ("load", &image::load::SPEC),
    ("login", &registry::login::SPEC),
    ("logout", &registry::logout::SPEC),
    ("logs", &container::logs::SPEC),
    ("oci", &system::oci::SPEC),
    ("pause", &container::pause::SPEC),
    ("port", &container::port::SPEC),
    ("ps", &container::ps::SPEC),
    ("pull", &image::pull::SPEC),
    ("push", &image::push::SPEC),
    ("rename", &container::rename::SPEC),
    ("restart", &container::restart::SPEC),
    ("rm", &container::rm::SPEC),
    ("rmi", &image::rm::SPEC),
    ("run", &container::run::SPEC),
    ("save", &image::save::SPEC),
    ("start", &container::start::SPEC),
    ("stats", &container::stats::SPEC),
    ("stop", &container::stop::SPEC),
    ("tag", &image::tag::SPEC),
    ("top", &container::top::SPEC),
    ("unpause", &container::unpause::SPEC),
    ("update", &container::update::SPEC),
    ("version", &system::version::SPEC),
    ("wait", &container::wait::SPEC),
    ("builder build", &image::build::SPEC),
    ("compose attach", &compose::attach::SPEC),
    ("compose build", &compose::build::SPEC),
    ("compose commit", &compose::commit::SPEC),
    ("compose config", &compose::config::SPEC),
    ("compose convert", &compose::config::SPEC),
    ("compose cp", &compose::cp::SPEC),
    ("compose create", &compose::create::SPEC),
    ("compose down", &compose::down::SPEC),
    ("compose events", &compose::events::SPEC),
    ("compose exec", &compose::exec::SPEC),
    ("compose export", &compose::export::SPEC),
    ("compose images", &compose::images::SPEC),
    ("compose kill", &compose::kill::SPEC),
    ("compose logs", &compose::logs::SPEC),
    ("compose ls", &compose::ls::SPEC),
    ("compose pause", &compose::pause::SPEC),
    ("compose port", &compose::port::SPEC),
    ("compose ps", &compose::ps::SPEC),
    ("compose pull", &compose::pull::SPEC),
    ("compose push", &compose::push::SPEC),
    ("compose restart", &compose::restart::SPEC),
    ("compose rm", &compose::rm::SPEC),
    ("compose run", &compose::run::SPEC),
    ("compose scale", &compose::scale::SPEC),
    ("compose start", &compose::start::SPEC),
    ("compose stats", &compose::stats::SPEC),
    ("compose stop", &compose::stop::SPEC),
    ("compose top", &compose::top::SPEC),
    ("compose unpause", &compose::unpause::SPEC),
    ("compose up", &compose::up::SPEC),
    ("compose version", &compose::version::SPEC),
    ("compose volumes", &compose::volumes::SPEC),
    ("compose wait", &compose::wait::SPEC),
    ("container attach", &container::attach::SPEC),
    ("container commit", &container::commit::SPEC),
    ("container cp", &container::cp::SPEC),
    ("container create", &container::create::SPEC),
    ("container diff", &container::diff::SPEC),
    ("container exec", &container::exec::SPEC),
    ("container export", &container::export::SPEC),
    ("container inspect", &container::inspect::SPEC),
    ("container kill", &container::kill::SPEC),
    ("container logs", &container::logs::SPEC),
    ("container ls", &container::ps::SPEC),
    ("container list", &container::ps::SPEC),
    ("container ps", &container::ps::SPEC),
    ("container pause", &container::pause::SPEC),
    ("container port", &container::port::SPEC),
    ("container prune", &container::prune::SPEC),
    ("container rename", &container::rename::SPEC),
    ("container restart", &container::restart::SPEC),
    ("container rm", &container::rm::SPEC),
    ("container remove", &container::rm::SPEC),
    ("container run", &container::run::SPEC),
    ("container start", &container::start::SPEC),
    ("container stats", &container::stats::SPEC),
    ("container stop", &container::stop::SPEC),
    ("container top", &container::top::SPEC),
    ("container unpause", &container::unpause::SPEC),
    ("container update", &container::update::SPEC),
    ("container wait", &container::wait::SPEC),
    ("builder prune", &builder::prune::SPEC),
    ("generate man", &generate::man::SPEC),
    ("generate systemd", &generate::systemd::SPEC),
    ("image history", &image::history::SPEC),
    ("image build", &image::build::SPEC),
    ("image import", &image::import::SPEC),
    ("image inspect", &image::inspect::SPEC),
    ("image load", &image::load::SPEC),
    ("image ls", &image::ls::SPEC),
    ("image list", &image::ls::SPEC),
    ("image prune", &image::prune::SPEC),
    ("image pull", &image::pull::SPEC),
    ("image push", &image::push::SPEC),
    ("image rm", &image::rm::SPEC),
    ("image remove", &image::rm::SPEC),
    ("image save", &image::save::SPEC),
    ("image tag", &image::tag::SPEC),
    ("network connect", &network::connect::SPEC),
    ("network create", &network::create::SPEC),
    ("network disconnect", &network::disconnect::SPEC),
    ("network graph", &network::graph::SPEC),
    ("network explain", &network::explain::SPEC),
    ("network inspect", &network::inspect::SPEC),
    ("network ls", &network::ls::SPEC),
    ("network list", &network::ls::SPEC),
    ("network prune", &network::prune::SPEC),
    ("network reload", &network::reload::SPEC),
    ("network rm", &network::rm::SPEC),
    ("network remove", &network::rm::SPEC),
    ("system boot", &system::boot::SPEC),
    ("system df", &system::df::SPEC),
    ("system events", &system::events::SPEC),
    ("system info", &system::info::SPEC),
    ("system prune", &system::prune::SPEC),
    ("volume create", &volume::create::SPEC),
    ("volume inspect", &volume::inspect::SPEC),
    ("volume ls", &volume::ls::SPEC),
    ("volume list", &volume::ls::SPEC),
    ("volume prune", &volume::prune::SPEC),
    ("volume rm", &volume::rm::SPEC),
    ("volume remove", &volume::rm::SPEC),
];

/// Commands of Docker that rbox has not.
const DOCKERS: &[&str] = &[
    "buildx",
    "checkpoint",
    "config",
    "context",
    "manifest",
    "node",
    "plugin",
    "search",
    "secret",
    "service",
    "stack",
    "swarm",
    "trust",
    "volume update",
];

/// The commands that people need first.
const COMMON: [&str; 10] = [
    "run", "exec", "ps", "build", "pull", "push", "images", "login", "logout", "version",
];

/// The command of that name.
pub fn find(path: &str) -> Option<&'static Spec> {
    COMMANDS
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, spec)| *spec)
}

/// All groups.
pub fn groups() -> &'static [Group] {
    &GROUPS
}

/// The group of that name.
pub fn group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.name == name)
}

/// What follows the name of a group that has flags of its own.
pub fn group_spec(group: &Group) -> Option<&'static Spec> {
    (group.name == compose::NAME).then_some(&compose::SPEC)
}

/// Whether Docker has a command of that name.
pub fn is_dockers(path: &str) -> bool {
    DOCKERS.contains(&path)
}

/// Every command once, with the name that lists show: the short one where there is one.
pub fn commands() -> Vec<(&'static str, &'static Spec)> {
    let mut commands: Vec<(&str, &Spec)> = Vec::new();
    for (name, spec) in COMMANDS {
        if !commands
            .iter()
            .any(|(_, other)| std::ptr::eq(*other, *spec))
        {
            commands.push((name, spec));
        }
    }
    commands
}

/// All names of a command, the longer ones first, as Docker's help lists them.
pub fn names(spec: &Spec) -> Vec<&'static str> {
    let mut names: Vec<&str> = COMMANDS
        .iter()
        .filter(|(_, other)| std::ptr::eq(*other, spec))
        .map(|(name, _)| *name)
        .collect();
    names.sort_by_key(|name| !name.contains(' '));
    names
}

/// The name that the table of refused flags has a command by: the short one, else its path.
pub fn short_name<'a>(spec: &Spec, path: &'a str) -> &'a str {
    let mut names = names(spec).into_iter();
    names.find(|name| !name.contains(' ')).unwrap_or(path)
}

/// `rbox --help`.
pub fn help() -> String {
    let top: Vec<(&str, &str)> = COMMANDS
        .iter()
        .filter(|(name, _)| !name.contains(' '))
        .map(|(name, spec)| (*name, spec.about))
        .collect();
    let common: Vec<(&str, &str)> = COMMON
        .iter()
        .filter_map(|name| top.iter().find(|(other, _)| other == name).copied())
        .collect();
    let other: Vec<(&str, &str)> = top
        .iter()
        .filter(|(name, _)| !COMMON.contains(name))
        .copied()
        .collect();
    let groups: Vec<(&str, &str)> = GROUPS
        .iter()
        .map(|group| (group.name, group.about))
        .collect();
    format!(
        "Usage:  rbox [OPTIONS] COMMAND\n\n{}\n\nCommon Commands:\n{}\nManagement Commands:\n{}\n\
         Commands:\n{}\nGlobal Options:\n{GLOBAL_OPTIONS}\n\
         Run 'rbox COMMAND --help' for more information on a command.\n",
        super::RBOX.about,
        list(&common),
        list(&groups),
        list(&other)
    )
}

const GLOBAL_OPTIONS: &str = "      --insecure-registry list
                          Registry that may be spoken to by plain HTTP, or by TLS with
                          anybody (RBOX_INSECURE_REGISTRIES, comma-separated)
      --root string       Where containers, images and networks are kept
                          (default \"/var/lib/rbox\", RBOX_ROOT)
      --run-root string   Where the state of running containers is
                          (default \"/run/rbox\", RBOX_RUN_ROOT)
      --trace-timing      Print where the time went, to stderr, when the command is done
  -v, --version           Print version information and quit
";

/// The commands of a group, each once; without one all that can follow `rbox`.
pub fn listed(group: Option<&Group>) -> Vec<(&'static str, &'static str)> {
    let Some(group) = group else {
        let groups = GROUPS.iter().map(|group| (group.name, group.about));
        let commands = COMMANDS.iter().map(|(name, spec)| (*name, spec.about));
        let mut all: Vec<_> = commands
            .filter(|(name, _)| !name.contains(' '))
            .chain(groups)
            .collect();
        all.sort_unstable();
        return all;
    };
    let mut seen: Vec<&Spec> = Vec::new();
    COMMANDS
        .iter()
        .filter_map(|(name, spec)| {
            let name = name.strip_prefix(group.name)?.strip_prefix(' ')?;
            if seen.iter().any(|other| std::ptr::eq(*other, *spec)) {
                return None;
            }
            seen.push(spec);
            Some((name, spec.about))
        })
        .collect()
}

/// `rbox network --help`.
pub fn group_help(group: &Group) -> String {
    format!(
        "Usage:  rbox {0} COMMAND\n\n{1}\n\nCommands:\n{2}\n\
         Run 'rbox {0} COMMAND --help' for more information on a command.\n",
        group.name,
        group.about,
        list(&listed(Some(group)))
    )
}

fn list(entries: &[(&str, &str)]) -> String {
    entries
        .iter()
        .map(|(name, about)| format!("  {name:<11} {about}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, find, group, group_help, help, is_dockers};

    #[test]
    fn names_are_unique_and_none_is_also_refused() {
        for (index, (name, _)) in COMMANDS.iter().enumerate() {
            assert!(
                COMMANDS[index + 1..].iter().all(|(other, _)| other != name),
                "{name} twice"
            );
            assert!(!is_dockers(name), "{name} is refused too");
        }
        assert!(find("bogus").is_none());
    }

    #[test]
    fn help_lists_each_command_once() {
        let text = help();
        assert_eq!(text.matches("\n  run ").count(), 1);
        assert!(text.contains("\n  network     Manage networks\n"));
        let text = group_help(group("network").unwrap());
        assert!(text.starts_with("Usage:  rbox network COMMAND\n\nManage networks\n\nCommands:\n"));
        assert!(text.contains("\n  ls          List networks\n"));
        assert!(!text.contains("\n  list "));
    }
}
