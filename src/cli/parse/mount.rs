//! `--mount type=volume,source=…,target=…`.

use std::path::Path;

use super::{Invalid, csv, label, number, size, volume};
use crate::engine::request::{MountKind, MountRequest, VolumeOptions};
use crate::engine::volume::target::is_local;
use crate::output::go_text::quote;

/// A `--mount` as written: syntax is checked, meaning is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    kind: String,
    source: String,
    target: String,
    read_only: bool,
    propagation: String,
    non_recursive: bool,
    writable_below: bool,
    id_mapped: bool,
    bind_options: bool,
    volume_options: Option<VolumeOptions>,
    image_options: bool,
    subpath: String,
    tmpfs_options: bool,
    tmpfs_size: i64,
    tmpfs_mode: Option<u32>,
}

/// Reads the fields.
pub fn fields(text: &str) -> Result<Fields, Invalid> {
    let mut mount = Fields {
        kind: "volume".to_owned(),
        ..Fields::default()
    };
    for field in csv::fields(text)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value)),
            None => (field.to_ascii_lowercase(), None),
        };
        match value {
            Some(value) => mount.set(&key, value, &field)?,
            None => match key.as_str() {
                "readonly" | "ro" => mount.read_only = true,
                "volume-nocopy" => mount.volume_options().no_copy = true,
                "bind-nonrecursive" => {
                    (mount.bind_options, mount.non_recursive) = (true, true);
                }
                // Podman's.
                "idmap" => (mount.bind_options, mount.id_mapped) = (true, true),
                _ => {
                    return Err(Invalid(format!(
                        "invalid field '{field}' must be a key=value pair"
                    )));
                }
            },
        }
    }
    mount.check()?;
    Ok(mount)
}

impl Fields {
    fn volume_options(&mut self) -> &mut VolumeOptions {
        self.volume_options.get_or_insert_default()
    }

    fn set(&mut self, key: &str, value: &str, field: &str) -> Result<(), Invalid> {
        let bad = || Invalid(format!("invalid value for {key}: {value}"));
        match key {
            "type" => self.kind = value.to_ascii_lowercase(),
            "source" | "src" => self.source = value.to_owned(),
            "target" | "dst" | "destination" => self.target = value.to_owned(),
            "readonly" | "ro" => self.read_only = number::boolean(value).map_err(|_| bad())?,
            "consistency" => {}
            "bind-propagation" => {
                (self.bind_options, self.propagation) = (true, value.to_ascii_lowercase());
            }
            "bind-nonrecursive" => {
                self.bind_options = true;
                self.non_recursive = number::boolean(value).map_err(|_| bad())?;
            }
            "idmap" => {
                self.bind_options = true;
                self.id_mapped = number::boolean(value).map_err(|_| bad())?;
            }
            "bind-recursive" => {
                self.bind_options = true;
                match value {
                    "enabled" => {}
                    "disabled" => self.non_recursive = true,
                    "writable" => self.writable_below = true,
                    "readonly" => {
                        return Err(Invalid::new(
                            "unsupported mount option: bind-recursive=readonly",
                        ));
                    }
                    _ => {
                        return Err(Invalid(format!(
                            "{} (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")",
                            bad()
                        )));
                    }
                }
            }
            "volume-subpath" => {
                self.volume_options();
                self.subpath = value.to_owned();
            }
            "volume-nocopy" => {
                self.volume_options().no_copy = number::boolean(value).map_err(|_| bad())?;
            }
            "volume-label" => {
                let (key, value) = label::entry(value)?;
                self.volume_options().labels.insert(key, value);
            }
            "volume-driver" => self.volume_options().driver = value.to_owned(),
            "volume-opt" => {
                let (key, value) = label::entry(value)?;
                self.volume_options().driver_options.insert(key, value);
            }
            "image-subpath" => {
                self.image_options = true;
                self.subpath = value.to_owned();
            }
            "tmpfs-size" => {
                self.tmpfs_options = true;
                self.tmpfs_size = size::bytes(value).map_err(|_| bad())?;
            }
            "tmpfs-mode" => {
                self.tmpfs_options = true;
                self.tmpfs_mode = Some(u32::from_str_radix(value, 8).map_err(|_| bad())?);
            }
            _ => return Err(Invalid(format!("unexpected key '{key}' in '{field}'"))),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.kind.is_empty() {
            return Err(Invalid::new("type is required"));
        }
        if self.target.is_empty() {
            return Err(Invalid::new("target is required"));
        }
        for (given, kind) in [
            (self.volume_options.is_some(), "volume"),
            (self.image_options, "image"),
            (self.bind_options, "bind"),
            (self.tmpfs_options, "tmpfs"),
        ] {
            if given && self.kind != kind {
                return Err(Invalid(format!(
                    "cannot mix '{kind}-*' options with mount type '{}'",
                    self.kind
                )));
            }
        }
        if self.writable_below && !self.read_only {
            return Err(Invalid::new(
                "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction",
            ));
        }
        Ok(())
    }

