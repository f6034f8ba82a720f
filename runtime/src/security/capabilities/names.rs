//! The names and numbers of capabilities.

use super::{Capability, CapabilityError};

/// How many capabilities there are (Linux 5.9, none added since).
pub const COUNT: usize = 41;

/// All capabilities at the index that is their number in the kernel
/// (include/uapi/linux/capability.h), with their names.
const TABLE: [(Capability, &str); COUNT] = [
    (Capability::Chown, "CAP_CHOWN"),
    (Capability::DacOverride, "CAP_DAC_OVERRIDE"),
    (Capability::DacReadSearch, "CAP_DAC_READ_SEARCH"),
    (Capability::Fowner, "CAP_FOWNER"),
    (Capability::Fsetid, "CAP_FSETID"),
    (Capability::Kill, "CAP_KILL"),
    (Capability::Setgid, "CAP_SETGID"),
    (Capability::Setuid, "CAP_SETUID"),
    (Capability::Setpcap, "CAP_SETPCAP"),
    (Capability::LinuxImmutable, "CAP_LINUX_IMMUTABLE"),
    (Capability::NetBindService, "CAP_NET_BIND_SERVICE"),
    (Capability::NetBroadcast, "CAP_NET_BROADCAST"),
    (Capability::NetAdmin, "CAP_NET_ADMIN"),
    (Capability::NetRaw, "CAP_NET_RAW"),
    (Capability::IpcLock, "CAP_IPC_LOCK"),
    (Capability::IpcOwner, "CAP_IPC_OWNER"),
    (Capability::SysModule, "CAP_SYS_MODULE"),
    (Capability::SysRawio, "CAP_SYS_RAWIO"),
    (Capability::SysChroot, "CAP_SYS_CHROOT"),
    (Capability::SysPtrace, "CAP_SYS_PTRACE"),
    (Capability::SysPacct, "CAP_SYS_PACCT"),
    (Capability::SysAdmin, "CAP_SYS_ADMIN"),
    (Capability::SysBoot, "CAP_SYS_BOOT"),
    (Capability::SysNice, "CAP_SYS_NICE"),
    (Capability::SysResource, "CAP_SYS_RESOURCE"),
    (Capability::SysTime, "CAP_SYS_TIME"),
    (Capability::SysTtyConfig, "CAP_SYS_TTY_CONFIG"),
    (Capability::Mknod, "CAP_MKNOD"),
    (Capability::Lease, "CAP_LEASE"),
    (Capability::AuditWrite, "CAP_AUDIT_WRITE"),
    (Capability::AuditControl, "CAP_AUDIT_CONTROL"),
    (Capability::Setfcap, "CAP_SETFCAP"),
    (Capability::MacOverride, "CAP_MAC_OVERRIDE"),
    (Capability::MacAdmin, "CAP_MAC_ADMIN"),
    (Capability::Syslog, "CAP_SYSLOG"),
    (Capability::WakeAlarm, "CAP_WAKE_ALARM"),
    (Capability::BlockSuspend, "CAP_BLOCK_SUSPEND"),
    (Capability::AuditRead, "CAP_AUDIT_READ"),
    (Capability::Perfmon, "CAP_PERFMON"),
    (Capability::Bpf, "CAP_BPF"),
    (Capability::CheckpointRestore, "CAP_CHECKPOINT_RESTORE"),
];

/// The capability's number, which is its bit in the kernel's sets.
#[must_use]
pub fn number(capability: Capability) -> u32 {
    let index = TABLE.iter().position(|(entry, _)| *entry == capability);
    // Every variant is in the table (a test counts them).
    u32::try_from(index.unwrap_or(0)).unwrap_or(0)
}

/// The capability with that number; `None` above the last one.
pub fn by_number(number: u32) -> Option<Capability> {
    TABLE
        .get(usize::try_from(number).ok()?)
        .map(|(entry, _)| *entry)
}

/// The capability's canonical name, `CAP_NET_ADMIN`.
#[must_use]
pub fn name(capability: Capability) -> &'static str {
    TABLE
        .iter()
        .find(|(entry, _)| *entry == capability)
        .map_or("", |(_, name)| name)
}

/// Upper case and with its prefix, as Docker stores what an option gave:
/// `net_admin` becomes `CAP_NET_ADMIN`, and `all` becomes `ALL`.
#[must_use]
pub fn canonical(name: &str) -> String {
    let upper = name.trim().to_ascii_uppercase();
    if upper == "ALL" || upper.starts_with("CAP_") {
        upper
    } else {
        format!("CAP_{upper}")
    }
}

/// The capability of that name, in any case, with or without `CAP_`.
///
/// # Errors
/// [`CapabilityError::Unknown`] with the canonical form of the name.
pub fn parse(name: &str) -> Result<Capability, CapabilityError> {
    let wanted = canonical(name);
    TABLE
        .iter()
        .find(|(_, name)| *name == wanted)
        .map(|(entry, _)| *entry)
        .ok_or(CapabilityError::Unknown(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::thread::CapabilitySet;

    #[test]
    fn names_and_numbers_are_the_kernels() {
        for (number, (capability, name)) in TABLE.iter().enumerate() {
            let number = u32::try_from(number).unwrap();
            assert_eq!(super::number(*capability), number);
            assert_eq!(by_number(number), Some(*capability));
            assert_eq!(super::name(*capability), *name);
            assert_eq!(
                *name,
                format!("CAP_{capability}"),
                "the name of the OCI type"
            );
            let bit = CapabilitySet::from_name(&name["CAP_".len()..]).unwrap();
            assert_eq!(bit.bits(), 1 << number, "{name}");
        }
        assert_eq!(by_number(41), None);
    }

    #[test]
    fn a_name_is_found_in_any_case_with_or_without_its_prefix() {
        for name in ["NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_Net_Admin"] {
            assert_eq!(parse(name).unwrap(), Capability::NetAdmin);
        }
        assert_eq!(canonical("all"), "ALL");
    }

    #[test]
    fn an_unknown_name_is_refused_in_its_canonical_form() {
        assert_eq!(
            parse("bogus").unwrap_err().to_string(),
            "unknown capability: \"CAP_BOGUS\""
        );
        assert_eq!(
            parse("CAP_ALL").unwrap_err().to_string(),
            "unknown capability: \"CAP_ALL\""
        );
        assert_eq!(
            parse("").unwrap_err().to_string(),
            "unknown capability: \"CAP_\""
        );
    }
}
