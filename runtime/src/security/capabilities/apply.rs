//! The five capability sets of a thread, as bits, and their application.

use super::{COUNT, Capability, available, name, number};
use oci_spec::runtime::LinuxCapabilities;
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
};
use std::collections::HashSet;

/// The five sets as bits; made before the child exists, applied in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sets {
    bounding: u64,
    effective: u64,
    permitted: u64,
    inheritable: u64,
    ambient: u64,
}

/// Why the sets of a config.json cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SetsError {
    /// The kernel demands that what is effective is permitted.
    #[error("capability {0} is effective but not permitted")]
    NotPermitted(&'static str),
    /// The kernel demands that what is ambient is permitted and inheritable.
    #[error("capability {0} is ambient but not both permitted and inheritable")]
    NotAmbient(&'static str),
}

/// The kernel refused a set.
#[derive(Debug, thiserror::Error)]
#[error("cannot set the {set} capabilities: {source}")]
pub struct ApplyError {
    /// Which set: `bounding`, `process` (the three of capset) or `ambient`.
    pub set: &'static str,
    /// The kernel's error.
    pub source: Errno,
}

impl Sets {
    /// The sets that a config.json asks for, and the names of the capabilities
    /// that cannot be given and are left out, about which the runtime-spec wants
    /// a warning and no failure. A set that is not named is empty. In a `fresh`
    /// user namespace all capabilities can be given.
    ///
    /// # Errors
    /// Sets that contradict each other.
    pub fn from_spec(
        spec: &LinuxCapabilities,
        fresh: bool,
    ) -> Result<(Sets, Vec<&'static str>), SetsError> {
        let mut sets = Sets {
            bounding: bits(spec.bounding().as_ref()),
            effective: bits(spec.effective().as_ref()),
            permitted: bits(spec.permitted().as_ref()),
            inheritable: bits(spec.inheritable().as_ref()),
            ambient: bits(spec.ambient().as_ref()),
        };
        let ours = match fresh {
            true => u64::MAX,
            false => bits(Some(&available().into_iter().collect())),
        };
        let all = sets.bounding | sets.effective | sets.permitted | sets.inheritable;
        let missing = (0..)
            .map_while(super::names::by_number)
            .filter(|&one| (all & !ours) & (1 << number(one)) != 0)
            .map(name)
            .collect();
        for set in [
            &mut sets.bounding,
            &mut sets.effective,
            &mut sets.permitted,
            &mut sets.inheritable,
            &mut sets.ambient,
        ] {
            *set &= ours;
        }
        if let Some(excess) = first(sets.effective & !sets.permitted) {
            return Err(SetsError::NotPermitted(excess));
        }
        if let Some(excess) = first(sets.ambient & !(sets.permitted & sets.inheritable)) {
            return Err(SetsError::NotAmbient(excess));
        }
        Ok((sets, missing))
    }

    /// Takes everything else out of the calling thread's bounding set. Before
    /// the change of user: it needs CAP_SETPCAP. Allocates nothing.
    ///
    /// # Errors
    /// [`ApplyError`] for the bounding set.
    pub fn drop_bounding(&self) -> Result<(), ApplyError> {
        for number in 0..COUNT {
            let bit = 1_u64 << number;
            if self.bounding & bit != 0 {
                continue;
            }
            let capability = CapabilitySet::from_bits_retain(bit);
            match remove_capability_from_bounding_set(capability) {
                // EINVAL: the kernel is older than the capability.
                Ok(()) | Err(Errno::INVAL) => {}
                // Without CAP_SETPCAP (no more privileged than a container's
                // user) it is enough that it is absent already.
                Err(source) => match capability_is_in_bounding_set(capability) {
                    Ok(false) => {}
                    _ => {
                        return Err(ApplyError {
                            set: "bounding",
                            source,
                        });
                    }
                },
            }
        }
        Ok(())
    }

    /// Sets the other four on the calling thread. After the change of user,
    /// which must have kept the permitted set (`PR_SET_KEEPCAPS`) if the user
    /// is not root and anything is to be held. Allocates nothing.
    ///
    /// # Errors
    /// [`ApplyError`] for the set that the kernel refused.
    pub fn apply(&self) -> Result<(), ApplyError> {
        let process = CapabilitySets {
            effective: CapabilitySet::from_bits_retain(self.effective),
            permitted: CapabilitySet::from_bits_retain(self.permitted),
            inheritable: CapabilitySet::from_bits_retain(self.inheritable),
        };
        // EINVAL: no ambient set before Linux 4.3, so there is none to clear.
        match clear_ambient_capability_set() {
            Ok(()) | Err(Errno::INVAL) => {}
            Err(source) => {
                return Err(ApplyError {
                    set: "ambient",
                    source,
                });
            }
        }
        set_capabilities(None, process).map_err(|source| ApplyError {
            set: "process",
            source,
        })?;
        for number in (0..COUNT).filter(|number| self.ambient & (1 << number) != 0) {
            let capability = CapabilitySet::from_bits_retain(1 << number);
            configure_capability_in_ambient_set(capability, true).map_err(|source| ApplyError {
                set: "ambient",
                source,
            })?;
        }
        Ok(())
    }
}

fn bits(set: Option<&HashSet<Capability>>) -> u64 {
    set.into_iter()
        .flatten()
        .fold(0, |bits, capability| bits | 1 << number(*capability))
}

/// The name of the lowest capability in `bits`.
fn first(bits: u64) -> Option<&'static str> {
    super::names::by_number(bits.trailing_zeros()).map(name)
}

