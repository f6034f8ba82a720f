//! `RUN`: from the instruction to what is executed, and its cache key.

use rbox_images::dockerfile::{Command, Program, Run};
use rbox_images::{Digest, Layer};

use super::key::Key;
use super::mounts::{self, Mounts};
use super::progress::Step;
use super::request;
use super::run::{self, MountSource, RunStep, StepMount};
use super::stage::{LayerStep, StageBuild};
use crate::engine::Failure;

/// Where the script of a heredoc that begins with `#!` is, as in BuildKit.
const SCRIPTS: &str = "/dev/pipes";

/// A `RUN`, ready.
pub struct Process<'a> {
    building: &'a StageBuild<'a>,
    step: RunStep,
    key: Digest,
    text: String,
}

/// Everything that a `RUN` needs, nothing done yet.
pub fn prepare<'a>(building: &'a StageBuild<'a>, run: &Run) -> Result<Process<'a>, Failure> {
    let state = &building.state;
    let build = building.build;
    let (argv, script) = command(building, run);
    let mut mounts = Mounts::default();
    for flag in &run.mounts {
        mounts::add(building, flag, &mut mounts)?;
    }
    let network = match &run.network {
        Some(network) => request::network(network),
        None => build.request.network.clone(),
    };
    let env = state.environment();
    let settings = &state.image.config;
    let mut key = Key::new("RUN", &state.image.rootfs.diff_ids);
    key.list("argv", &argv);
    if let Some((path, content)) = &script {
        key.list("script", [path, content]);
    }
    key.list(
        "env",
        env.iter().map(|(name, value)| format!("{name}={value}")),
    );
    key.part("user", &settings.user);
    key.part("workdir", &settings.working_dir);
    key.part("network", format!("{network:?}"));
    key.list("mounts", &mounts.key);
    for (name, address) in &build.request.extra_hosts {
        key.list("host", [name, address]);
    }
    key.part("limits", format!("{:?}", build.request.limits));
    if let Some(epoch) = build.request.epoch {
        key.part("epoch", epoch.to_le_bytes());
    }
    if let Some((path, content)) = script {
        mounts.places.push(StepMount {
            target: path,
            source: MountSource::File {
                content: content.into_bytes(),
                mode: 0o755,
                uid: 0,
                gid: 0,
            },
        });
    }
    let text = state.run_text(&argv);
    let step = RunStep {
        layers: building.layers()?,
        argv,
        env: with_proxies(env, build.given.proxies()),
        user: settings.user.clone(),
        workdir: settings.working_dir.clone(),
        stdin: None,
        mounts: mounts.places,
        secret_variables: mounts.secret_variables,
        network,
        extra_hosts: build.request.extra_hosts.clone(),
        limits: build.request.limits.clone(),
        epoch: build.request.epoch,
    };
    Ok(Process {
        building,
        step,
        key: key.digest(),
        text,
    })
}

/// What is executed, and a script that must be there for it.
fn command(building: &StageBuild<'_>, run: &Run) -> (Vec<String>, Option<(String, String)>) {
    let state = &building.state;
    match run.program() {
        Program::Exec(words) => (words, None),
        Program::Shell(text) => (state.command(&Command::Shell(text)), None),
        Program::Script(content) => {
            let name = run.heredocs.first().map_or("EOF", |heredoc| &heredoc.name);
            let path = format!("{SCRIPTS}/{name}");
            (vec![path.clone()], Some((path, content)))
        }
    }
}

/// Proxies of the command line, where nothing else sets them.
fn with_proxies<'a>(
    mut env: Vec<(String, String)>,
    proxies: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(String, String)> {
    for (name, value) in proxies {
        if !env.iter().any(|(known, _)| known == name) {
            env.push((name.to_owned(), value.to_owned()));
        }
    }
    env
}

impl LayerStep for Process<'_> {
    fn key(&self) -> Digest {
        self.key.clone()
    }

    fn text(&self) -> String {
        self.text.clone()
    }

    fn make(&self, step: &Step<'_>) -> Result<Option<Layer>, Failure> {
        let build = self.building.build;
        let output = |_: bool, bytes: &[u8]| step.output(bytes);
        let (engine, workspace) = (build.engine, build.workspace);
        let finished = run::run(engine, &self.step, workspace, &build.cancel, &output)?;
        match finished.code {
            0 => Ok(finished.layer),
            code => Err(Failure::new(format!(
                "process {:?} did not complete successfully: exit code: {code}",
                self.step.argv.join(" ")
            ))
            .code(u8::try_from(code).unwrap_or(1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_of_the_dockerfile_stays() {
        let env = vec![("http_proxy".to_owned(), "own".to_owned())];
        let given = [("http_proxy", "line"), ("no_proxy", "x")];
        let env = with_proxies(env, given.into_iter());
        assert_eq!(env[0].1, "own");
        assert_eq!(env[1], ("no_proxy".to_owned(), "x".to_owned()));
    }
}
