//! `-v source:target[:mode]`.

use std::path::Path;

use super::Invalid;
use crate::engine::request::{MountKind, MountRequest};

/// One `-v` that binds a host path, and its text with an absolute source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// For inspect's Binds.
    pub text: String,
    /// What to mount.
    pub mount: MountRequest,
}

/// What a `-v` is refused for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// Docker's text.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A volume with a name, which rbox has not.
    #[error("named volumes are not supported yet: {0}")]
    Named(String),
    /// A volume without one.
    #[error("anonymous volumes are not supported yet: {0}")]
    Anonymous(String),
}

const PROPAGATION: [&str; 6] = [
    "private", "rprivate", "slave", "rslave", "shared", "rshared",
];

/// Reads one `-v`; a source that starts with a dot is relative to `here`.
pub fn bind(text: &str, here: &Path) -> Result<Bind, VolumeError> {
    let spec = || Invalid(format!("invalid volume specification: '{text}'"));
    let mut parts: Vec<&str> = text.splitn(4, ':').collect();
    if parts[0].is_empty() || parts.len() == 4 {
        return Err(spec().into());
    }
    let mode = if parts.len() == 3 {
        parts.pop().unwrap_or_default()
    } else {
        ""
    };
    let [source, target] = parts[..] else {
        check_target(text, text)?;
        return Err(VolumeError::Anonymous(text.to_owned()));
    };
    if mode.is_empty() && Mode::parse(target).is_some() && !target.is_empty() {
        return Err(spec().into());
    }
    let Some(parsed) = Mode::parse(mode) else {
        return Err(Invalid(format!("invalid mode: {mode}")).into());
    };
    check_target(text, target)?;
    if !source.starts_with(['/', '.']) {
        return Err(VolumeError::Named(source.to_owned()));
    }
    if parsed.nocopy {
        return Err(Invalid(format!(
            "{}: invalid mount config for type \"bind\": mode 'nocopy' is for volumes",
            spec()
        ))
        .into());
    }
    let source = absolute(source, here);
    let mut text = format!("{source}:{target}");
    if !mode.is_empty() {
        text = format!("{text}:{mode}");
    }
    let mount = MountRequest {
        kind: MountKind::Bind,
        source,
        target: clean(target),
        read_only: parsed.read_only,
        mode: mode.to_owned(),
        propagation: parsed.propagation.unwrap_or("rprivate").to_owned(),
        non_recursive: false,
        submounts_writable: false,
        id_mapped: parsed.id_mapped,
        create_source: true,
        tmpfs_size: 0,
        tmpfs_mode: None,
        volume: None,
        subpath: String::new(),
    };
    Ok(Bind { text, mount })
}

fn check_target(text: &str, target: &str) -> Result<(), Invalid> {
    target_path(target).map_err(|error| {
        Invalid(format!(
            "invalid volume specification: '{text}': invalid mount config for type \"bind\": {error}"
        ))
    })
}

/// A mount point must be absolute and not the root.
pub fn target_path(target: &str) -> Result<(), Invalid> {
    if !target.starts_with('/') {
        return Err(Invalid(format!(
            "invalid mount path: '{target}' mount path must be absolute"
        )));
    }
    if clean(target) == "/" {
        return Err(Invalid::new(
            "invalid specification: destination can't be '/'",
        ));
    }
    Ok(())
}

/// path.Clean of an absolute path.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
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

/// A path that starts with a dot, made absolute; others come back as they are.
pub fn absolute(path: &str, here: &Path) -> String {
    if path.starts_with('.') {
        clean(&format!("{}/{path}", here.display()))
    } else {
        path.to_owned()
    }
}

/// `ro,rshared,z,…`
struct Mode<'a> {
    read_only: bool,
    nocopy: bool,
    id_mapped: bool,
    propagation: Option<&'a str>,
}

impl Mode<'_> {
    fn parse(text: &str) -> Option<Mode<'_>> {
        let mut mode = Mode {
            read_only: false,
            nocopy: false,
            id_mapped: false,
            propagation: None,
        };
        let (mut access, mut label, mut consistency) = (false, false, false);
        if text.is_empty() {
            return Some(mode);
        }
        for part in text.split(',') {
            let again = match part {
                "ro" | "rw" => {
                    mode.read_only = part == "ro";
                    std::mem::replace(&mut access, true)
                }
                "z" | "Z" => std::mem::replace(&mut label, true),
                "nocopy" => std::mem::replace(&mut mode.nocopy, true),
                // Podman's.
                "idmap" => std::mem::replace(&mut mode.id_mapped, true),
                "cached" | "delegated" | "consistent" | "default" => {
                    std::mem::replace(&mut consistency, true)
                }
                part if PROPAGATION.contains(&part) => mode.propagation.replace(part).is_some(),
                _ => return None,
            };
            if again {
                return None;
            }
        }
        Some(mode)
    }
}

/// Whether a word is a way for mounts to propagate.
pub fn is_propagation(text: &str) -> bool {
    PROPAGATION.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::bind;
    use std::path::Path;

    #[test]
    fn a_host_path_is_bound() {
        let here = Path::new("/home/me");
        let bound = bind("./w/../x:/data/:ro,rshared", here).unwrap();
        assert_eq!(bound.text, "/home/me/x:/data/:ro,rshared");
        assert_eq!(bound.mount.source, "/home/me/x");
        assert_eq!(bound.mount.target, "/data");
        assert!(bound.mount.read_only && bound.mount.create_source);
        assert_eq!(bound.mount.propagation, "rshared");
        assert_eq!(bind("/x:/y", here).unwrap().mount.propagation, "rprivate");
        assert_eq!(bind("/x:/y:z", here).unwrap().mount.mode, "z");
        assert!(bind("/x:/y:ro,idmap", here).unwrap().mount.id_mapped);
    }

    #[test]
    fn what_is_no_bind_is_refused_with_dockers_texts() {
        for (text, error) in [
            ("a:b:c:d", "invalid volume specification: 'a:b:c:d'"),
            (":/x", "invalid volume specification: ':/x'"),
            ("/foo:rw", "invalid volume specification: '/foo:rw'"),
            ("/tmp:/x:bogus", "invalid mode: bogus"),
            ("/tmp:/x:ro,rw", "invalid mode: ro,rw"),
            ("/tmp:/x:idmap=uids=0-1-2", "invalid mode: idmap=uids=0-1-2"),
            (
                "/x:relative",
                "invalid volume specification: '/x:relative': invalid mount config for type \"bind\": invalid mount path: 'relative' mount path must be absolute",
            ),
            (
                "/tmp:/",
                "invalid volume specification: '/tmp:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
            ),
            (
                "relative:/x",
                "named volumes are not supported yet: relative",
            ),
            ("~/x:/data", "named volumes are not supported yet: ~/x"),
            ("/data", "anonymous volumes are not supported yet: /data"),
        ] {
            assert_eq!(bind(text, Path::new("/")).unwrap_err().to_string(), error);
        }
    }
}