    /// Makes it a request; a source that starts with a dot is relative to `here`.
    pub fn request(&self, here: &Path) -> Result<MountRequest, Invalid> {
        let config = |error: &str| {
            Invalid(format!(
                "invalid mount config for type {}: {error}",
                quote(&self.kind)
            ))
        };
        if !matches!(
            self.kind.as_str(),
            "bind" | "tmpfs" | "volume" | "image" | "npipe" | "cluster"
        ) {
            return Err(config("mount type unknown"));
        }
        volume::target_path(&self.target).map_err(|error| config(&error.0))?;
        let kind = match self.kind.as_str() {
            "bind" => MountKind::Bind,
            "tmpfs" => MountKind::Tmpfs,
            "volume" => MountKind::Volume,
            "image" => MountKind::Image,
            other => return Err(Invalid(format!("unsupported mount type: {other}"))),
        };
        let source = match kind {
            MountKind::Bind => volume::absolute(&self.source, here),
            _ => self.source.clone(),
        };
        match kind {
            MountKind::Bind | MountKind::Image if source.is_empty() => {
                return Err(config("field Source must not be empty"));
            }
            MountKind::Bind if !source.starts_with('/') => {
                return Err(config(&format!(
                    "invalid mount path: '{source}' mount path must be absolute"
                )));
            }
            MountKind::Bind
                if !self.propagation.is_empty() && !volume::is_propagation(&self.propagation) =>
            {
                return Err(config(&format!(
                    "invalid propagation mode: {}",
                    self.propagation
                )));
            }
            MountKind::Tmpfs if !source.is_empty() => {
                return Err(config("field Source must not be specified"));
            }
            MountKind::Volume => self.check_volume().map_err(|error| config(&error))?,
            MountKind::Image if !self.subpath.is_empty() && !is_local(&self.subpath) => {
                return Err(config("subpath must be a relative path within the image"));
            }
            _ => {}
        }
        let propagation = match (kind, self.propagation.as_str()) {
            (MountKind::Bind, "") => "rprivate",
            (MountKind::Bind, propagation) => propagation,
            _ => "",
        };
        Ok(MountRequest {
            kind,
            source,
            target: volume::clean(&self.target),
            read_only: self.read_only || kind == MountKind::Image,
            mode: String::new(),
            propagation: propagation.to_owned(),
            non_recursive: self.non_recursive,
            submounts_writable: self.writable_below,
            id_mapped: self.id_mapped,
            create_source: false,
            tmpfs_size: self.tmpfs_size,
            tmpfs_mode: self.tmpfs_mode,
            volume: (kind == MountKind::Volume)
                .then(|| self.volume_options.clone().unwrap_or_default()),
            subpath: self.subpath.clone(),
        })
    }

