//! Which capabilities a container gets, from what its options ask for.

use super::{Capability, canonical, name, names, number, parse};
use oci_spec::runtime::LinuxCapabilities;
use rustix::thread::{CapabilitySet, capability_is_in_bounding_set};
use std::collections::HashSet;

/// What Docker gives a container that asks for nothing.
pub const DEFAULT: [Capability; 14] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fsetid,
    Capability::Fowner,
    Capability::Mknod,
    Capability::NetRaw,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setfcap,
    Capability::Setpcap,
    Capability::NetBindService,
    Capability::SysChroot,
    Capability::Kill,
    Capability::AuditWrite,
];

/// Why capabilities cannot be granted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CapabilityError {
    /// No capability has this name.
    #[error("unknown capability: \"{0}\"")]
    Unknown(String),
    /// Asked for by name, but this process may not hand it on.
    #[error(
        "capability not supported by your kernel or not available in the current environment: \
         \"{0}\""
    )]
    Unavailable(&'static str),
}

/// What the options ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grant<'a> {
    /// `--cap-add`: names in any case, with or without `CAP_`, or `ALL`.
    pub add: &'a [String],
    /// `--cap-drop`, likewise.
    pub drop: &'a [String],
    /// `--privileged`: all of them, whatever else is asked for.
    pub privileged: bool,
}

/// The capabilities that this process may hand on: its bounding set.
#[must_use]
pub fn available() -> Vec<Capability> {
    (0..)
        .map_while(names::by_number)
        .filter(|capability| {
            let bit = CapabilitySet::from_bits_retain(1 << number(*capability));
            // An error means that the running kernel is older than the capability.
            capability_is_in_bounding_set(bit).unwrap_or(false)
        })
        .collect()
}

/// The capabilities for `grant`, with Docker's rules: without options the
/// default ones; `--cap-add ALL` is all but the dropped ones; `--cap-drop ALL`
/// is only the added ones; else the default ones without the dropped ones and
/// with the added ones. `available` is what can be given at all ([`available`]).
///
/// # Errors
/// A name that is unknown, or an added one that is not available.
pub fn select(
    grant: &Grant<'_>,
    available: &[Capability],
) -> Result<Vec<Capability>, CapabilityError> {
    if grant.privileged {
        return Ok(available.to_vec());
    }
    let (add_all, add) = wanted(grant.add)?;
    let (drop_all, drop) = wanted(grant.drop)?;
    if let Some(missing) = add
        .iter()
        .find(|capability| !available.contains(capability))
    {
        return Err(CapabilityError::Unavailable(name(*missing)));
    }
    let base: &[Capability] = match (add_all, drop_all) {
        (true, _) => available,
        (false, true) => &[],
        (false, false) => &DEFAULT,
    };
    let mut chosen: Vec<Capability> = base
        .iter()
        .copied()
        .filter(|capability| available.contains(capability) && !drop.contains(capability))
        .collect();
    if !add_all {
        for capability in add {
            if !chosen.contains(&capability) {
                chosen.push(capability);
            }
        }
    }
    Ok(chosen)
}

/// Whether `ALL` is among the names, and the others.
fn wanted(names: &[String]) -> Result<(bool, Vec<Capability>), CapabilityError> {
    let mut all = false;
    let mut listed = Vec::new();
    for name in names {
        if canonical(name) == "ALL" {
            all = true;
        } else {
            listed.push(parse(name)?);
        }
    }
    Ok((all, listed))
}

