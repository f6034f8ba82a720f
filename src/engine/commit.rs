//! `commit`: an image of a container's changes.

use rbox_images::{Change, CommitOptions, Reference};

use super::event::{self, Event};
use super::failure::{Context, Failure};
use super::record::{Config, Container};
use super::still::Stillness;
use super::writable::Writable;
use super::{Engine, containers};

/// What `commit` was asked for.
#[derive(Debug)]
pub struct CommitRequest {
    /// Name or id of the container.
    pub container: String,
    /// Name of the image.
    pub reference: Option<Reference>,
    /// Its author; empty for none.
    pub author: String,
    /// Comment in its history; empty for none.
    pub message: String,
    /// What its config shall say in place of what the container's says.
    pub changes: Vec<Change>,
    /// Whether a running container stands still meanwhile.
    pub pause: bool,
}

impl Engine {
    /// Makes an image of a container, running or not. Returns its id, `sha256:…`.
    pub fn commit(&self, request: &CommitRequest) -> Result<String, Failure> {
        let container = containers::find(&self.dirs, &request.container)?;
        let writable = Writable::of(self, &container.record)?;
        let _still = match request.pause {
            true => self.hold_still(&container)?,
            false => None,
        };
        let record = &container.record;
        let options = CommitOptions {
            base: record.image_id.clone(),
            settings: settings(&record.config),
            healthcheck: record
                .config
                .healthcheck
                .as_ref()
                .map(|check| check.value()),
            changes: request.changes.clone(),
            author: request.author.clone(),
            message: request.message.clone(),
            created_by: record.config.cmd.clone().unwrap_or_default().join(" "),
            reference: request.reference.clone(),
        };
        let id = self
            .images
            .commit(&writable.upper(), &options)
            .map(|id| id.to_string())
            .context(|| format!("commit container {}", request.container))?;
        self.happened(&Event::image("create", &id, &id));
        let name = request.reference.as_ref().map(Reference::familiar);
        if let Some(name) = &request.reference {
            self.tagged(name);
        }
        event::of_container(
            &self.dirs,
            "commit",
            record,
            &[
                ("comment", &request.message),
                ("imageID", &id),
                ("imageRef", name.as_deref().unwrap_or_default()),
            ],
        );
        Ok(id)
    }

    fn hold_still(&self, container: &Container) -> Result<Option<Stillness>, Failure> {
        if container.run.is_none() {
            return Ok(None);
        }
        self.freeze(&container.record.id).map_err(|failure| {
            Failure::new(format!(
                "cannot pause container {}: {failure}",
                container.record.id
            ))
            .hint("`--pause=false` commits it while it runs")
        })
    }
}

/// The container's settings as changes of an empty config.
fn settings(config: &Config) -> Vec<Change> {
    let pair = |entry: &String| {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        (name.to_owned(), value.to_owned())
    };
    let ports = config.exposed_ports.iter().map(ToString::to_string);
    let mut all = vec![
        Change::User(config.user.clone()),
        Change::Expose(ports.collect()),
        Change::Env(config.env.iter().map(pair).collect()),
        Change::Volume(config.volumes.clone()),
        Change::Label(config.labels.clone().into_iter().collect()),
    ];
    all.extend(config.entrypoint.clone().map(Change::Entrypoint));
    all.extend(config.cmd.clone().map(Change::Cmd));
    all.extend(config.stop_signal.clone().map(Change::StopSignal));
    if !config.working_dir.is_empty() {
        all.push(Change::Workdir(config.working_dir.clone()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_without_settings_says_nothing_but_empty_things() {
        let changes = settings(&Config::default());
        let none = |change: &Change| match change {
            Change::User(text) => text.is_empty(),
            Change::Expose(list) | Change::Volume(list) => list.is_empty(),
            Change::Env(pairs) | Change::Label(pairs) => pairs.is_empty(),
            _ => false,
        };
        assert!(changes.iter().all(none), "{changes:?}");
    }

    #[test]
    fn what_was_given_is_kept() {
        let config = Config {
            env: vec!["A=1=2".into()],
            cmd: Some(vec!["sh".into(), "-c".into()]),
            working_dir: "/srv".into(),
            exposed_ports: vec!["80/tcp".parse().unwrap()],
            ..Config::default()
        };
        let changes = settings(&config);
        for expected in [
            Change::Env(vec![("A".into(), "1=2".into())]),
            Change::Cmd(vec!["sh".into(), "-c".into()]),
            Change::Workdir("/srv".into()),
            Change::Expose(vec!["80/tcp".into()]),
        ] {
            assert!(changes.contains(&expected), "{expected:?}");
        }
    }
}
