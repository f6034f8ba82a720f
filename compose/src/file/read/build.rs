//! `services.NAME.build`.

use super::item::Item;
use super::{networks, path};
use crate::file::canonical::remote;
use crate::file::error::LoadError;
use crate::model::Build;

/// Reads it; the short form is long already.
pub fn read(item: &Item) -> Result<Build, LoadError> {
    let mut fields = item.fields()?;
    fields.refuse(&[
        "additional_contexts",
        "cache_from",
        "cache_to",
        "entitlements",
        "isolation",
        "platforms",
        "privileged",
        "provenance",
        "sbom",
        "ssh",
        "ulimits",
    ])?;
    let context = fields.required("context")?;
    if context.node.scalar().is_some_and(remote) {
        return Err(context.error("a context that is not a directory is not supported"));
    }
    let build = Build {
        context: path(&context)?,
        dockerfile: fields.word("dockerfile")?.map(Into::into),
        dockerfile_inline: fields.opt("dockerfile_inline", Item::text)?,
        args: fields.or_default("args", Item::pairs)?,
        target: fields.word("target")?,
        labels: fields.or_default("labels", Item::full_pairs)?,
        tags: fields.or_default("tags", Item::texts)?,
        network: fields.word("network")?,
        no_cache: fields.or_default("no_cache", Item::boolean)?,
        pull: fields.or_default("pull", Item::boolean)?,
        shm_size: fields.opt("shm_size", Item::bytes)?,
        extra_hosts: fields.or_default("extra_hosts", networks::hosts)?,
        secrets: fields.or_default("secrets", secrets)?,
    };
    if build.dockerfile.is_some() && build.dockerfile_inline.is_some() {
        let text = "dockerfile and dockerfile_inline are mutually exclusive";
        return Err(fields.conflict("dockerfile_inline", text));
    }
    fields.finish()?;
    Ok(build)
}

/// Id in the build, and the project's secret.
fn secrets(item: &Item) -> Result<Vec<(String, String)>, LoadError> {
    let mut found = Vec::new();
    for item in item.list()? {
        let mut fields = item.fields()?;
        fields.refuse(&["uid", "gid", "mode"])?;
        let source = fields.required("source")?.word()?;
        let id = fields.word("target")?;
        fields.finish()?;
        found.push((id.unwrap_or_else(|| source.clone()), source));
    }
    Ok(found)
}
