//! `linux.memoryPolicy`: on which NUMA nodes memory is taken.

use oci_spec::runtime::{LinuxMemoryPolicy, MemoryPolicyFlagType, MemoryPolicyModeType};

use crate::spec::{NumberSet, ValidateError};

/// The arguments of set_mempolicy(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryPolicy {
    /// `MPOL_*`, mode and flags.
    pub(crate) mode: i32,
    /// One bit a node; empty where the mode takes none.
    pub(crate) nodes: Vec<u64>,
}

/// Reads the policy; its modes differ in whether they take nodes.
pub(super) fn read(policy: &LinuxMemoryPolicy) -> Result<MemoryPolicy, ValidateError> {
    use MemoryPolicyModeType as Mode;
    let mode = policy.mode();
    let number = match mode {
        Mode::MpolDefault => 0,
        Mode::MpolPreferred => 1,
        Mode::MpolBind => 2,
        Mode::MpolInterleave => 3,
        Mode::MpolLocal => 4,
        Mode::MpolPreferredMany => 5,
        Mode::MpolWeightedInterleave => 6,
    };
    let text = policy.nodes().as_deref().unwrap_or_default();
    let nodes = if text.is_empty() {
        if !matches!(
            mode,
            Mode::MpolDefault | Mode::MpolLocal | Mode::MpolPreferred
        ) {
            return invalid("nodes", format!("{mode} takes at least one"));
        }
        Vec::new()
    } else {
        if matches!(mode, Mode::MpolDefault | Mode::MpolLocal) {
            return invalid("nodes", format!("{mode} takes none"));
        }
        match NumberSet::parse(text) {
            Ok(nodes) => nodes.words().to_vec(),
            Err(error) => return invalid("nodes", error.to_string()),
        }
    };
    let flags = policy.flags().iter().flatten();
    let flags = flags.fold(0, |bits, flag| {
        bits | match flag {
            MemoryPolicyFlagType::MpolFStaticNodes => 1 << 15,
            MemoryPolicyFlagType::MpolFRelativeNodes => 1 << 14,
            MemoryPolicyFlagType::MpolFNumaBalancing => 1 << 13,
        }
    });
    if flags & STATIC_AND_RELATIVE == STATIC_AND_RELATIVE {
        return invalid(
            "flags",
            "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other".to_owned(),
        );
    }
    Ok(MemoryPolicy {
        mode: number | flags,
        nodes,
    })
}

const STATIC_AND_RELATIVE: i32 = 1 << 15 | 1 << 14;

fn invalid<T>(field: &str, reason: String) -> Result<T, ValidateError> {
    Err(ValidateError::Invalid {
        field: format!("linux.memoryPolicy.{field}"),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read_json(policy: Value) -> Result<MemoryPolicy, String> {
        let policy = serde_json::from_value(policy).unwrap();
        read(&policy).map_err(|error| error.to_string())
    }

    #[test]
    fn modes_flags_and_nodes_become_numbers() {
        let policy =
            json!({"mode": "MPOL_BIND", "nodes": "0,64", "flags": ["MPOL_F_STATIC_NODES"]});
        let policy = read_json(policy).unwrap();
        assert_eq!(policy.mode, 2 | 1 << 15);
        assert_eq!(policy.nodes[..3], [1, 1, 0]);
        let local = read_json(json!({"mode": "MPOL_LOCAL"})).unwrap();
        assert_eq!((local.mode, local.nodes.len()), (4, 0));
    }

    #[test]
    fn contradictions_are_named() {
        let refused = |policy, text: &str| {
            assert_eq!(read_json(policy), Err(format!("linux.memoryPolicy.{text}")));
        };
        refused(
            json!({"mode": "MPOL_INTERLEAVE"}),
            "nodes: MPOL_INTERLEAVE takes at least one",
        );
        refused(
            json!({"mode": "MPOL_LOCAL", "nodes": "0"}),
            "nodes: MPOL_LOCAL takes none",
        );
        refused(
            json!({"mode": "MPOL_BIND", "nodes": "a"}),
            "nodes: \"a\" is no list of numbers and ranges such as 0-3,7",
        );
        refused(
            json!({"mode": "MPOL_BIND", "nodes": "0",
                   "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]}),
            "flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other",
        );
    }
}
