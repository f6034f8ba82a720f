//! An image's config while it is built: what the base said, and what each instruction makes of it.
//!
//! The fields are those of the OCI image specification's config.md and the three that Docker adds
//! (`Healthcheck`, `OnBuild`, `Shell`); others of a base image are dropped. They are written in one
//! order, so that the same build gives the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::engine::create::DEFAULT_PATH;

/// The comment of every history entry made here.
pub const COMMENT: &str = "rbox.dockerfile.v1";

/// The whole config blob.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// `MAINTAINER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// `amd64`.
    #[serde(deserialize_with = "or_default")]
    pub architecture: String,
    /// `v8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// `linux`.
    #[serde(deserialize_with = "or_default")]
    pub os: String,
    /// What containers start with.
    #[serde(deserialize_with = "or_default")]
    pub config: Settings,
    /// The layers.
    pub rootfs: RootFs,
    /// What made them.
    #[serde(deserialize_with = "or_default")]
    pub history: Vec<History>,
}

/// What containers start with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Settings {
    /// `USER`.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub user: String,
    /// `EXPOSE`: `80/tcp`.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub exposed_ports: BTreeMap<String, Empty>,
    /// `ENV`, `NAME=value`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// `ENTRYPOINT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// `CMD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// `HEALTHCHECK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Health>,
    /// `VOLUME`.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub volumes: BTreeMap<String, Empty>,
    /// `WORKDIR`.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub working_dir: String,
    /// `ONBUILD`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub on_build: Vec<String>,
    /// `LABEL`.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub labels: BTreeMap<String, String>,
    /// `STOPSIGNAL`.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub stop_signal: String,
    /// `SHELL`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
}

/// Go's empty struct, `{}`; what a base image has in it is dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// `HEALTHCHECK`, durations in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Health {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`.
    #[serde(deserialize_with = "or_default")]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// Of one check.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// During which failures do not count.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Between checks during that.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// How many failures in a row make it unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

/// The layers, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RootFs {
    /// `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `sha256:…` of each layer's tar.
    #[serde(deserialize_with = "or_default")]
    pub diff_ids: Vec<String>,
}

impl Default for RootFs {
    fn default() -> RootFs {
        RootFs {
            kind: "layers".to_owned(),
            diff_ids: Vec::new(),
        }
    }
}

/// One instruction that was carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// `MAINTAINER` at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who carried it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// It changed only the config.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Go writes `null` for empty lists and maps.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl ImageConfig {
    /// Of nothing, for `FROM scratch`.
    pub fn scratch() -> ImageConfig {
        let host = rbox_images::Platform::host();
        ImageConfig {
            architecture: host.architecture,
            variant: host.variant,
            os: host.os,
            config: Settings {
                env: vec![format!("PATH={DEFAULT_PATH}")],
                working_dir: "/".to_owned(),
                ..Settings::default()
            },
            ..ImageConfig::default()
        }
    }

    /// Notes a step that made a layer.
    pub fn add_layer(&mut self, diff_id: &str, created_by: String, created: String) {
        self.rootfs.diff_ids.push(diff_id.to_owned());
        self.created = Some(created.clone());
        self.note(created_by, Some(created), false);
    }

    /// Notes a step that changed the config only. Its time is that of the step before: a build
    /// that finds every layer in the cache is the same image again.
    pub fn add_change(&mut self, created_by: String) {
        let created = self.created.clone();
        self.note(created_by, created, true);
    }

    fn note(&mut self, created_by: String, created: Option<String>, empty_layer: bool) {
        self.history.push(History {
            created,
            created_by: Some(created_by),
            author: self.author.clone(),
            comment: Some(COMMENT.to_owned()),
            empty_layer,
        });
    }

    /// The value of a variable of `ENV`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.config.env.iter().find_map(|entry| {
            let (known, value) = entry.split_once('=')?;
            (known == name).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_that_go_wrote_is_read_and_written_without_its_nulls() {
        let text = r#"{"architecture":"amd64","config":{"Hostname":"","User":"","ExposedPorts":null,
            "Env":["PATH=/bin"],"Cmd":["sh"],"Image":"sha256:00","Volumes":{"/v":{}},"WorkingDir":"",
            "Entrypoint":null,"OnBuild":null,"Labels":null,
            "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000}},
            "container":"x","created":"2026-01-01T00:00:00Z","docker_version":"20.10",
            "history":[{"created":"2026-01-01T00:00:00Z","created_by":"ADD x","empty_layer":true}],
            "os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:11"]}}"#;
        let config: ImageConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.variable("PATH"), Some("/bin"));
        assert_eq!(
            serde_json::to_string(&config).unwrap(),
            concat!(
                r#"{"created":"2026-01-01T00:00:00Z","architecture":"amd64","os":"linux","#,
                r#""config":{"Env":["PATH=/bin"],"Cmd":["sh"],"#,
                r#""Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000},"#,
                r#""Volumes":{"/v":{}}},"rootfs":{"type":"layers","diff_ids":["sha256:11"]},"#,
                r#""history":[{"created":"2026-01-01T00:00:00Z","created_by":"ADD x","#,
                r#""empty_layer":true}]}"#
            )
        );
    }

    #[test]
    fn a_change_of_the_config_has_the_time_of_the_layer_before() {
        let mut config = ImageConfig::scratch();
        config.add_change("ENV A=1".to_owned());
        config.add_layer(
            "sha256:11",
            "COPY a /".to_owned(),
            "2026-01-01T00:00:00Z".to_owned(),
        );
        config.add_change("CMD [\"/a\"]".to_owned());
        let times: Vec<_> = config
            .history
            .iter()
            .map(|entry| (entry.created.as_deref(), entry.empty_layer))
            .collect();
        let at = Some("2026-01-01T00:00:00Z");
        assert_eq!(times, [(None, true), (at, false), (at, true)]);
        assert_eq!(config.created.as_deref(), at);
    }
}
