//! `Config`: image and command line merged.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::engine::record::Record;

/// The section of a container.
pub(super) fn config(record: &Record) -> Value {
    let config = &record.config;
    let mut value = Map::new();
    let mut put = |key: &str, entry: Value| value.insert(key.to_owned(), entry);
    put("Hostname", json!(config.hostname));
    put("Domainname", json!(config.domainname));
    put("User", json!(config.user));
    put("AttachStdin", json!(config.attach.0));
    put("AttachStdout", json!(config.attach.1));
    put("AttachStderr", json!(config.attach.2));
    if !config.exposed_ports.is_empty() {
        let ports: BTreeMap<String, Value> = config
            .exposed_ports
            .iter()
            .map(|port| (String::from(*port), json!({})))
            .collect();
        put("ExposedPorts", json!(ports));
    }
    put("Tty", json!(config.tty));
    put("OpenStdin", json!(config.open_stdin));
    put("StdinOnce", json!(config.stdin_once));
    put("Env", json!(config.env));
    put("Cmd", json!(config.cmd));
    put("Image", json!(config.image));
    let volumes: Map<String, Value> = config
        .volumes
        .iter()
        .map(|path| (path.clone(), json!({})))
        .collect();
    put(
        "Volumes",
        if volumes.is_empty() {
            Value::Null
        } else {
            Value::Object(volumes)
        },
    );
    put("WorkingDir", json!(config.working_dir));
    put("Entrypoint", json!(config.entrypoint));
    put("OnBuild", Value::Null);
    put("Labels", json!(config.labels));
    if let Some(check) = &config.healthcheck {
        put("Healthcheck", check.value());
    }
    if !config.shell.is_empty() {
        put("Shell", json!(config.shell));
    }
    if let Some(signal) = &config.stop_signal {
        put("StopSignal", json!(signal));
    }
    if let Some(timeout) = config.stop_timeout {
        put("StopTimeout", json!(timeout));
    }
    Value::Object(value)
}
