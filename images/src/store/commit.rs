//! An image of a container's changes: the config of the image it was made from, told anew.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::manifest::{ManifestError, diff_ids, parse_config};
use super::snapshot::{AddImageError, Layer, SnapshotError};
use super::{ReadError, Store, files};
use crate::change::{Change, Settings};
use crate::digest::{Digest, DigestError};
use crate::reference::Reference;
use crate::upper::Upper;

/// What the new image shall say.
#[derive(Debug, Clone)]
pub struct CommitOptions {
    /// Id of the image that the container was made from, `sha256:…`.
    pub base: String,
    /// The container's own settings, as changes of an empty config.
    pub settings: Vec<Change>,
    /// The container's `Healthcheck`; that of its image where it has none of its own.
    pub healthcheck: Option<Value>,
    /// What is changed on top of them.
    pub changes: Vec<Change>,
    /// `Author` of the image; empty for none.
    pub author: String,
    /// Comment in its history; empty for none.
    pub message: String,
    /// The container's command, for its history.
    pub created_by: String,
    /// Its name.
    pub reference: Option<Reference>,
}

/// Why there is no new image.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The container's image has no such id.
    #[error("invalid image id {id:?}: {source}")]
    Base {
        /// As given.
        id: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// The config of the container's image cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The writable layer did not become a layer.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The image was not added.
    #[error(transparent)]
    Add(#[from] AddImageError),
}

impl Store {
    /// Makes a layer of a container's writable one, and an image with it on top. Returns the id.
    ///
    /// # Errors
    /// [`CommitError`]; then there is no new image.
    pub fn commit(
        &self,
        upper: &Upper<'_>,
        options: &CommitOptions,
    ) -> Result<Digest, CommitError> {
        let _hold = self.hold().map_err(SnapshotError::from)?;
        let id: Digest = options.base.parse().map_err(|source| CommitError::Base {
            id: options.base.clone(),
            source,
        })?;
        let base = files::read_small(&self.blob(&id))?;
        let mut layers = diff_ids(&parse_config(&base)?)?;
        let made = self.commit_upper(upper)?;
        if !made.is_empty() {
            layers.push(made.diff_id.clone());
        }
        let now = Timestamp::now().to_string();
        let config = config(&base, &layers, &made, options, &now).map_err(not_json)?;
        Ok(self.add_image(&config, &layers, options.reference.as_slice())?)
    }
}

fn not_json(source: serde_json::Error) -> ManifestError {
    let what = "config";
    ManifestError::Json { what, source }
}

/// Docker's order of fields, and no more of the old config than Docker keeps.
fn config(
    base: &[u8],
    layers: &[Digest],
    made: &Layer,
    options: &CommitOptions,
    now: &str,
) -> serde_json::Result<Vec<u8>> {
    let mut base: Map<String, Value> = serde_json::from_slice(base)?;
    let mut settings = Settings::default();
    for change in options.settings.iter().chain(&options.changes) {
        settings.apply(change);
    }
    let given = |kind: fn(&Change) -> bool| options.changes.iter().any(kind);
    if given(|change| matches!(change, Change::Entrypoint(_)))
        && !given(|change| matches!(change, Change::Cmd(_)))
    {
        // The old command was meant for the old entry point.
        settings.drop_cmd();
    }
    let mut inner = serde_json::to_value(&settings)?;
    if let Some(inner) = inner.as_object_mut() {
        let of_base = |key: &str| base.get("config").and_then(|old| old.get(key)).cloned();
        let health = options.healthcheck.clone();
        // A check may be for the image's shell.
        for (key, value) in [
            ("Healthcheck", health.or_else(|| of_base("Healthcheck"))),
            ("Shell", of_base("Shell")),
        ] {
            inner.extend(value.map(|value| (key.to_owned(), value)));
        }
    }
    let mut history = match base.remove("history") {
        Some(Value::Array(history)) => history,
        _ => Vec::new(),
    };
    history.push(entry(made, options, now));
    let mut new = Map::new();
    for key in ["architecture", "variant", "os", "os.version", "os.features"] {
        if let Some(value) = base.remove(key) {
            new.insert(key.to_owned(), value);
        }
    }
    if !options.author.is_empty() {
        new.insert("author".to_owned(), json!(options.author));
    }
    new.insert("created".to_owned(), json!(now));
    new.insert("config".to_owned(), inner);
    let ids: Vec<&str> = layers.iter().map(Digest::as_str).collect();
    let rootfs = json!({ "type": "layers", "diff_ids": ids });
    new.insert("rootfs".to_owned(), rootfs);
    new.insert("history".to_owned(), Value::Array(history));
    serde_json::to_vec(&new)
}

fn entry(made: &Layer, options: &CommitOptions, now: &str) -> Value {
    let mut entry = Map::new();
    entry.insert("created".to_owned(), json!(now));
    for (key, value) in [
        ("author", &options.author),
        ("created_by", &options.created_by),
        ("comment", &options.message),
    ] {
        if !value.is_empty() {
            entry.insert(key.to_owned(), json!(value));
        }
    }
    if made.is_empty() {
        entry.insert("empty_layer".to_owned(), json!(true));
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"{"architecture":"arm64","variant":"v8","os":"linux",
        "config":{"Env":["OLD=1"],"OnBuild":["RUN x"],"Healthcheck":{"Test":["NONE"]}},
        "docker_version":"1","history":[{"created_by":"base"}],
        "rootfs":{"type":"layers","diff_ids":[]}}"#;

    fn layer(tar_size: u64) -> Layer {
        Layer {
            diff_id: Digest::of(b"layer"),
            size: 0,
            tar_size,
        }
    }

    fn made(changes: &[&str], tar_size: u64) -> Value {
        made_with(None, changes, tar_size)
    }

    fn made_with(health: Option<Value>, changes: &[&str], tar_size: u64) -> Value {
        let options = CommitOptions {
            base: String::new(),
            settings: vec![
                Change::Cmd(vec!["sh".into()]),
                Change::Env(vec![("A".into(), "1".into())]),
            ],
            healthcheck: health,
            changes: changes.iter().map(|text| text.parse().unwrap()).collect(),
            author: "Me".into(),
            message: String::new(),
            created_by: "sh".into(),
            reference: None,
        };
        let bytes = config(BASE.as_bytes(), &[], &layer(tar_size), &options, "now").unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn the_containers_settings_and_the_changes_replace_the_images() {
        let made = made(&["ENV B=2", "USER me"], 2048);
        let expected = json!({
            "User": "me", "Env": ["A=1", "B=2"], "Cmd": ["sh"], "Healthcheck": {"Test": ["NONE"]},
        });
        assert_eq!(made["config"], expected);
        assert_eq!(
            (&made["architecture"], &made["variant"]),
            (&json!("arm64"), &json!("v8"))
        );
        assert_eq!(made["author"], "Me");
        assert!(made.get("docker_version").is_none());
        let last = json!({"created": "now", "author": "Me", "created_by": "sh"});
        assert_eq!(made["history"], json!([{"created_by": "base"}, last]));
    }

    #[test]
    fn the_containers_own_health_check_goes_over_the_images() {
        let own = json!({"Test": ["CMD", "true"], "Retries": 1});
        let made = made_with(Some(own.clone()), &[], 2048);
        assert_eq!(made["config"]["Healthcheck"], own);
    }

    #[test]
    fn an_empty_layer_is_said_to_be_one() {
        assert_eq!(made(&[], 1024)["history"][1]["empty_layer"], true);
    }

    #[test]
    fn a_new_entry_point_takes_the_old_command_away() {
        let changed = made(&["ENTRYPOINT [\"/x\"]"], 2048);
        assert!(changed["config"].get("Cmd").is_none());
        let both = made(&["ENTRYPOINT [\"/x\"]", "CMD [\"y\"]"], 2048);
        assert_eq!(both["config"]["Cmd"], json!(["y"]));
    }
}
