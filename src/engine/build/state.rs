//! What a stage is after each instruction: its config, its layers, its `ARG`s.
//!
//! Instructions that only change the config are carried out here, purely. For those that make a
//! layer this says what the process or the copy gets to see.

use rbox_images::Change;
use rbox_images::dockerfile::{Command, Healthcheck, Instruction};

use super::image::{Empty, Health, ImageConfig};
use super::scope::{Given, Scope};
use crate::engine::Failure;
use crate::engine::create::{DEFAULT_PATH, set_env};
use crate::engine::signals;

const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// Replaces the variables of a word, by the lookup.
pub type Expand<'a> = dyn Fn(&str, &dyn Fn(&str) -> Option<String>) -> Result<String, Failure> + 'a;

/// A stage, as far as it is built.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Its config, layers and history.
    pub image: ImageConfig,
    /// Its `ARG`s.
    pub scope: Scope,
    /// Whether this stage has a `CMD` of its own: `ENTRYPOINT` drops an inherited one.
    command_is_own: bool,
}

impl State {
    /// The beginning of a stage on `base`. Triggers of the base are taken out: they fire once.
    pub fn on(mut base: State) -> State {
        base.command_is_own = false;
        base.image.config.on_build.clear();
        base
    }

    /// The beginning of a stage on nothing.
    pub fn scratch() -> State {
        State::on_image(ImageConfig::scratch())
    }

    /// The beginning of a stage on an image. It has a `PATH` from here on, as BuildKit gives it one.
    pub fn on_image(mut image: ImageConfig) -> State {
        if image.variable("PATH").is_none() {
            image.config.env.push(format!("PATH={DEFAULT_PATH}"));
        }
        State::on(State {
            image,
            ..State::default()
        })
    }

    /// What a variable means: `ENV` hides `ARG`.
    pub fn lookup(&self, name: &str) -> Option<String> {
        let variable = self.image.variable(name).or_else(|| self.scope.get(name));
        variable.map(str::to_owned)
    }

    /// A command line as a process gets it.
    pub fn command(&self, command: &Command) -> Vec<String> {
        match command {
            Command::Exec(words) => words.clone(),
            Command::Shell(text) => self.shell().into_iter().chain([text.clone()]).collect(),
        }
    }

    fn shell(&self) -> Vec<String> {
        match self.image.config.shell.as_slice() {
            [] => SHELL.map(str::to_owned).to_vec(),
            own => own.to_vec(),
        }
    }

    /// The variables of a process: `ENV`, then the `ARG`s that no `ENV` hides.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variables = self
            .image
            .config
            .env
            .iter()
            .filter_map(|entry| entry.split_once('='));
        let arguments = self
            .scope
            .set()
            .filter(|(name, _)| self.image.variable(name).is_none());
        variables
            .chain(arguments)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// A `RUN` as the history has it: `RUN |1 A=b /bin/sh -c …`.
    pub fn run_text(&self, words: &[String]) -> String {
        let arguments: Vec<String> = self
            .scope
            .set()
            .map(|(name, value)| format!("{name}={}", self.image.variable(name).unwrap_or(value)))
            .collect();
        let count = match arguments.len() {
            0 => String::new(),
            count => format!("|{count} {} ", arguments.join(" ")),
        };
        format!("RUN {count}{}", words.join(" "))
    }

    /// A path below the working directory, tidy; absolute ones stay what they are.
    pub fn path(&self, path: &str) -> String {
        joined(&self.image.config.working_dir, path)
    }