/// The five sets of a process that runs as `uid` with `capabilities`, as Docker
/// writes them into config.json: root has them; for anybody else they only
/// bound what an executable with file capabilities can gain.
#[must_use]
pub fn process_sets(capabilities: &[Capability], uid: u32) -> LinuxCapabilities {
    let set: HashSet<Capability> = capabilities.iter().copied().collect();
    let held = if uid == 0 {
        set.clone()
    } else {
        HashSet::new()
    };
    let mut sets = LinuxCapabilities::default();
    sets.set_bounding(Some(set))
        .set_effective(Some(held.clone()))
        .set_permitted(Some(held))
        .set_inheritable(None)
        .set_ambient(None);
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Vec<Capability> {
        (0..).map_while(names::by_number).collect()
    }

    fn chosen(add: &[&str], drop: &[&str]) -> Vec<&'static str> {
        let add: Vec<String> = add.iter().map(ToString::to_string).collect();
        let drop: Vec<String> = drop.iter().map(ToString::to_string).collect();
        let grant = Grant {
            add: &add,
            drop: &drop,
            privileged: false,
        };
        let mut names: Vec<_> = select(&grant, &everything())
            .unwrap()
            .into_iter()
            .map(name)
            .collect();
        names.sort_unstable();
        names
    }

    fn refused(add: &[&str], drop: &[&str], available: &[Capability]) -> String {
        let add: Vec<String> = add.iter().map(ToString::to_string).collect();
        let drop: Vec<String> = drop.iter().map(ToString::to_string).collect();
        let grant = Grant {
            add: &add,
            drop: &drop,
            privileged: false,
        };
        select(&grant, available).unwrap_err().to_string()
    }

    #[test]
    fn no_options_give_dockers_fourteen() {
        assert_eq!(chosen(&[], &[]).len(), 14);
        assert_eq!(select(&Grant::default(), &everything()).unwrap(), DEFAULT);
    }

    #[test]
    fn added_and_dropped_ones_change_the_default() {
        let names = chosen(&["net_admin", "CHOWN"], &["mknod"]);
        assert!(names.contains(&"CAP_NET_ADMIN"));
        assert!(!names.contains(&"CAP_MKNOD"));
        assert_eq!(names.len(), 14);
    }

    #[test]
    fn what_is_both_added_and_dropped_is_given() {
        assert!(chosen(&["CHOWN"], &["CHOWN"]).contains(&"CAP_CHOWN"));
    }

    #[test]
    fn all_added_leaves_out_only_the_dropped_ones() {
        let names = chosen(&["ALL"], &["SYS_ADMIN", "sys_module"]);
        assert_eq!(names.len(), 39);
        assert!(!names.contains(&"CAP_SYS_ADMIN"));
    }

    #[test]
    fn all_dropped_leaves_only_the_added_ones() {
        assert_eq!(chosen(&["kill"], &["all"]), ["CAP_KILL"]);
        assert!(chosen(&[], &["ALL"]).is_empty());
    }

    #[test]
    fn what_cannot_be_given_is_left_out_of_all_and_privileged_but_refused_by_name() {
        let mut available = everything();
        available.retain(|capability| *capability != Capability::SysResource);
        let add = ["ALL".to_owned()];
        let all = Grant {
            add: &add,
            ..Grant::default()
        };
        assert_eq!(select(&all, &available).unwrap().len(), 40);
        let privileged = Grant {
            privileged: true,
            ..Grant::default()
        };
        assert_eq!(select(&privileged, &available).unwrap(), available);
        assert_eq!(
            refused(&["sys_resource"], &[], &available),
            "capability not supported by your kernel or not available in the current \
             environment: \"CAP_SYS_RESOURCE\""
        );
    }

    #[test]
    fn an_unknown_name_is_refused_in_either_list() {
        assert_eq!(
            refused(&["bogus"], &[], &everything()),
            "unknown capability: \"CAP_BOGUS\""
        );
        assert_eq!(
            refused(&[], &["bogus"], &everything()),
            "unknown capability: \"CAP_BOGUS\""
        );
    }

    #[test]
    fn only_root_holds_what_the_bounding_set_allows() {
        let root = process_sets(&DEFAULT, 0);
        assert_eq!(root.effective().as_ref().unwrap().len(), 14);
        let other = process_sets(&DEFAULT, 1000);
        assert!(other.effective().as_ref().unwrap().is_empty());
        assert_eq!(other.bounding().as_ref().unwrap().len(), 14);
    }

    #[test]
    fn what_is_available_is_this_threads_bounding_set() {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("CapBnd:"))
            .unwrap();
        let mask = u64::from_str_radix(line.trim(), 16).unwrap();
        let ours: u64 = available()
            .into_iter()
            .map(|capability| 1 << number(capability))
            .sum();
        assert_eq!(ours, mask);
    }
}
