//! Which hooks of a configuration run where.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{Hook, Hooks, Spec};

use crate::process::hooks::HookList;
use crate::process::operation::ContainerHooks;

/// The hooks that a container's own process runs.
#[derive(Debug, Default)]
pub(super) struct InContainer {
    pub(super) create: Option<ContainerHooks>,
    pub(super) start: Option<ContainerHooks>,
}

/// `createContainer` and `startContainer`.
pub(super) fn in_container(id: &str, bundle: &Path, spec: &Spec) -> InContainer {
    let Some(hooks) = spec.hooks() else {
        return InContainer::default();
    };
    let list = |kind, hooks: &Option<Vec<Hook>>| {
        let hooks = hooks.as_ref().filter(|list| !list.is_empty())?;
        Some(ContainerHooks {
            list: HookList {
                kind,
                hooks: hooks.clone(),
                directory: PathBuf::from("/"),
                inherits: false,
            },
            id: id.to_owned(),
            bundle: bundle.to_owned(),
            annotations: spec.annotations().clone(),
        })
    };
    InContainer {
        create: list("createContainer", hooks.create_container()),
        start: list("startContainer", hooks.start_container()),
    }
}

/// Whether there are hooks to run in the runtime's namespaces before the start.
pub(super) fn any_of_runtime(spec: &Spec) -> bool {
    spec.hooks().as_ref().is_some_and(|hooks| {
        [prestart(hooks), hooks.create_runtime()]
            .into_iter()
            .any(|list| list.as_ref().is_some_and(|list| !list.is_empty()))
    })
}

/// `prestart`, then `createRuntime`.
pub(super) fn of_runtime(bundle: &Path, spec: &Spec) -> Vec<HookList> {
    spec.hooks()
        .iter()
        .flat_map(|hooks| {
            [
                outside("prestart", prestart(hooks), bundle),
                outside("createRuntime", hooks.create_runtime(), bundle),
            ]
        })
        .flatten()
        .collect()
}

/// `poststart`.
pub(crate) fn poststart(bundle: &Path, spec: &Spec) -> Option<HookList> {
    let hooks = spec.hooks().as_ref()?;
    outside("poststart", hooks.poststart(), bundle)
}

/// `poststop`.
pub(crate) fn poststop(bundle: &Path, spec: &Spec) -> Option<HookList> {
    let hooks = spec.hooks().as_ref()?;
    outside("poststop", hooks.poststop(), bundle)
}

fn outside(kind: &'static str, hooks: &Option<Vec<Hook>>, bundle: &Path) -> Option<HookList> {
    let hooks = hooks.as_ref().filter(|list| !list.is_empty())?;
    Some(HookList {
        kind,
        hooks: hooks.clone(),
        directory: bundle.to_owned(),
        inherits: true,
    })
}

#[allow(deprecated, reason = "docker's configurations have this list")]
fn prestart(hooks: &Hooks) -> &Option<Vec<Hook>> {
    hooks.prestart()
}
