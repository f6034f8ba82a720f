//! Device rules as lines for `devices.deny` and `devices.allow`.

use super::super::CgroupError;
use super::super::device_rule::{self, DeviceRule, Kind, MKNOD, READ, WRITE};
use super::super::hierarchy::Setting;
use oci_spec::runtime::LinuxDeviceCgroup;

const WHAT: &str = "device rule";

/// The lines to write, in order.
///
/// The kernel keeps a default (allow or deny) and exceptions to it. A rule that
/// agrees with the default only takes out an exception for exactly its devices,
/// so a rule that should cut a hole into a wider exception cannot be had: it is
/// refused instead of being quietly without effect.
pub(super) fn settings(listed: &[LinuxDeviceCgroup]) -> Result<Vec<Setting>, CgroupError> {
    let rules = device_rule::rules(listed)?;
    let mut settings = Vec::with_capacity(rules.len());
    let mut allowed_by_default = true;
    let mut exceptions: Vec<DeviceRule> = Vec::new();
    for rule in rules {
        if rule.kind == Kind::All {
            allowed_by_default = rule.allow;
            exceptions.clear();
        } else if rule.allow == allowed_by_default {
            if exceptions
                .iter()
                .any(|exception| overlaps(exception, &rule))
            {
                return Err(CgroupError::Unsupported {
                    what: format!("the device rule {:?}", line(&rule)),
                    why: "cgroup v1 cannot take it out of the wider rule before it".to_owned(),
                });
            }
        } else {
            exceptions.push(rule);
        }
        let file = if rule.allow {
            "devices.allow"
        } else {
            "devices.deny"
        };
        settings.push(Setting::new(WHAT, file, line(&rule)));
    }
    Ok(settings)
}

/// Whether they have devices in common, but are not for exactly the same ones.
fn overlaps(one: &DeviceRule, other: &DeviceRule) -> bool {
    let meets =
        |left: Option<u32>, right: Option<u32>| left.is_none() || right.is_none() || left == right;
    one.kind == other.kind
        && meets(one.major, other.major)
        && meets(one.minor, other.minor)
        && (one.major, one.minor) != (other.major, other.minor)
        && one.access & other.access != 0
}

fn line(rule: &DeviceRule) -> String {
    let kind = match rule.kind {
        Kind::All => return "a".to_owned(),
        Kind::Block => 'b',
        Kind::Character => 'c',
    };
    let number = |value: Option<u32>| value.map_or("*".to_owned(), |value| value.to_string());
    let access: String = [(READ, 'r'), (WRITE, 'w'), (MKNOD, 'm')]
        .iter()
        .filter(|(bit, _)| rule.access & bit != 0)
        .map(|(_, letter)| *letter)
        .collect();
    format!(
        "{kind} {}:{} {access}",
        number(rule.major),
        number(rule.minor)
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::device_rule::tests::listed;
    use super::*;

    fn lines(rules: &[&str]) -> Vec<String> {
        let rules: Vec<_> = rules.iter().map(|rule| listed(rule)).collect();
        settings(&rules)
            .unwrap()
            .into_iter()
            .map(|setting| format!("{} {}", setting.file, setting.value))
            .collect()
    }

    #[test]
    fn rules_become_lines_in_their_order() {
        assert_eq!(
            lines(&[
                "allow a *:* rwm",
                "deny a *:* rwm",
                "allow c *:* m",
                "allow b 8:* rw"
            ]),
            [
                "devices.deny a",
                "devices.allow c *:* m",
                "devices.allow b 8:* rw"
            ]
        );
        assert!(
            lines(&["allow a *:* rwm"]).is_empty(),
            "a privileged container writes nothing"
        );
    }

    #[test]
    fn a_hole_in_a_wider_rule_is_refused() {
        let rules = [
            listed("deny a"),
            listed("allow c *:* rwm"),
            listed("deny c 1:3 w"),
        ];
        assert_eq!(
            settings(&rules).unwrap_err().to_string(),
            "the device rule \"c 1:3 w\" is not supported here: cgroup v1 cannot take it out of \
             the wider rule before it"
        );
        // Exactly the same devices are fine, and so are others.
        assert_eq!(
            lines(&["deny a", "allow c 1:3 rw", "deny c 1:3 w", "deny c 1:5 w"]).len(),
            4
        );
    }
}