#[cfg(test)]
mod tests {
    use super::super::{DEFAULT, process_sets};
    use super::*;

    /// The five masks of the calling thread, as /proc shows them.
    fn thread_masks() -> Vec<u64> {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
            .iter()
            .map(|key| {
                let line = status.lines().find(|line| line.starts_with(key)).unwrap();
                u64::from_str_radix(line.split('\t').nth(1).unwrap(), 16).unwrap()
            })
            .collect()
    }

    // A test has a thread of its own, and capabilities belong to threads.
    fn may_set_capabilities(test: &str) -> bool {
        let allowed = rustix::thread::capabilities(None).unwrap().effective;
        if allowed.contains(CapabilitySet::SETPCAP) {
            return true;
        }
        let line = format!("SKIPPED {test}: needs CAP_SETPCAP");
        eprintln!("{line}");
        if let Some(file) = std::env::var_os("RBOX_SKIPS") {
            use std::io::Write;
            let file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(file);
            let _ = writeln!(file.unwrap(), "{line}");
        }
        false
    }

    #[test]
    fn the_five_sets_are_what_was_asked_for() {
        if !may_set_capabilities("the_five_sets_are_what_was_asked_for") {
            return;
        }
        let pick = |list: &[Capability]| Some(list.iter().copied().collect::<HashSet<_>>());
        let mut spec = LinuxCapabilities::default();
        let (chown, kill, net) = (Capability::Chown, Capability::Kill, Capability::NetRaw);
        spec.set_bounding(pick(&[chown, kill, net]))
            .set_permitted(pick(&[chown, kill]))
            .set_effective(pick(&[kill]))
            .set_inheritable(pick(&[chown]))
            .set_ambient(pick(&[chown]));
        let (sets, missing) = Sets::from_spec(&spec, false).unwrap();
        assert_eq!(missing, [""; 0]);
        sets.drop_bounding().unwrap();
        sets.apply().unwrap();
        let (chown, kill, net) = (1 << number(chown), 1 << number(kill), 1 << number(net));
        assert_eq!(
            thread_masks(),
            [chown, chown | kill, kill, chown | kill | net, chown]
        );
    }

    #[test]
    fn dockers_default_is_the_familiar_mask() {
        if !may_set_capabilities("dockers_default_is_the_familiar_mask") {
            return;
        }
        let (sets, _) = Sets::from_spec(&process_sets(&DEFAULT, 0), false).unwrap();
        sets.drop_bounding().unwrap();
        sets.apply().unwrap();
        let mask = 0xa804_25fb;
        assert_eq!(thread_masks(), [0, mask, mask, mask, 0]);
    }

    #[test]
    fn contradicting_sets_are_refused_by_name() {
        let one = Some(HashSet::from([Capability::Chown]));
        let mut spec = LinuxCapabilities::default();
        spec.set_effective(one.clone()).set_permitted(None);
        assert_eq!(
            Sets::from_spec(&spec, false).unwrap_err().to_string(),
            "capability CAP_CHOWN is effective but not permitted"
        );
        spec.set_effective(None)
            .set_permitted(one.clone())
            .set_inheritable(None)
            .set_ambient(one);
        assert_eq!(
            Sets::from_spec(&spec, false).unwrap_err().to_string(),
            "capability CAP_CHOWN is ambient but not both permitted and inheritable"
        );
    }

    #[test]
    fn a_capability_that_cannot_be_handed_on_is_left_out_and_named() {
        let ours = available();
        let Some(missing) = (0..)
            .map_while(super::super::names::by_number)
            .find(|capability| !ours.contains(capability))
        else {
            return; // a machine that withholds none: select() is tested with a made-up list
        };
        let mut spec = LinuxCapabilities::default();
        spec.set_bounding(Some(HashSet::from([missing])))
            .set_effective(None)
            .set_permitted(None)
            .set_inheritable(None)
            .set_ambient(None);
        let left = Sets::from_spec(&spec, false).unwrap();
        assert_eq!(left, (Sets::default(), vec![name(missing)]));
        // The first process of a user namespace holds all.
        let (all, left) = Sets::from_spec(&spec, true).unwrap();
        assert_eq!((all.bounding, left.len()), (1 << number(missing), 0));
    }
}
