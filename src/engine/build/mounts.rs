//! `RUN --mount`: from the flag to what the step's container gets.

use std::io::Read as _;
use std::path::Path;

use rbox_images::dockerfile::{MountFlag, MountKind};

use super::files;
use super::request::SecretSource;
use super::run::{MountSource, SecretVariable, Sharing, StepMount, Tree};
use super::stage::StageBuild;
use crate::engine::failure::{Context as _, Failure};

/// Largest secret, as in BuildKit.
const LARGEST_SECRET: usize = 500 * 1024;

/// The mounts of a `RUN`.
#[derive(Debug, Default)]
pub struct Mounts {
    /// What its container gets.
    pub places: Vec<StepMount>,
    /// Secrets in its environment.
    pub secret_variables: Vec<SecretVariable>,
    /// Their part of the cache key: no content of secrets and caches.
    pub key: Vec<String>,
}

/// The options of a flag, variables replaced.
struct Options(Vec<(String, String)>);

impl Options {
    fn of(building: &StageBuild<'_>, flag: &MountFlag) -> Result<Options, Failure> {
        let mut options = Vec::with_capacity(flag.options.len());
        for (key, value) in &flag.options {
            // Stages are known before anything is built, so `from` cannot be a variable.
            let value = match key.as_str() {
                "from" => value.clone(),
                _ => building.expanded(value)?,
            };
            options.push((key.clone(), value));
        }
        Ok(Options(options))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, Failure> {
        match self.get(name) {
            None => Ok(default),
            Some("" | "1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some(value) => Err(wrong(name, value)),
        }
    }

    fn number(&self, name: &str, radix: u32, default: u32) -> Result<u32, Failure> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => u32::from_str_radix(value, radix).map_err(|_| wrong(name, value)),
        }
    }
}

fn wrong(name: &str, value: &str) -> Failure {
    Failure::new(format!("invalid value for '{name}': {value}"))
}

/// Adds what a flag asks for.
pub fn add(
    building: &StageBuild<'_>,
    flag: &MountFlag,
    mounts: &mut Mounts,
) -> Result<(), Failure> {
    let options = Options::of(building, flag)?;
    let target = || {
        let target = options.get("target").unwrap_or_default();
        match target {
            "" => Err(Failure::new("a mount needs a target: target=/path")),
            target => Ok(building.state.path(target)),
        }
    };
    match flag.kind {
        MountKind::Bind => bind(building, &options, target()?, mounts),
        MountKind::Cache => cache(building, &options, target()?, mounts),
        MountKind::Tmpfs => {
            let target = target()?;
            let size = match options.get("size") {
                Some(size) => size_of(size)?,
                None => 0,
            };
            mounts.key.push(format!("tmpfs {target} {size}"));
            mounts.places.push(StepMount {
                target,
                source: MountSource::Tmpfs { size },
            });
            Ok(())
        }
        MountKind::Secret => secret(building, &options, mounts),
    }
}

fn bind(
    building: &StageBuild<'_>,
    options: &Options,
    target: String,
    mounts: &mut Mounts,
) -> Result<(), Failure> {
    let path = options.get("source").unwrap_or_default().to_owned();
    let writable = !options.flag("readonly", true)?;
    let (from, path, content) = tree(building, options.get("from"), path)?;
    mounts
        .key
        .push(format!("bind {target:?} {path:?} {writable} {content}"));
    mounts.places.push(StepMount {
        target,
        source: MountSource::Bind {
            from,
            path,
            writable,
        },
    });
    Ok(())
}

/// Where files come from, the path in there, and what says which files they are.
fn tree(
    building: &StageBuild<'_>,
    from: Option<&str>,
    path: String,
) -> Result<(Tree, String, String), Failure> {
    match from {
        Some(from) => {
            let layers = building.source(from)?;
            let content: Vec<&str> = layers.iter().map(|layer| layer.as_str()).collect();
            let content = content.join(" ");
            Ok((Tree::Layers(layers), path, content))
        }
        None => {
            // What `.dockerignore` leaves out is not there, so the step sees a copy.
            let layer = files::context_layer(building, &path)?;
            let content = layer.to_string();
            Ok((Tree::Layers(vec![layer]), path, content))
        }
    }
}

