//! Whole projects from files in a directory.

mod errors;
mod forms;
mod merging;
mod render;
mod surroundings;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::{Disk, LoadError, LoadOptions, load_from};
use crate::model::{Project, Service};

/// A directory `/…/app` with files, and options to change.
pub struct Directory {
    root: tempfile::TempDir,
    pub options: LoadOptions,
}

impl Directory {
    pub fn new(files: &[(&str, &str)]) -> Directory {
        let directory = Directory {
            root: tempfile::tempdir().unwrap(),
            options: LoadOptions::default(),
        };
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    pub fn path(&self) -> PathBuf {
        self.root.path().join("app")
    }

    /// A path below it, as a text.
    pub fn below(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn with(mut self, change: impl FnOnce(&mut LoadOptions)) -> Directory {
        change(&mut self.options);
        self
    }

    pub fn load(&self) -> Result<Project, LoadError> {
        load_from(&self.options, &self.path(), &Disk)
    }

    pub fn project(&self) -> Project {
        self.load().unwrap()
    }

    pub fn error(&self) -> String {
        self.load().unwrap_err().message
    }
}

/// A project of one file.
pub fn one(text: &str) -> Directory {
    Directory::new(&[("compose.yaml", text)])
}

/// The service `web` with these keys, one a line.
pub fn service(keys: &str) -> Service {
    one(&web(keys)).project().services["web"].clone()
}

/// The error of such a service; its first key is on line 4.
pub fn service_error(keys: &str) -> String {
    one(&web(keys)).error()
}

fn web(keys: &str) -> String {
    let lines: Vec<String> = keys.lines().map(|line| format!("    {line}\n")).collect();
    format!("services:\n  web:\n    image: alpine\n{}", lines.concat())
}

pub fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

#[test]
fn a_file_is_found_upwards_with_its_override() {
    let directory = Directory::new(&[
        ("compose.yml", "services: {web: {image: a, init: true}}"),
        ("compose.override.yaml", "services: {web: {image: b}}"),
        ("docker-compose.yml", "services: {no: {image: c}}"),
        ("deep/down/x", ""),
    ]);
    let current = directory.path().join("deep/down");
    let project = load_from(&directory.options, &current, &Disk).unwrap();
    assert_eq!(project.name, "app");
    assert_eq!(project.directory, directory.path());
    assert_eq!(
        project.files,
        ["compose.yml", "compose.override.yaml"].map(|name| directory.path().join(name))
    );
    let web = &project.services["web"];
    assert_eq!((web.image.as_deref(), web.init), (Some("b"), true));

    let empty = Directory::new(&[("x", "")]);
    assert_eq!(empty.error(), "no configuration file provided: not found");
}

#[test]
fn the_name_is_the_options_the_environments_the_files_or_the_directorys() {
    let text = "name: ${STAGE:-dev}-shop\nservices: {}";
    assert_eq!(one(text).project().name, "dev-shop");
    let environment = texts(&[("COMPOSE_PROJECT_NAME", "env")]);
    let directory = one(text).with(|options| options.environment = environment);
    assert_eq!(directory.project().name, "env");
    let directory = directory.with(|options| options.project_name = Some("given".to_owned()));
    assert_eq!(directory.project().name, "given");
    let directory = directory.with(|options| options.project_name = Some("Given".to_owned()));
    assert!(
        directory
            .error()
            .starts_with("invalid project name \"Given\": must consist only of")
    );
    assert!(
        one("name: My App\nservices: {}")
            .error()
            .starts_with("compose.yaml:1: name: invalid project name \"My App\"")
    );
}

#[test]
fn a_project_has_what_its_services_use() {
    let project = one("
services:
  web:
    image: alpine
    volumes: [data:/data]
    configs: [conf]
  db: {image: alpine, networks: [back]}
networks:
  back: {name: other}
  unused:
volumes:
  data:
  old: {external: true}
configs:
  conf: {content: text}
secrets:
  unused: {environment: NOT_SET}
")
    .project();
    let networks: Vec<_> = (project.networks.iter())
        .map(|(key, network)| (key.as_str(), network.name.as_str()))
        .collect();
    assert_eq!(networks, [("back", "other"), ("default", "app_default")]);
    assert_eq!(project.volumes.len(), 1);
    assert_eq!(project.volumes["data"].name, "app_data");
    assert_eq!(project.configs.len(), 1);
    assert!(project.secrets.is_empty());
    assert!(project.services["web"].networks.contains_key("default"));
    assert!(!project.services["db"].networks.contains_key("default"));
}