    /// Carries out an instruction that only changes the config, and returns what the history says
    /// of it; `None` for the others. `WORKDIR` is one of the others.
    pub fn apply(
        &mut self,
        instruction: &Instruction,
        given: &Given,
        expand: &Expand<'_>,
    ) -> Result<Option<String>, Failure> {
        let text = match instruction {
            Instruction::Arg(declarations) => {
                let mut texts = Vec::with_capacity(declarations.len());
                for declaration in declarations {
                    let known = self.clone();
                    let look = |text: &str| expand(text, &|name| known.lookup(name));
                    texts.push(self.scope.declare(declaration, given, &look)?);
                }
                format!("ARG {}", texts.join(" "))
            }
            Instruction::Env(pairs) => {
                let pairs = self.pairs(pairs, expand)?;
                for (name, value) in &pairs {
                    set_env(&mut self.image.config.env, name, value);
                }
                format!("ENV {}", joined_pairs(&pairs))
            }
            Instruction::Label(pairs) => {
                let pairs = self.pairs(pairs, expand)?;
                let text = format!("LABEL {}", joined_pairs(&pairs));
                self.image.config.labels.extend(pairs);
                text
            }
            Instruction::Cmd(command) => {
                let words = self.command(command);
                let text = format!("CMD {}", quoted(&words));
                self.image.config.cmd = Some(words);
                self.command_is_own = true;
                text
            }
            Instruction::Entrypoint(command) => {
                let words = self.command(command);
                let text = format!("ENTRYPOINT {}", quoted(&words));
                self.image.config.entrypoint = Some(words);
                if !self.command_is_own {
                    self.image.config.cmd = None;
                }
                text
            }
            Instruction::User(user) => {
                let user = self.expanded(user, expand)?;
                let text = format!("USER {user}");
                self.image.config.user = user;
                text
            }
            Instruction::Expose(words) => self.expose(words, expand)?,
            Instruction::Volume(paths) => {
                let paths = self.all_expanded(paths, expand)?;
                if paths.iter().any(|path| path.trim().is_empty()) {
                    let text = "VOLUME specified can not be an empty string";
                    return Err(Failure::new(text));
                }
                let text = format!("VOLUME [{}]", paths.join(" "));
                let volumes = &mut self.image.config.volumes;
                volumes.extend(paths.into_iter().map(|path| (path, Empty {})));
                text
            }
            Instruction::StopSignal(signal) => {
                let signal = self.expanded(signal, expand)?;
                if signals::parse(&signal).is_none() {
                    return Err(Failure::new(format!("Invalid signal: {signal}")));
                }
                let text = format!("STOPSIGNAL {signal}");
                self.image.config.stop_signal = signal;
                text
            }
            Instruction::Shell(words) => {
                self.image.config.shell.clone_from(words);
                format!("SHELL [{}]", words.join(" "))
            }
            Instruction::Healthcheck(check) => {
                let (health, text) = health(check);
                self.image.config.healthcheck = Some(health);
                text
            }
            Instruction::OnBuild(trigger) => {
                self.image.config.on_build.push(trigger.clone());
                format!("ONBUILD {trigger}")
            }
            Instruction::Maintainer(name) => {
                self.image.author = Some(name.clone());
                format!("MAINTAINER {name}")
            }
            Instruction::Run(_)
            | Instruction::Copy(_)
            | Instruction::Add(_)
            | Instruction::Workdir(_) => return Ok(None),
        };
        Ok(Some(text))
    }

    /// Variables replaced by what they mean here.
    pub fn expanded(&self, word: &str, expand: &Expand<'_>) -> Result<String, Failure> {
        expand(word, &|name| self.lookup(name))
    }

    /// The same for several words.
    pub fn all_expanded(
        &self,
        words: &[String],
        expand: &Expand<'_>,
    ) -> Result<Vec<String>, Failure> {
        words
            .iter()
            .map(|word| self.expanded(word, expand))
            .collect()
    }

    /// All of one instruction see the variables as they were before it.
    fn pairs(
        &self,
        pairs: &[(String, String)],
        expand: &Expand<'_>,
    ) -> Result<Vec<(String, String)>, Failure> {
        pairs
            .iter()
            .map(|(name, value)| Ok((self.expanded(name, expand)?, self.expanded(value, expand)?)))
            .collect()
    }

    fn expose(&mut self, words: &[String], expand: &Expand<'_>) -> Result<String, Failure> {
        let mut ports = Vec::new();
        // A variable may hold several ports.
        for word in self.all_expanded(words, expand)? {
            let change = format!("EXPOSE {word}")
                .parse()
                .map_err(|error: rbox_images::ChangeError| Failure::new(error.to_string()))?;
            if let Change::Expose(more) = change {
                ports.extend(more);
            }
        }
        let text = format!("EXPOSE [{}]", ports.join(" "));
        let exposed = &mut self.image.config.exposed_ports;
        exposed.extend(ports.into_iter().map(|port| (port, Empty {})));
        Ok(text)
    }
}

