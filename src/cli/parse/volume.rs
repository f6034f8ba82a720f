//! `-v [source:]target[:mode]`.

use std::path::Path;

use super::Invalid;
use crate::engine::request::{MountKind, MountRequest, VolumeOptions};
use crate::engine::volume::resolve::anonymous;
pub use crate::engine::volume::target::clean;

/// One `-v`, and its text with an absolute source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// For inspect's Binds; none for a volume without a name.
    pub text: Option<String>,
    /// What to mount.
    pub mount: MountRequest,
}

const PROPAGATION: [&str; 6] = [
    "private", "rprivate", "slave", "rslave", "shared", "rshared",
];

/// Reads one `-v`; a source that starts with a dot is relative to `here`, one without a slash is
/// a volume's name.
pub fn volume(text: &str, here: &Path) -> Result<Given, Invalid> {
    let spec = || Invalid(format!("invalid volume specification: '{text}'"));
    let mut parts: Vec<&str> = text.splitn(4, ':').collect();
    if parts[0].is_empty() || parts.len() == 4 {
        return Err(spec());
    }
    let mode = if parts.len() == 3 {
        parts.pop().unwrap_or_default()
    } else {
        ""
    };
    let [source, target] = parts[..] else {
        check_target(text, "volume", text)?;
        return Ok(Given {
            text: None,
            mount: anonymous(&clean(text)),
        });
    };
    if mode.is_empty() && Mode::parse(target).is_some() && !target.is_empty() {
        return Err(spec());
    }
    let Some(parsed) = Mode::parse(mode) else {
        return Err(Invalid(format!("invalid mode: {mode}")));
    };
    let is_path = source.starts_with(['/', '.']);
    let kind = if is_path { "bind" } else { "volume" };
    check_target(text, kind, target)?;
    let config = |error: &str| {
        Invalid(format!(
            "{}: invalid mount config for type \"{kind}\": {error}",
            spec()
        ))
    };
    if is_path && parsed.nocopy {
        return Err(config("mode 'nocopy' is for volumes"));
    }
    if !is_path && parsed.propagation.is_some() {
        return Err(config("field BindOptions must not be specified"));
    }
    let source = absolute(source, here);
    let mut text = format!("{source}:{target}");
    if !mode.is_empty() {
        text = format!("{text}:{mode}");
    }
    let mut mount = MountRequest {
        source,
        read_only: parsed.read_only,
        mode: mode.to_owned(),
        id_mapped: parsed.id_mapped,
        ..anonymous(&clean(target))
    };
    if is_path {
        mount.kind = MountKind::Bind;
        mount.propagation = parsed.propagation.unwrap_or("rprivate").to_owned();
        mount.volume = None;
    } else {
        mount.volume = Some(VolumeOptions {
            no_copy: parsed.nocopy,
            ..VolumeOptions::default()
        });
    }
    Ok(Given {
        text: Some(text),
        mount,
    })
}

fn check_target(text: &str, kind: &str, target: &str) -> Result<(), Invalid> {
    target_path(target).map_err(|error| {
        Invalid(format!(
            "invalid volume specification: '{text}': invalid mount config for type \"{kind}\": \
             {error}"
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
    use super::volume;
    use crate::engine::request::{MountKind, MountRequest};
    use std::path::Path;

    fn mount(text: &str) -> MountRequest {
        volume(text, Path::new("/home/me")).unwrap().mount
    }

    #[test]
    fn a_host_path_is_bound() {
        let here = Path::new("/home/me");
        let bound = volume("./w/../x:/data/:ro,rshared", here).unwrap();
        assert_eq!(bound.text.as_deref(), Some("/home/me/x:/data/:ro,rshared"));
        assert_eq!(bound.mount.kind, MountKind::Bind);
        assert_eq!(bound.mount.source, "/home/me/x");
        assert_eq!(bound.mount.target, "/data");
        assert!(bound.mount.read_only && bound.mount.create_source);
        assert_eq!(bound.mount.propagation, "rshared");
        assert_eq!(mount("/x:/y").propagation, "rprivate");
        assert_eq!(mount("/x:/y:z").mode, "z");
        assert!(mount("/x:/y:ro,idmap").id_mapped);
    }

    #[test]
    fn a_name_is_a_volumes_and_a_lone_path_is_one_without_a_name() {
        let named = volume("data:/d:ro,nocopy", Path::new("/")).unwrap();
        assert_eq!(named.text.as_deref(), Some("data:/d:ro,nocopy"));
        assert_eq!(named.mount.kind, MountKind::Volume);
        assert_eq!(
            (named.mount.source.as_str(), named.mount.target.as_str()),
            ("data", "/d")
        );
        assert!(named.mount.read_only && named.mount.propagation.is_empty());
        let options = named.mount.volume.unwrap();
        assert!(options.no_copy && !options.anonymous);
        // Whether that can be a name is for the engine to say.
        assert_eq!(mount("~/x:/data").source, "~/x");
        let lone = volume("/data//x/", Path::new("/")).unwrap();
        assert_eq!((lone.text, lone.mount.source.as_str()), (None, ""));
        assert_eq!(lone.mount.target, "/data/x");
        assert!(lone.mount.volume.unwrap().anonymous);
    }

    #[test]
    fn what_cannot_be_is_refused_with_dockers_texts() {
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
                "/",
                "invalid volume specification: '/': invalid mount config for type \"volume\": invalid specification: destination can't be '/'",
            ),
            (
                "relative",
                "invalid volume specification: 'relative': invalid mount config for type \"volume\": invalid mount path: 'relative' mount path must be absolute",
            ),
            (
                "v:/x:rshared",
                "invalid volume specification: 'v:/x:rshared': invalid mount config for type \"volume\": field BindOptions must not be specified",
            ),
        ] {
            assert_eq!(volume(text, Path::new("/")).unwrap_err().to_string(), error);
        }
    }
}