fn cache(
    building: &StageBuild<'_>,
    options: &Options,
    target: String,
    mounts: &mut Mounts,
) -> Result<(), Failure> {
    let id = match options.get("id") {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => target.clone(),
    };
    let sharing = match options.get("sharing").unwrap_or("shared") {
        "shared" => Sharing::Shared,
        "private" => Sharing::Private,
        "locked" => Sharing::Locked,
        other => return Err(wrong("sharing", other)),
    };
    let initial = match (options.get("from"), options.get("source")) {
        (Some(from), source) => {
            let layers = building.source(from)?;
            Some((Tree::Layers(layers), source.unwrap_or_default().to_owned()))
        }
        (None, _) => None,
    };
    mounts.key.push(format!("cache {target:?} {id:?}"));
    mounts.places.push(StepMount {
        target,
        source: MountSource::Cache {
            id,
            sharing,
            mode: options.number("mode", 8, 0o755)?,
            uid: options.number("uid", 10, 0)?,
            gid: options.number("gid", 10, 0)?,
            initial,
            read_only: options.flag("readonly", false)?,
        },
    });
    Ok(())
}

fn secret(
    building: &StageBuild<'_>,
    options: &Options,
    mounts: &mut Mounts,
) -> Result<(), Failure> {
    let target = options.get("target").filter(|target| !target.is_empty());
    let variable = options.get("env").filter(|name| !name.is_empty());
    let id = options
        .get("id")
        .filter(|id| !id.is_empty())
        .or_else(|| target.and_then(|target| target.rsplit('/').next()))
        .or(variable)
        .ok_or_else(|| Failure::new("a secret needs an id or a target"))?;
    let Some(source) = building.build.request.secrets.get(id) else {
        if options.flag("required", false)? {
            return Err(Failure::new(format!("secret {id}: not found"))
                .hint(format!("give it with --secret id={id},src=FILE")));
        }
        return Ok(());
    };
    let content = read_secret(id, source)?;
    if let Some(name) = variable {
        let value = String::from_utf8(content.clone())
            .map_err(|_| Failure::new(format!("secret {id} is no text for a variable")))?;
        mounts.key.push(format!("secret {id:?} in {name:?}"));
        mounts.secret_variables.push(SecretVariable {
            name: name.to_owned(),
            value,
        });
        if target.is_none() {
            return Ok(());
        }
    }
    let target = match target {
        Some(target) => building.state.path(target),
        None => format!("/run/secrets/{id}"),
    };
    mounts.key.push(format!("secret {id:?} at {target:?}"));
    mounts.places.push(StepMount {
        target,
        source: MountSource::File {
            content,
            mode: options.number("mode", 8, 0o400)?,
            uid: options.number("uid", 10, 0)?,
            gid: options.number("gid", 10, 0)?,
        },
    });
    Ok(())
}

fn read_secret(id: &str, source: &SecretSource) -> Result<Vec<u8>, Failure> {
    let content = match source {
        SecretSource::Variable(name) => std::env::var_os(name)
            .map(std::os::unix::ffi::OsStringExt::into_vec)
            .ok_or_else(|| Failure::new(format!("secret {id}: there is no variable {name}")))?,
        SecretSource::Value(value) => value.clone().into_bytes(),
        SecretSource::File(path) => {
            read_bounded(path).context(|| format!("secret {id}: cannot read {}", path.display()))?
        }
    };
    if content.len() > LARGEST_SECRET {
        return Err(Failure::new(format!(
            "secret {id} is larger than {LARGEST_SECRET} bytes"
        )));
    }
    Ok(content)
}

/// One byte more than the largest is enough to see that it is too large.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    std::fs::File::open(path)?
        .take(LARGEST_SECRET as u64 + 1)
        .read_to_end(&mut content)?;
    Ok(content)
}

/// `10`, `64m`, `1g`.
fn size_of(text: &str) -> Result<u64, Failure> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (digits, shift) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 10),
        Some(b'm') => (&lower[..lower.len() - 1], 20),
        Some(b'g') => (&lower[..lower.len() - 1], 30),
        _ => (lower, 0),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| wrong("size", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_docker_s_units() {
        assert_eq!(size_of("10").unwrap(), 10);
        assert_eq!(size_of("64m").unwrap(), 64 << 20);
        assert_eq!(size_of("1GB").unwrap(), 1 << 30);
        for bad in [
            "",
            "m",
            "-1",
            "1x",
            "99999999999999999999",
            "18446744073709551615k",
        ] {
            assert!(size_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_are_go_s_and_the_last_one_counts() {
        let options = Options(vec![
            ("readonly".into(), "false".into()),
            ("readonly".into(), "true".into()),
            ("required".into(), String::new()),
            ("mode".into(), "8".into()),
        ]);
        assert!(options.flag("readonly", false).unwrap());
        assert!(options.flag("required", false).unwrap());
        assert!(!options.flag("other", false).unwrap());
        assert!(options.number("mode", 8, 0).is_err());
        assert_eq!(options.number("uid", 10, 7).unwrap(), 7);
    }
}
