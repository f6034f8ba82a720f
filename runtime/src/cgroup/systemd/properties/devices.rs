//! Device rules.

use super::super::super::device_rule::{DeviceRule, Kind, MKNOD, READ, WRITE};
use super::{Property, Value, property};

/// Device rules for v1, where systemd writes the list again; v2's program is
/// ours alone. `allowed` are the exceptions from denying everything; `devices`
/// is /proc/devices, as systemd knows a wildcard by the driver's name only.
pub(in super::super) fn of_devices(allowed: &[DeviceRule], devices: &str) -> Vec<Property> {
    let mut pairs = Vec::new();
    for rule in allowed {
        let access: String = [(READ, 'r'), (WRITE, 'w'), (MKNOD, 'm')]
            .iter()
            .filter(|(bit, _)| rule.access & bit != 0)
            .map(|(_, letter)| *letter)
            .collect();
        let kind = if rule.kind == Kind::Block {
            "block"
        } else {
            "char"
        };
        match (rule.major, rule.minor) {
            (Some(major), Some(minor)) => {
                pairs.push((format!("/dev/{kind}/{major}:{minor}"), access));
            }
            (Some(major), None) => {
                for name in drivers(devices, rule.kind, major) {
                    pairs.push((format!("{kind}-{name}"), access.clone()));
                }
            }
            (None, _) => pairs.push((format!("{kind}-*"), access)),
        }
    }
    vec![
        property("DevicePolicy", Value::Text("strict".to_owned())),
        property("DeviceAllow", Value::Pairs(pairs)),
    ]
}

/// The names of the drivers with a major number, in /proc/devices.
fn drivers(devices: &str, kind: Kind, major: u32) -> Vec<&str> {
    let mut here = false;
    let mut names = Vec::new();
    for line in devices.lines() {
        match line {
            "Character devices:" => here = kind != Kind::Block,
            "Block devices:" => here = kind == Kind::Block,
            _ if here => {
                if let Some((number, name)) = line.trim().split_once(' ')
                    && number.parse() == Ok(major)
                    && !names.contains(&name)
                {
                    names.push(name);
                }
            }
            _ => {}
        }
    }
    names
}
