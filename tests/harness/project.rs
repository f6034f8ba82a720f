//! A Compose project in a directory of its own.

use std::process::Command;

use super::{Host, Output};

/// The project `p`, whose file the test writes.
pub struct Project {
    pub host: Host,
    file: String,
}

impl Project {
    /// A project of this file, on a host with `alpine`.
    pub fn new(file: &str) -> Project {
        Project::on(Host::new(), file)
    }

    /// The same on a host of the test's choice.
    pub fn on(host: Host, file: &str) -> Project {
        let file = host.write("p/compose.yaml", file);
        Project { host, file }
    }

    /// Writes another file in its place.
    pub fn change(&self, file: &str) {
        std::fs::write(&self.file, file).unwrap();
    }

    /// `rbox compose LINE`, not yet run.
    pub fn command(&self, line: &str) -> Command {
        let mut words = vec!["compose", "-f", &self.file];
        words.extend(line.split_whitespace());
        self.host.command(&words)
    }

    /// `rbox compose LINE`.
    pub fn compose(&self, line: &str) -> Output {
        let output = self.command(line).output().unwrap();
        Output::new(format!("rbox compose {line}"), output)
    }

    /// What it told on stderr, one line a change. Panics if it fails.
    #[track_caller]
    pub fn tells(&self, line: &str) -> Vec<String> {
        let output = self.compose(line);
        assert_eq!(output.code, 0, "{output:#?}");
        let told = output.stderr.lines();
        told.map(|line| line.trim().to_owned()).collect()
    }

    /// Its stderr. Panics unless it fails with 1.
    #[track_caller]
    pub fn fails(&self, line: &str) -> String {
        self.compose(line).fails(1)
    }

    /// Id of a container.
    #[track_caller]
    pub fn id(&self, service: &str) -> String {
        self.host.id(&format!("p-{service}-1"))
    }

    /// What a shell in a container says.
    #[track_caller]
    pub fn says(&self, service: &str, script: &str) -> String {
        let name = format!("p-{service}-1");
        self.host.rbox(&["exec", &name, "sh", "-c", script]).ok()
    }

    /// Names of the project's containers in that state, sorted.
    #[track_caller]
    pub fn containers(&self, status: &str) -> Vec<String> {
        let filter = "label=com.docker.compose.project=p";
        let status = format!("status={status}");
        let words = [
            "ps", "-a", "--filter", filter, "--filter", &status, "--format",
        ];
        let mut words = words.to_vec();
        words.push("{{.Names}}");
        let listed = self.host.rbox(&words).ok();
        let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
        names.sort();
        names
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // Volumes, too; the host takes the rest.
        self.compose("down -v -t 0 --remove-orphans");
    }
}
