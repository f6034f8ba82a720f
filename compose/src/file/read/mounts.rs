//! `volumes`, `configs`, `secrets` and `devices` of a service.

use std::path::Path;

use super::fields::Fields;
use super::item::Item;
use super::path;
use crate::file::error::LoadError;
use crate::file::paths;
use crate::model::{Grant, Mount};

/// Reads `volumes`; short forms are long already.
pub fn mounts(item: &Item) -> Result<Vec<Mount>, LoadError> {
    item.list()?.iter().map(mount).collect()
}

fn mount(item: &Item) -> Result<Mount, LoadError> {
    let mut fields = item.fields()?;
    let kind = fields.required("type")?;
    let mut mount = Mount {
        kind: kind.one_of(&["bind", "volume", "tmpfs", "image"])?,
        target: target(&fields.required("target")?)?,
        read_only: fields.or_default("read_only", Item::boolean)?,
        ..Mount::default()
    };
    let source = fields.get("source");
    mount.source = match (mount.kind.as_str(), &source) {
        ("bind", Some(source)) => Some(path(source)?.to_string_lossy().into_owned()),
        ("bind" | "image", None) => return Err(fields.error("source is missing")),
        ("tmpfs", Some(source)) => return Err(source.error("a tmpfs has no source")),
        (_, source) => source.as_ref().map(Item::word).transpose()?,
    };
    // Says how files are kept the same on a virtual machine: here there is none.
    fields.opt("consistency", Item::text)?;
    options(&mut fields, &mut mount)?;
    fields.finish()?;
    Ok(mount)
}

/// The part of the kind's own; another kind's is refused.
fn options(fields: &mut Fields, mount: &mut Mount) -> Result<(), LoadError> {
    mount.create_host_path = mount.kind == "bind";
    for kind in ["bind", "volume", "tmpfs", "image"] {
        let Some(item) = fields.get(kind) else {
            continue;
        };
        if kind != mount.kind {
            return Err(item.error(format!("a mount of type {} has no such part", mount.kind)));
        }
        let mut part = item.fields()?;
        match kind {
            "bind" => {
                mount.propagation = part.opt("propagation", |item| {
                    item.one_of(&[
                        "private", "rprivate", "shared", "rshared", "slave", "rslave",
                    ])
                })?;
                let create = part.opt("create_host_path", Item::boolean)?;
                mount.create_host_path = create.unwrap_or(true);
                mount.recursive = part.opt("recursive", |item| {
                    item.one_of(&["enabled", "disabled", "writable", "readonly"])
                })?;
                // As `-v …:z`: a label where the machine has such, which rbox does not set.
                part.opt("selinux", |item| item.one_of(&["z", "Z"]))?;
            }
            "volume" => {
                mount.nocopy = part.or_default("nocopy", Item::boolean)?;
                mount.subpath = part.word("subpath")?;
                mount.labels = part.or_default("labels", Item::full_pairs)?;
            }
            "tmpfs" => {
                mount.size = part.opt("size", Item::bytes)?;
                mount.mode = part.opt("mode", Item::mode)?;
            }
            _ => mount.subpath = part.word("subpath")?,
        }
        part.finish()?;
    }
    Ok(())
}

/// An absolute path in the container.
fn target(item: &Item) -> Result<String, LoadError> {
    let text = item.word()?;
    let path = Path::new(&text);
    if !path.is_absolute() {
        return Err(item.error(format!("invalid mount path: '{text}' must be absolute")));
    }
    Ok(paths::clean(path).to_string_lossy().into_owned())
}

/// Reads `configs` or `secrets`; a relative target, or none, is below `home`.
pub fn grants(item: &Item, home: &str) -> Result<Vec<Grant>, LoadError> {
    let mut found = Vec::new();
    for item in item.list()? {
        let mut fields = item.fields()?;
        let source = fields.required("source")?.word()?;
        let target = fields.word("target")?;
        let target = Path::new(home).join(target.as_deref().unwrap_or(&source));
        found.push(Grant {
            target: paths::clean(&target).to_string_lossy().into_owned(),
            uid: fields.opt("uid", Item::text_or_number)?,
            gid: fields.opt("gid", Item::text_or_number)?,
            mode: fields.opt("mode", Item::mode)?,
            source,
        });
        fields.finish()?;
    }
    Ok(found)
}

/// Reads `devices`: a text, or source, target and permissions.
pub fn devices(item: &Item) -> Result<Vec<String>, LoadError> {
    let mut found = Vec::new();
    for item in item.list()? {
        if item.node.as_mapping().is_none() {
            found.push(item.word()?);
            continue;
        }
        let mut fields = item.fields()?;
        let source = fields.required("source")?.word()?;
        let target = fields.word("target")?;
        let permissions = fields.word("permissions")?;
        fields.finish()?;
        let target = target.unwrap_or_else(|| source.clone());
        found.push(match permissions {
            Some(permissions) => format!("{source}:{target}:{permissions}"),
            None => format!("{source}:{target}"),
        });
    }
    Ok(found)
}