fn health(check: &Healthcheck) -> (Health, String) {
    match check {
        Healthcheck::None => {
            let health = Health {
                test: vec!["NONE".to_owned()],
                ..Health::default()
            };
            (health, "HEALTHCHECK NONE".to_owned())
        }
        Healthcheck::Command {
            command,
            interval,
            timeout,
            start_period,
            start_interval,
            retries,
        } => {
            let test: Vec<String> = match command {
                Command::Exec(words) => ["CMD".to_owned()]
                    .into_iter()
                    .chain(words.iter().cloned())
                    .collect(),
                Command::Shell(text) => vec!["CMD-SHELL".to_owned(), text.clone()],
            };
            let text = format!("HEALTHCHECK {}", quoted(&test));
            let health = Health {
                test,
                interval: *interval,
                timeout: *timeout,
                start_period: *start_period,
                start_interval: *start_interval,
                retries: i64::from(*retries),
            };
            (health, text)
        }
    }
}

/// As BuildKit writes a list: `["a" "b"]`.
fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| serde_json::Value::from(word.as_str()).to_string())
        .collect();
    format!("[{}]", words.join(" "))
}

fn joined_pairs(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(" ")
}

/// An absolute, tidy path; `..` of the root is the root.
pub fn joined(before: &str, path: &str) -> String {
    let whole = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{before}/{path}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::build::input::expand;
    use rbox_images::dockerfile::Dockerfile;

    /// The stage after the instructions, and its history.
    fn after(state: State, instructions: &str) -> Result<(State, Vec<String>), Failure> {
        let text = format!("FROM x\n{instructions}\n");
        let file = Dockerfile::parse(text.as_bytes()).unwrap();
        let arguments = [("LINE".to_owned(), "from the line".to_owned())];
        let given = Given::new(arguments.into(), None);
        let mut state = state;
        let mut history = Vec::new();
        for located in &file.stages[0].instructions {
            let expand = |word: &str, lookup: &dyn Fn(&str) -> Option<String>| {
                expand(word, file.escape, lookup)
            };
            match state.apply(&located.value, &given, &expand)? {
                Some(text) => history.push(text),
                None => history.push("layer".to_owned()),
            }
        }
        Ok((state, history))
    }

    fn settings(instructions: &str) -> (serde_json::Value, Vec<String>) {
        let (state, history) = after(State::default(), instructions).unwrap();
        (serde_json::to_value(state.image.config).unwrap(), history)
    }

    #[test]
    fn a_base_without_a_path_gets_one() {
        let mut image = ImageConfig::default();
        let state = State::on_image(image.clone());
        assert_eq!(state.image.variable("PATH"), Some(DEFAULT_PATH));
        image.config.env.push("PATH=/own".to_owned());
        let state = State::on_image(image);
        assert_eq!(state.image.config.env, ["PATH=/own"]);
    }

    #[test]
    fn every_instruction_of_the_config_leaves_what_docker_leaves() {
        let (settings, history) = settings(
            r#"ENV A=1 B="two words"
ENV LEGACY old style
LABEL a=b "c d"=e
EXPOSE 80 53/udp 8000-8001
VOLUME ["/v"] 
VOLUME /a /b
USER nobody
STOPSIGNAL SIGINT
SHELL ["/bin/ash", "-ec"]
HEALTHCHECK --interval=5s --retries=2 CMD wget -q x || exit 1
ONBUILD RUN echo later
ENTRYPOINT ["/e", "1"]
CMD echo $A"#,
        );
        assert_eq!(
            settings,
            serde_json::json!({
                "User": "nobody",
                "ExposedPorts": { "53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {} },
                "Env": ["A=1", "B=two words", "LEGACY=old style"],
                "Entrypoint": ["/e", "1"],
                "Cmd": ["/bin/ash", "-ec", "echo $A"],
                "Healthcheck": {
                    "Test": ["CMD-SHELL", "wget -q x || exit 1"],
                    "Interval": 5_000_000_000_i64, "Retries": 2,
                },
                "Volumes": { "/a": {}, "/b": {}, "/v": {} },
                "OnBuild": ["RUN echo later"],
                "Labels": { "a": "b", "c d": "e" },
                "StopSignal": "SIGINT",
                "Shell": ["/bin/ash", "-ec"],
            })
        );
        assert_eq!(
            history,
            [
                "ENV A=1 B=two words",
                "ENV LEGACY=old style",
                "LABEL a=b c d=e",
                "EXPOSE [80/tcp 53/udp 8000/tcp 8001/tcp]",
                "VOLUME [/v]",
                "VOLUME [/a /b]",
                "USER nobody",
                "STOPSIGNAL SIGINT",
                "SHELL [/bin/ash -ec]",
                r#"HEALTHCHECK ["CMD-SHELL" "wget -q x || exit 1"]"#,
                "ONBUILD RUN echo later",
                r#"ENTRYPOINT ["/e" "1"]"#,
                r#"CMD ["/bin/ash" "-ec" "echo $A"]"#,
            ]
        );
    }

    #[test]
    fn variables_mean_what_they_meant_before_the_instruction() {
        let (settings, history) = settings(
            "ENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\nARG LINE=default\nARG D=$abc\nLABEL l=$LINE d=$D",
        );
        assert_eq!(
            settings["Env"],
            serde_json::json!(["abc=bye", "def=hello", "ghi=bye"])
        );
        assert_eq!(
            settings["Labels"],
            serde_json::json!({ "l": "from the line", "d": "bye" })
        );
        assert_eq!(history[3], "ARG LINE=from the line");
        assert_eq!(history[4], "ARG D=bye");
    }

    #[test]
    fn an_env_hides_an_arg_whichever_comes_first() {
        let (state, _) = after(
            State::default(),
            "ENV A=env\nARG A=arg\nARG B=arg\nENV B=env\nARG C=arg",
        )
        .unwrap();
        for (name, value) in [("A", "env"), ("B", "env"), ("C", "arg")] {
            assert_eq!(state.lookup(name).as_deref(), Some(value));
        }
        let environment: Vec<String> = state
            .environment()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(environment, ["A=env", "B=env", "C=arg"]);
        let words = state.command(&Command::Shell("echo $C".to_owned()));
        assert_eq!(
            state.run_text(&words),
            "RUN |3 A=env B=env C=arg /bin/sh -c echo $C"
        );
    }

    #[test]
    fn an_entrypoint_drops_the_command_of_the_base_alone() {
        let base = after(State::default(), "CMD [\"a\"]\nARG X=1\nONBUILD USER u").unwrap();
        let base = State::on(base.0);
        assert!(base.image.config.on_build.is_empty());
        assert_eq!(base.lookup("X").as_deref(), Some("1"));
        let own = after(base.clone(), "CMD [\"b\"]\nENTRYPOINT [\"e\"]").unwrap();
        assert_eq!(own.0.image.config.cmd, Some(vec!["b".to_owned()]));
        let without = after(base, "ENTRYPOINT [\"e\"]").unwrap();
        assert_eq!(without.0.image.config.cmd, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (instruction, error) in [
            ("EXPOSE bogus", "invalid containerPort: bogus"),
            ("EXPOSE 70000", "invalid containerPort: 70000"),
            ("STOPSIGNAL NOSUCH", "Invalid signal: NOSUCH"),
            (
                "VOLUME $nothing",
                "VOLUME specified can not be an empty string",
            ),
        ] {
            let failed = after(State::default(), instruction).unwrap_err();
            assert_eq!(failed.message, error);
        }
    }

    #[test]
    fn steps_that_make_layers_are_left_to_others() {
        let (_, history) =
            after(State::default(), "RUN true\nCOPY a /\nADD a /\nWORKDIR /x").unwrap();
        assert_eq!(history, ["layer"; 4]);
    }

    #[test]
    fn paths_are_absolute_and_stay_below_the_root() {
        for (before, path, expected) in [
            ("", "app", "/app"),
            ("/app", "sub", "/app/sub"),
            ("/app", "/x/./y/", "/x/y"),
            ("/app", "../../..", "/"),
            ("/", ".", "/"),
        ] {
            assert_eq!(joined(before, path), expected);
        }
    }

    #[test]
    fn a_health_check_may_be_switched_off() {
        let (settings, history) = settings("HEALTHCHECK NONE\nMAINTAINER me");
        assert_eq!(
            settings["Healthcheck"],
            serde_json::json!({ "Test": ["NONE"] })
        );
        assert_eq!(history, ["HEALTHCHECK NONE", "MAINTAINER me"]);
    }
}