    /// What a volume without a name cannot have, and where a path below one cannot lead.
    fn check_volume(&self) -> Result<(), String> {
        let anonymous = self.source.is_empty();
        if !self.subpath.is_empty() && anonymous {
            return Err("must not set Subpath when using anonymous volumes".into());
        }
        if !self.subpath.is_empty() && !is_local(&self.subpath) {
            return Err("subpath must be a relative path within the volume".into());
        }
        if self.read_only && anonymous {
            return Err("must not set ReadOnly mode when using anonymous volumes".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::fields;
    use crate::engine::request::MountKind;
    use std::path::Path;

    #[test]
    fn binds_and_tmpfs_are_taken() {
        let bind = fields("type=bind,src=/a,dst=/b,readonly")
            .unwrap()
            .request(Path::new("/"))
            .unwrap();
        assert_eq!(
            (bind.kind, bind.source.as_str(), bind.target.as_str()),
            (MountKind::Bind, "/a", "/b")
        );
        assert!(bind.read_only && !bind.create_source && !bind.id_mapped);
        let mapped = fields("type=bind,src=/a,dst=/b,idmap").unwrap();
        assert!(mapped.request(Path::new("/")).unwrap().id_mapped);
        let tmpfs = fields("type=tmpfs,dst=/m,tmpfs-size=1m,tmpfs-mode=0700").unwrap();
        let tmpfs = tmpfs.request(Path::new("/")).unwrap();
        assert_eq!((tmpfs.tmpfs_size, tmpfs.tmpfs_mode), (1 << 20, Some(0o700)));
    }

    #[test]
    fn a_volume_is_what_a_mount_is_when_nothing_else_is_said() {
        let text = "\"volume-opt=o=size=1m,mode=700\",src=v,dst=/d,volume-opt=type=tmpfs,\
                    volume-opt=device=x,volume-label=a=b,volume-nocopy,volume-driver=local,\
                    volume-subpath=sub";
        let mount = fields(text).unwrap().request(Path::new("/")).unwrap();
        assert_eq!(
            (mount.kind, mount.source.as_str()),
            (MountKind::Volume, "v")
        );
        assert_eq!(mount.subpath, "sub");
        assert!(!mount.create_source && mount.propagation.is_empty());
        let options = mount.volume.unwrap();
        assert!(options.no_copy);
        assert_eq!(options.driver, "local");
        assert_eq!(options.driver_options["o"], "size=1m,mode=700");
        assert_eq!(options.labels["a"], "b");
        let lone = fields("target=/d")
            .unwrap()
            .request(Path::new("/"))
            .unwrap();
        assert_eq!((lone.kind, lone.source.as_str()), (MountKind::Volume, ""));
    }

    #[test]
    fn refusals_have_dockers_texts() {
        for (text, error) in [
            ("bogus", "invalid field 'bogus' must be a key=value pair"),
            ("type=bind,src=/a", "target is required"),
            ("type=bind,x=1,dst=/a", "unexpected key 'x' in 'x=1'"),
            (
                "type=tmpfs,dst=/a,tmpfs-size=x",
                "invalid value for tmpfs-size: x",
            ),
            (
                "type=bind,dst=/a,tmpfs-size=1",
                "cannot mix 'tmpfs-*' options with mount type 'bind'",
            ),
            ("type=bind,dst=/a,ro=maybe", "invalid value for ro: maybe"),
            (
                "type=bind,dst=/a,idmap=uids=0-1-2",
                "invalid value for idmap: uids=0-1-2",
            ),
        ] {
            assert_eq!(fields(text).unwrap_err().0, error);
        }
        for (text, error) in [
            (
                "type=bogus,dst=/x",
                "invalid mount config for type \"bogus\": mount type unknown",
            ),
            (
                "dst=relative",
                "invalid mount config for type \"volume\": invalid mount path: 'relative' mount path must be absolute",
            ),
            (
                "type=bind,dst=/x",
                "invalid mount config for type \"bind\": field Source must not be empty",
            ),
            (
                "dst=/x,volume-subpath=a",
                "invalid mount config for type \"volume\": must not set Subpath when using anonymous volumes",
            ),
            (
                "src=v,dst=/x,volume-subpath=../a",
                "invalid mount config for type \"volume\": subpath must be a relative path within the volume",
            ),
            (
                "dst=/x,readonly",
                "invalid mount config for type \"volume\": must not set ReadOnly mode when using anonymous volumes",
            ),
            (
                "type=image,dst=/data",
                "invalid mount config for type \"image\": field Source must not be empty",
            ),
            (
                "type=image,src=alpine,dst=/data,image-subpath=/etc",
                "invalid mount config for type \"image\": subpath must be a relative path within the image",
            ),
            (
                "type=npipe,src=alpine,dst=/data",
                "unsupported mount type: npipe",
            ),
        ] {
            let mount = fields(text).unwrap();
            assert_eq!(
                mount.request(Path::new("/")).unwrap_err().to_string(),
                error
            );
        }
    }
}
