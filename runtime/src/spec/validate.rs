//! Everything that can be known to be wrong before anything is made.
//!
//! What a configuration asks for and this runtime does not do yet is refused
//! by name: a container that silently lacks a part of its isolation is worse
//! than none.

mod hooks;
mod id_map;
mod linux;
mod mounts;
mod process;
mod user_namespace;
mod version;

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use oci_spec::runtime::Spec;
use thiserror::Error;

use super::mount_options::OptionError;
use super::namespaces::{Namespaces, Source};

pub(crate) use linux::dotted_key;
pub use process::validate_process;

/// A configuration that cannot become a container.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ValidateError {
    /// A part that the specification or this runtime cannot do without.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part that is known and not done.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// A part that is done, and not by the running kernel.
    #[error("{field} needs {what}, which this kernel does not have")]
    KernelLacks {
        /// The field and its value.
        field: String,
        /// The part of the kernel.
        what: &'static str,
    },
    /// A path that must be absolute.
    #[error("{what} must be an absolute path: {path:?}")]
    Relative {
        /// Which field.
        what: String,
        /// The path.
        path: String,
    },
    /// The process's directory is not absolute.
    #[error("Cwd must be an absolute path")]
    RelativeWorkingDirectory,
    /// A value that no kernel would take.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field: `process.rlimits[2]`.
        field: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// A namespace kind that is listed twice.
    #[error("namespace {0} is listed twice")]
    RepeatedNamespace(String),
    /// A mount's option list.
    #[error("mounts[{index}] at {destination}: {error}")]
    Mount {
        /// Its place in the list.
        index: usize,
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

/// Checks a whole configuration, without asking the kernel for anything.
pub fn validate(spec: &Spec) -> Result<(), ValidateError> {
    version::check(spec.version())?;
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
    no_nul("root.path", root.path().as_os_str().as_bytes())?;
    spec.hooks()
        .as_ref()
        .map_or(Ok(()), hooks::validate_hooks)?;
    refuse_if(spec.solaris().is_some(), "solaris")?;
    refuse_if(spec.windows().is_some(), "windows")?;
    refuse_if(spec.vm().is_some(), "vm")?;
    refuse_if(spec.zos().is_some(), "zos")?;
    if spec
        .annotations()
        .iter()
        .flatten()
        .any(|(key, _)| key.is_empty())
    {
        return invalid("annotations", "a key is empty");
    }
    let namespaces =
        Namespaces::of(linux).map_err(|kind| ValidateError::RepeatedNamespace(kind.to_string()))?;
    validate_namespaces(&namespaces)?;
    user_namespace::validate_mappings(linux, &namespaces)?;
    validate_shared(spec, &namespaces)?;
    linux::validate_linux(linux, &namespaces)?;
    let list = spec.mounts().as_deref().unwrap_or_default();
    mounts::validate_mounts(list)?;
    list.iter()
        .try_for_each(|mount| id_map::validate(mount, linux, &namespaces))
}

fn validate_namespaces(namespaces: &Namespaces<'_>) -> Result<(), ValidateError> {
    let all = [
        ("mount", namespaces.mount),
        ("pid", namespaces.pid),
        ("network", namespaces.network),
        ("ipc", namespaces.ipc),
        ("uts", namespaces.uts),
        ("cgroup", namespaces.cgroup),
        ("time", namespaces.time),
        ("user", namespaces.user),
    ];
    for (kind, source) in all {
        if let Source::Path(path) = source {
            absolute(format!("path of the {kind} namespace"), path)?;
        }
    }
    Ok(())
}

/// Checks that nothing is asked for that would change the host: its name, its
/// mounts, its sysctls. `namespaces` has [`Source::Host`] for what is the
/// host's; a path can be that of the host's, too, which only the kernel can tell.
pub(crate) fn validate_shared(
    spec: &Spec,
    namespaces: &Namespaces<'_>,
) -> Result<(), ValidateError> {
    refuse_if(
        namespaces.mount == Source::Host,
        "container without a mount namespace",
    )?;
    for (name, value) in [
        ("hostname", spec.hostname()),
        ("domainname", spec.domainname()),
    ] {
        let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else {
            continue;
        };
        no_nul(name, value.as_bytes())?;
        if namespaces.uts == Source::Host {
            return invalid(name, format!("{value:?} needs a uts namespace"));
        }
    }
    linux::validate_sysctls(spec, namespaces)
}

fn refuse_if(condition: bool, what: &str) -> Result<(), ValidateError> {
    if condition {
        Err(ValidateError::Unsupported(what.to_owned()))
    } else {
        Ok(())
    }
}

fn filled<K, V>(map: &Option<std::collections::HashMap<K, V>>) -> bool {
    map.as_ref().is_some_and(|map| !map.is_empty())
}

fn absolute(what: impl Into<String>, path: &Path) -> Result<(), ValidateError> {
    let what = what.into();
    no_nul(&what, path.as_os_str().as_bytes())?;
    if path.is_absolute() {
        Ok(())
    } else {
        Err(ValidateError::Relative {
            what,
            path: path.display().to_string(),
        })
    }
}

fn no_parent(field: &str, path: &Path) -> Result<(), ValidateError> {
    if path.components().any(|part| part == Component::ParentDir) {
        return invalid(field, format!("{path:?} has a \"..\" in it"));
    }
    Ok(())
}

fn no_nul(field: &str, bytes: &[u8]) -> Result<(), ValidateError> {
    if bytes.contains(&0) {
        return invalid(field, "it has a NUL byte in it");
    }
    Ok(())
}

fn invalid<T>(field: impl Into<String>, reason: impl Into<String>) -> Result<T, ValidateError> {
    Err(ValidateError::Invalid {
        field: field.into(),
        reason: reason.into(),
    })
}

#[cfg(test)]
mod tests;
