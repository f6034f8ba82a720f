//! What is known of the values of flags and of arguments: by the flag's name, by what its help
//! lists, and by the word in the usage line.

use crate::cli::parse::capability;
use crate::engine::known::Which;
use crate::engine::signals;

/// What a value is.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    /// One of these.
    OneOf(Vec<String>),
    /// A container.
    Container(Which),
    /// A container, and a path in it behind a colon.
    ContainerPath,
    /// An image.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// A service of the project.
    Service,
    /// What a container can have as its network.
    NetworkMode,
    /// What `-v` mounts: a volume or a directory.
    Mount,
    /// A file or directory of the host.
    Path,
}

/// Values of a flag.
pub fn of_flag(flag: &clap::Arg) -> Vec<Value> {
    let one_of = |words: &[&str]| vec![Value::OneOf(words.iter().map(|w| (*w).into()).collect())];
    let possible = flag.get_possible_values();
    if !possible.is_empty() {
        let names: Vec<&str> = possible.iter().map(|value| value.get_name()).collect();
        return one_of(&names);
    }
    match flag.get_long().unwrap_or_default() {
        "network" | "net" => vec![Value::NetworkMode],
        "link" | "volumes-from" => vec![Value::Container(Which::All)],
        "volume" => vec![Value::Mount],
        "attach" => one_of(&["stdin", "stdout", "stderr"]),
        "cap-add" | "cap-drop" => one_of(&capability::NAMES),
        "cgroupns" => one_of(&["host", "private"]),
        "ipc" => one_of(&["container:", "host", "none", "private", "shareable"]),
        "log-driver" => one_of(&["json-file", "none"]),
        "mount" => one_of(&["type=bind,", "type=image,", "type=tmpfs,", "type=volume,"]),
        "pid" => one_of(&["container:", "host"]),
        "restart" => one_of(&["always", "no", "on-failure", "unless-stopped"]),
        "signal" | "stop-signal" => one_of(&signals::names()),
        "userns" => one_of(&["auto", "host", "keep-id"]),
        "uts" => one_of(&["host"]),
        "cidfile" | "config" | "env-file" | "file" | "iidfile" | "input" | "label-file"
        | "metadata-file" | "output" | "project-directory" | "root" | "run-root" | "write" => {
            vec![Value::Path]
        }
        _ => match listed(&flag.get_help().map(ToString::to_string).unwrap_or_default()) {
            words if words.len() > 1 => vec![Value::OneOf(words)],
            _ => Vec::new(),
        },
    }
}

/// The words that a help text has in quotes: `Set type of progress output ("auto", "plain")`.
fn listed(help: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for quote in ['"', '\''] {
        let quoted = help.split(quote).skip(1).step_by(2);
        words.extend(quoted.filter(|word| is_word(word)).map(String::from));
    }
    words
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// Values of an argument, the first is 0; `path` is the command.
pub fn of_argument(path: &str, usage: &str, index: usize) -> Vec<Value> {
    let usage = usage.lines().next().unwrap_or_default();
    let mut words = usage
        .split_whitespace()
        .filter(|word| !["[OPTIONS]", "|", "-"].contains(word));
    let all: Vec<&str> = words.by_ref().collect();
    let word = match all.get(index) {
        Some(word) => *word,
        None => match all.last() {
            Some(last) if last.contains("...") => last,
            _ => return Vec::new(),
        },
    };
    let which = match path.rsplit(' ').next().unwrap_or_default() {
        "attach" | "exec" | "kill" | "pause" | "stop" | "top" | "unpause" => Which::Running,
        "start" => Which::Stopped,
        _ => Which::All,
    };
    let has = |name: &str| word.contains(name);
    if has("NAME|ID") {
        return vec![
            Value::Container(which),
            Value::Image,
            Value::Network,
            Value::Volume,
        ];
    }
    let mut values = Vec::new();
    if has("SRC_PATH") || has("DEST_PATH") {
        values.extend([Value::ContainerPath, Value::Path]);
    } else if has("CONTAINER") {
        values.push(Value::Container(which));
    }
    if has("IMAGE") || has("REPOSITORY") || has("NAME[:TAG") {
        values.push(Value::Image);
    }
    if has("NETWORK") && !path.ends_with("create") {
        values.push(Value::Network);
    }
    if has("VOLUME") && !path.ends_with("create") {
        values.push(Value::Volume);
    }
    if has("SERVICE") {
        values.push(Value::Service);
    }
    if values.is_empty() && ["PATH", "DIR", "file|-"].iter().any(|name| has(name)) {
        values.push(Value::Path);
    }
    if values.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '|') {
        let words = word.split('|').map(String::from).collect();
        values.push(Value::OneOf(words));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::{Value, listed, of_argument};
    use crate::engine::known::Which;

    #[test]
    fn arguments_are_what_the_usage_line_calls_them() {
        let running = Value::Container(Which::Running);
        for (path, usage, index, expected) in [
            (
                "exec",
                "[OPTIONS] CONTAINER COMMAND [ARG...]",
                0,
                vec![running],
            ),
            ("exec", "[OPTIONS] CONTAINER COMMAND [ARG...]", 1, vec![]),
            ("exec", "[OPTIONS] CONTAINER COMMAND [ARG...]", 7, vec![]),
            (
                "container start",
                "[OPTIONS] CONTAINER [CONTAINER...]",
                5,
                vec![Value::Container(Which::Stopped)],
            ),
            ("rename", "CONTAINER NEW_NAME", 1, vec![]),
            (
                "network connect",
                "[OPTIONS] NETWORK CONTAINER",
                0,
                vec![Value::Network],
            ),
            ("network create", "[OPTIONS] NETWORK", 0, vec![]),
            ("build", "[OPTIONS] PATH | -", 0, vec![Value::Path]),
            (
                "import",
                "[OPTIONS] file|- [REPOSITORY[:TAG]]",
                1,
                vec![Value::Image],
            ),
            (
                "tag",
                "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
                0,
                vec![Value::Image],
            ),
            (
                "cp",
                "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-",
                0,
                vec![Value::ContainerPath, Value::Path],
            ),
            (
                "completion",
                "bash|zsh|fish",
                0,
                vec![Value::OneOf(vec![
                    "bash".into(),
                    "zsh".into(),
                    "fish".into(),
                ])],
            ),
        ] {
            assert_eq!(of_argument(path, usage, index), expected, "{path} {index}");
        }
    }

    #[test]
    fn values_are_what_the_help_lists() {
        assert_eq!(
            listed("Set type of progress output (\"auto\", \"quiet\", \"plain\", \"tty\")"),
            ["auto", "quiet", "plain", "tty"]
        );
        assert_eq!(
            listed("Format output: 'table', 'table TEMPLATE', 'json' or a Go template"),
            ["table", "json"]
        );
        assert!(listed("Stop after this long (\"10s\", \"1m30s\")").is_empty());
    }
}
