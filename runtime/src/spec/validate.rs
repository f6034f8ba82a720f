//! Everything that can be known to be wrong before anything is made.
//!
//! What a configuration asks for and this runtime does not do yet is refused
//! by name: a container that silently lacks a part of its isolation is worse
//! than none.

mod hooks;
mod id_map;
mod linux;
mod process;
mod user_namespace;

use std::path::{Component, Path};

use oci_spec::runtime::{Mount, Spec};
use thiserror::Error;

use super::mount_options::{MountOptions, OptionError};
use super::namespaces::{Namespaces, Source};

pub(crate) use linux::dotted_key;
pub use process::validate_process;

/// A configuration that cannot become a container.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ValidateError {
    /// A part that the specification or this runtime cannot do without.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part that is known and not done yet.
    #[error("{0} is not supported yet")]
    Unsupported(String),
    /// A path that must be absolute.
    #[error("{what} must be an absolute path: {path:?}")]
    Relative {
        /// What the path is for.
        what: &'static str,
        /// The path.
        path: String,
    },
    /// The process's directory is not absolute.
    #[error("Cwd must be an absolute path")]
    RelativeWorkingDirectory,
    /// A value that no kernel would take.
    #[error("invalid {what}: {value}")]
    Invalid {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A namespace kind that is listed twice.
    #[error("namespace {0} is listed twice")]
    RepeatedNamespace(String),
    /// A mount's option list.
    #[error("mount {destination}: {error}")]
    Mount {
        /// The mount point.
        destination: String,
        /// What is wrong with its options.
        error: OptionError,
    },
    /// A mount whose owners cannot be mapped as asked.
    #[error("id-mapped mount {destination}: {why}")]
    IdMappedMount {
        /// The mount point.
        destination: String,
        /// What is wrong.
        why: String,
    },
    /// A sysctl of a namespace that the container shares with the host.
    #[error("sysctl {key:?} not allowed in host {namespace} namespace")]
    HostSysctl {
        /// The key, dotted.
        key: String,
        /// The shared namespace.
        namespace: &'static str,
    },
    /// A sysctl that is the same for the whole machine.
    #[error("sysctl {0:?} is not in a separate kernel namespace")]
    GlobalSysctl(String),
}

/// Checks a whole configuration.
pub fn validate(spec: &Spec) -> Result<(), ValidateError> {
    let process = spec
        .process()
        .as_ref()
        .ok_or(ValidateError::Missing("process"))?;
    validate_process(process)?;
    let linux = spec
        .linux()
        .as_ref()
        .ok_or(ValidateError::Missing("linux"))?;
    let root = spec.root().as_ref().ok_or(ValidateError::Missing("root"))?;
    if root.path().as_os_str().is_empty() {
        return Err(ValidateError::Missing("root.path"));
    }
    spec.hooks()
        .as_ref()
        .map_or(Ok(()), hooks::validate_hooks)?;
    refuse_if(spec.solaris().is_some(), "solaris")?;
    refuse_if(spec.windows().is_some(), "windows")?;
    refuse_if(spec.vm().is_some(), "vm")?;
    refuse_if(spec.zos().is_some(), "zos")?;
    let namespaces =
        Namespaces::of(linux).map_err(|kind| ValidateError::RepeatedNamespace(kind.to_string()))?;
    validate_namespaces(spec, &namespaces)?;
    user_namespace::validate_mappings(linux, &namespaces)?;
    linux::validate_linux(linux, &namespaces)?;
    for mount in spec.mounts().iter().flatten() {
        validate_mount(mount)?;
        id_map::validate(mount, linux, &namespaces)?;
    }
    Ok(())
}

fn validate_namespaces(spec: &Spec, namespaces: &Namespaces<'_>) -> Result<(), ValidateError> {
    refuse_if(namespaces.time != Source::Host, "time namespace")?;
    refuse_if(
        namespaces.mount == Source::Host,
        "container without a mount namespace",
    )?;
    let all = [
        namespaces.mount,
        namespaces.pid,
        namespaces.network,
        namespaces.ipc,
    ];
    let others = [namespaces.uts, namespaces.cgroup, namespaces.user];
    for source in all.into_iter().chain(others) {
        if let Source::Path(path) = source {
            absolute("namespace path", path)?;
        }
    }
    for (name, value) in [
        ("hostname", spec.hostname()),
        ("domainname", spec.domainname()),
    ] {
        let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else {
            continue;
        };
        if namespaces.uts == Source::Host {
            return invalid(name, &format!("{value:?} needs a uts namespace"));
        }
    }
    Ok(())
}

fn validate_mount(mount: &Mount) -> Result<(), ValidateError> {
    let destination = mount.destination();
    absolute("mount destination", destination)?;
    let wrap = |error| ValidateError::Mount {
        destination: destination.display().to_string(),
        error,
    };
    let none = Vec::new();
    let options = MountOptions::parse(mount.options().as_ref().unwrap_or(&none)).map_err(wrap)?;
    let binds = options.bind.is_some() || mount.typ().as_deref() == Some("bind");
    if binds {
        let source = mount
            .source()
            .as_ref()
            .ok_or(ValidateError::Missing("source of a bind"))?;
        if source.as_os_str().is_empty() {
            return Err(ValidateError::Missing("source of a bind"));
        }
        if options.copy_up {
            return Err(wrap(OptionError::Unsupported(
                "tmpcopyup on a bind".to_owned(),
            )));
        }
    } else if mount.typ().as_deref().unwrap_or("").is_empty() {
        return Err(ValidateError::Missing("type of a mount"));
    }
    let plain = destination
        .components()
        .all(|part| part != Component::ParentDir);
    if !plain {
        return invalid("mount destination", &destination.display().to_string());
    }
    refuse_if(options.copy_up, "mount option tmpcopyup")
}

fn refuse_if(condition: bool, what: &str) -> Result<(), ValidateError> {
    if condition {
        Err(ValidateError::Unsupported(what.to_owned()))
    } else {
        Ok(())
    }
}

fn set(value: &Option<String>, neutral: &str) -> bool {
    value
        .as_ref()
        .is_some_and(|value| !value.is_empty() && value != neutral)
}

fn filled<K, V>(map: &Option<std::collections::HashMap<K, V>>) -> bool {
    map.as_ref().is_some_and(|map| !map.is_empty())
}

fn absolute(what: &'static str, path: &Path) -> Result<(), ValidateError> {
    if path.is_absolute() {
        Ok(())
    } else {
        Err(ValidateError::Relative {
            what,
            path: path.display().to_string(),
        })
    }
}

fn no_parent(what: &'static str, path: &Path) -> Result<(), ValidateError> {
    if path.components().any(|part| part == Component::ParentDir) {
        return invalid(what, &path.display().to_string());
    }
    Ok(())
}

fn invalid<T>(what: &'static str, value: &str) -> Result<T, ValidateError> {
    Err(ValidateError::Invalid {
        what,
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests;
