//! Device rules of an OCI spec, checked and in one form.

use super::CgroupError;
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

/// Bits of an access, as the kernel's device filter has them.
pub(super) const MKNOD: u32 = 1;
pub(super) const READ: u32 = 2;
pub(super) const WRITE: u32 = 4;
pub(super) const ANY_ACCESS: u32 = MKNOD | READ | WRITE;

/// Which device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    All,
    Block,
    Character,
}

/// Allows or denies some access to some devices; later rules win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeviceRule {
    pub(super) allow: bool,
    pub(super) kind: Kind,
    /// `None` for all.
    pub(super) major: Option<u32>,
    pub(super) minor: Option<u32>,
    pub(super) access: u32,
}

/// Whether any rule denies something: what is only allowed changes nothing, as
/// a fresh group allows all that its parent does.
pub(super) fn restrict(rules: &[LinuxDeviceCgroup]) -> bool {
    rules.iter().any(|rule| !rule.allow())
}

/// The rules that matter, in order: those from the first that denies on.
pub(super) fn rules(listed: &[LinuxDeviceCgroup]) -> Result<Vec<DeviceRule>, CgroupError> {
    let rules = listed.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    Ok(rules.into_iter().skip_while(|rule| rule.allow).collect())
}

fn rule(listed: &LinuxDeviceCgroup) -> Result<DeviceRule, CgroupError> {
    let invalid = |why: String| CgroupError::Invalid {
        what: "device rule",
        why,
    };
    let kind = match listed.typ() {
        None | Some(LinuxDeviceType::A) => Kind::All,
        Some(LinuxDeviceType::B) => Kind::Block,
        Some(LinuxDeviceType::C | LinuxDeviceType::U) => Kind::Character,
        Some(LinuxDeviceType::P) => return Err(invalid(format!("{listed}: a FIFO is no device"))),
    };
    let number = |value: Option<i64>| match value {
        None | Some(-1) => Ok(None),
        // The kernel has 12 bits of major and 20 of minor; BPF compares signed.
        Some(value) => i32::try_from(value)
            .ok()
            .and_then(|value| u32::try_from(value).ok())
            .map(Some)
            .ok_or_else(|| invalid(format!("{listed}: no such device number"))),
    };
    let mut access = 0;
    for letter in listed.access().iter().flat_map(|access| access.chars()) {
        access |= match letter {
            'r' => READ,
            'w' => WRITE,
            'm' => MKNOD,
            _ => return Err(invalid(format!("{listed}: access is made of r, w and m"))),
        };
    }
    let (major, minor) = match kind {
        // As in the kernel: all devices, whatever numbers stand there.
        Kind::All => (None, None),
        _ => (number(listed.major())?, number(listed.minor())?),
    };
    let access = if access == 0 { ANY_ACCESS } else { access };
    Ok(DeviceRule {
        allow: listed.allow(),
        kind,
        major,
        minor,
        access,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `allow c 1:3 rw`, `deny a`, `allow b *:* m`.
    pub(in super::super) fn listed(text: &str) -> LinuxDeviceCgroup {
        let mut words = text.split(' ');
        let mut rule = LinuxDeviceCgroup::default();
        rule.set_allow(words.next() == Some("allow"));
        rule.set_typ(Some(words.next().unwrap().parse().unwrap()));
        if let Some((major, minor)) = words.next().and_then(|numbers| numbers.split_once(':')) {
            rule.set_major(major.parse().ok());
            rule.set_minor(minor.parse().ok());
        }
        rule.set_access(words.next().map(str::to_owned));
        rule
    }

    #[test]
    fn what_only_allows_is_no_restriction() {
        assert!(!restrict(&[listed("allow a *:* rwm")]));
        assert!(
            rules(&[listed("allow a *:* rwm"), listed("allow c 1:3 r")])
                .unwrap()
                .is_empty()
        );
        assert!(restrict(&[listed("deny a")]));
    }

    #[test]
    fn a_rule_without_numbers_or_access_means_all_of_them() {
        let rule = rules(&[listed("deny c")]).unwrap()[0];
        assert_eq!(
            (rule.major, rule.minor, rule.access),
            (None, None, ANY_ACCESS)
        );
        let minus_one = rules(&[listed("deny c -1:-1 m")]).unwrap()[0];
        assert_eq!((minus_one.major, minus_one.access), (None, MKNOD));
    }

    #[test]
    fn impossible_rules_are_refused() {
        for bad in [
            "deny p 1:3 r",
            "deny c 1:3 rx",
            "deny c 1:-7 r",
            "deny c 9999999999:1 r",
        ] {
            let error = rules(&[listed(bad)]).unwrap_err().to_string();
            assert!(error.starts_with("invalid device rule: "), "{error}");
        }
    }
}
