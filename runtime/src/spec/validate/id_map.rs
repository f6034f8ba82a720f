//! Mounts with mapped owners (runtime-spec, config.md, "Mounts").

use oci_spec::runtime::{Linux, LinuxIdMapping, Mount};

use super::ValidateError;
use crate::spec::mount_options::MountOptions;
use crate::spec::{Namespaces, Source};

/// Most lines that the kernel takes in one map (user_namespaces(7)).
const MOST_RANGES: usize = 340;

/// The option list of `mount` was checked before.
pub(super) fn validate(
    mount: &Mount,
    linux: &Linux,
    namespaces: &Namespaces<'_>,
) -> Result<(), ValidateError> {
    let none = Vec::new();
    let options = MountOptions::parse(mount.options().as_ref().unwrap_or(&none));
    let (asked, binds) = options.map_or((false, false), |options| {
        (options.id_map.is_some(), options.bind.is_some())
    });
    let (uids, gids) = (mount.uid_mappings(), mount.gid_mappings());
    if !asked && uids.is_none() && gids.is_none() {
        return Ok(());
    }
    let refuse = |why: &str| {
        Err(ValidateError::IdMappedMount {
            destination: mount.destination().display().to_string(),
            why: why.to_owned(),
        })
    };
    if !binds && mount.typ().as_deref() != Some("bind") {
        return refuse("only binds can be id-mapped");
    }
    match (uids, gids) {
        (Some(uids), Some(gids)) => {
            for (kind, ranges) in [("uidMappings", uids), ("gidMappings", gids)] {
                if let Some(why) = problem(ranges) {
                    return refuse(&format!("{kind} {why}"));
                }
            }
            Ok(())
        }
        (Some(_), None) => refuse("uidMappings without gidMappings"),
        (None, Some(_)) => refuse("gidMappings without uidMappings"),
        (None, None) => match namespaces.user {
            Source::Host => {
                refuse("without mappings of its own it needs a container with a user namespace")
            }
            Source::New if linux.uid_mappings().is_none() || linux.gid_mappings().is_none() => {
                refuse("neither the mount nor the container has mappings")
            }
            Source::New | Source::Path(_) => Ok(()),
        },
    }
}

/// What no kernel takes in these ranges.
fn problem(ranges: &[LinuxIdMapping]) -> Option<&'static str> {
    let fits = |start: u32, size: u32| start.checked_add(size).is_some();
    if ranges.is_empty() {
        Some("is empty")
    } else if ranges.len() > MOST_RANGES {
        Some("has more than 340 ranges")
    } else if ranges.iter().any(|range| range.size() == 0) {
        Some("has a range of no ids")
    } else if !ranges.iter().all(|range| {
        fits(range.container_id(), range.size()) && fits(range.host_id(), range.size())
    }) {
        Some("has a range beyond the last id")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::{LinuxNamespaceType, Spec};

    use super::*;
    use crate::spec::defaults::{self, id_mapping as range};

    fn bind(options: &[&str]) -> Mount {
        defaults::mount("/d", "bind", "/s", options)
    }

    fn check(mount: &Mount, change: impl FnOnce(&mut Spec)) -> Result<(), String> {
        let mut spec = defaults::spec(false);
        change(&mut spec);
        let linux = spec.linux().clone().unwrap();
        let namespaces = Namespaces::of(&linux).unwrap();
        validate(mount, &linux, &namespaces).map_err(|error| error.to_string())
    }

    fn refused(mount: &Mount) -> String {
        check(mount, |_| {}).unwrap_err()
    }

    fn with_user_namespace(spec: &mut Spec) {
        let linux = spec.linux_mut().as_mut().unwrap();
        let mut list = linux.namespaces().clone().unwrap();
        list.push(defaults::namespace(LinuxNamespaceType::User));
        linux.set_namespaces(Some(list));
    }

    #[test]
    fn a_mapping_comes_from_the_mount_or_else_from_the_container() {
        let mut mount = bind(&["rbind", "idmap"]);
        assert_eq!(
            refused(&mount),
            "id-mapped mount /d: without mappings of its own it needs a container with a user \
             namespace"
        );
        assert_eq!(
            check(&mount, with_user_namespace).unwrap_err(),
            "id-mapped mount /d: neither the mount nor the container has mappings"
        );
        let mapped = |spec: &mut Spec| {
            with_user_namespace(spec);
            spec.linux_mut()
                .as_mut()
                .unwrap()
                .set_uid_mappings(Some(vec![range(0, 1000, 10)]))
                .set_gid_mappings(Some(vec![range(0, 1000, 10)]));
        };
        assert_eq!(check(&mount, mapped), Ok(()));
        mount
            .set_uid_mappings(Some(vec![range(0, 5, 1)]))
            .set_gid_mappings(Some(vec![range(0, 5, 1)]));
        assert_eq!(check(&mount, |_| {}), Ok(()));
    }

    #[test]
    fn halves_and_impossible_ranges_are_refused() {
        let both = |uids: Vec<_>, gids: Vec<_>| {
            let mut mount = bind(&["bind"]);
            mount
                .set_uid_mappings(Some(uids))
                .set_gid_mappings(Some(gids));
            refused(&mount)
        };
        let good = || vec![range(0, 5, 1)];
        assert_eq!(
            both(good(), Vec::new()),
            "id-mapped mount /d: gidMappings is empty"
        );
        assert_eq!(
            both(vec![range(0, 5, 0)], good()),
            "id-mapped mount /d: uidMappings has a range of no ids"
        );
        assert_eq!(
            both(good(), vec![range(0, u32::MAX, 2)]),
            "id-mapped mount /d: gidMappings has a range beyond the last id"
        );
        assert_eq!(
            both(vec![range(0, 5, 1); 341], good()),
            "id-mapped mount /d: uidMappings has more than 340 ranges"
        );
        let mut mount = bind(&["bind"]);
        mount.set_uid_mappings(Some(good()));
        assert_eq!(
            refused(&mount),
            "id-mapped mount /d: uidMappings without gidMappings"
        );
    }

    #[test]
    fn filesystems_of_the_kernel_cannot_be_mapped() {
        let mount = defaults::mount("/d", "tmpfs", "tmpfs", &["idmap"]);
        assert_eq!(
            refused(&mount),
            "id-mapped mount /d: only binds can be id-mapped"
        );
    }
}
