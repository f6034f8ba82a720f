//! Limits as properties of a unit (systemd.resource-control(5)).
//!
//! They are also written to the control files, all of them. systemd has to know
//! those that it writes itself, as it does so again whenever it likes: at a
//! reload of its configuration, for instance.

use super::super::CgroupError;
use super::super::device_rule::{DeviceRule, Kind, MKNOD, READ, WRITE};
use super::super::either::nonzero;
use super::super::layout::Version;
use super::super::v2::weight_of_shares;
use super::message::Writer;
use oci_spec::runtime::{LinuxCpu, LinuxMemory, LinuxResources};

/// No limit.
const INFINITY: u64 = u64::MAX;

/// A property of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) value: Value,
}

/// The types of values that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Boolean(bool),
    Number(u64),
    /// Processes.
    Numbers(Vec<u32>),
    /// A bitmap.
    Bytes(Vec<u8>),
    /// Devices and their access.
    Pairs(Vec<(String, String)>),
}

impl Value {
    /// As a variant.
    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Text(text) => {
                writer.signature("s");
                writer.string(text);
            }
            Self::Boolean(value) => {
                writer.signature("b");
                writer.boolean(*value);
            }
            Self::Number(number) => {
                writer.signature("t");
                writer.u64(*number);
            }
            Self::Numbers(numbers) => {
                writer.signature("au");
                writer.array(4, |array| numbers.iter().for_each(|one| array.u32(*one)));
            }
            Self::Bytes(bytes) => {
                writer.signature("ay");
                writer.bytes(bytes);
            }
            Self::Pairs(pairs) => {
                writer.signature("a(ss)");
                writer.array(8, |array| {
                    for (first, second) in pairs {
                        array.structure(|one| {
                            one.string(first);
                            one.string(second);
                        });
                    }
                });
            }
        }
    }
}

fn property(name: &'static str, value: Value) -> Property {
    Property { name, value }
}

/// Those of every container's scope.
pub(super) fn of_scope(slice: &str, id: &str, pid: u32) -> Vec<Property> {
    let mut all = vec![
        property("Description", Value::Text(format!("rbox container {id}"))),
        property("Slice", Value::Text(slice.to_owned())),
        property("PIDs", Value::Numbers(vec![pid])),
        // The groups inside and their files are ours.
        property("Delegate", Value::Boolean(true)),
        // Not stopped before the mounts that a container may use.
        property("DefaultDependencies", Value::Boolean(false)),
    ];
    for accounting in [
        "CPUAccounting",
        "MemoryAccounting",
        "IOAccounting",
        "TasksAccounting",
    ] {
        all.push(property(accounting, Value::Boolean(true)));
    }
    all
}

/// Those for limits, where the controllers are on `version`.
pub(super) fn of_limits(
    resources: &LinuxResources,
    version: Version,
) -> Result<Vec<Property>, CgroupError> {
    let mut all = Vec::new();
    if let Some(memory) = resources.memory() {
        self::memory(memory, version, &mut all);
    }
    if let Some(cpu) = resources.cpu() {
        self::cpu(cpu, version, &mut all)?;
    }
    if let Some(pids) = resources.pids()
        && pids.limit() != 0
    {
        all.push(property("TasksMax", Value::Number(amount(pids.limit()))));
    }
    Ok(all)
}

fn amount(limit: i64) -> u64 {
    u64::try_from(limit).unwrap_or(INFINITY)
}

fn memory(memory: &LinuxMemory, version: Version, all: &mut Vec<Property>) {
    let limit = nonzero(memory.limit());
    let mut set = |name, value| all.push(property(name, Value::Number(value)));
    match version {
        Version::V1 => {
            if let Some(limit) = limit {
                set("MemoryLimit", amount(limit));
            }
        }
        Version::V2 => {
            if let Some(limit) = limit {
                set("MemoryMax", amount(limit));
            }
            if let Some(reservation) = nonzero(memory.reservation()) {
                set("MemoryLow", amount(reservation));
            }
            match (limit, nonzero(memory.swap())) {
                (Some(-1), None) | (_, Some(-1)) => set("MemorySwapMax", INFINITY),
                (Some(limit), Some(both)) => set("MemorySwapMax", amount(both - limit)),
                _ => {}
            }
        }
    }
}

fn cpu(cpu: &LinuxCpu, version: Version, all: &mut Vec<Property>) -> Result<(), CgroupError> {
    if let Some(shares) = nonzero(cpu.shares())
        && cpu.idle() != Some(1)
    {
        all.push(match version {
            Version::V1 => property("CPUShares", Value::Number(shares)),
            Version::V2 => property("CPUWeight", Value::Number(weight_of_shares(shares))),
        });
    }
    if let Some(period) = nonzero(cpu.period()) {
        all.push(property("CPUQuotaPeriodUSec", Value::Number(period)));
    }
    if let Some(quota) = nonzero(cpu.quota()) {
        let period = nonzero(cpu.period()).unwrap_or(100_000);
        all.push(property(
            "CPUQuotaPerSecUSec",
            Value::Number(quota_per_second(quota, period)),
        ));
    }
    if version == Version::V2 {
        for (name, what, list) in [
            ("AllowedCPUs", "set of CPUs", cpu.cpus()),
            ("AllowedMemoryNodes", "set of memory nodes", cpu.mems()),
        ] {
            if let Some(list) = list.as_deref().filter(|list| !list.is_empty()) {
                let bits = bitmap(list).ok_or_else(|| CgroupError::Invalid {
                    what,
                    why: format!("{list:?} is not a list of numbers and ranges"),
                })?;
                all.push(property(name, Value::Bytes(bits)));
            }
        }
    }
    Ok(())
}

/// A quota in microseconds a second, in whole percents as systemd stores it,
/// upwards: what the file gets is exact and not more.
fn quota_per_second(quota: i64, period: u64) -> u64 {
    const PERCENT: u64 = 10_000;
    match u64::try_from(quota) {
        Ok(quota) => (quota.saturating_mul(1_000_000) / period).next_multiple_of(PERCENT),
        Err(_) => INFINITY,
    }
}

/// `0-2,9` as bytes, CPU 0 the lowest bit of the first.
fn bitmap(list: &str) -> Option<Vec<u8>> {
    let mut bits = Vec::new();
    for range in list.split(',') {
        let range = range.trim();
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        // More than any kernel has.
        if last < first || last >= 1 << 16 {
            return None;
        }
        for number in first..=last {
            let byte = number / 8;
            if bits.len() <= byte {
                bits.resize(byte + 1, 0);
            }
            bits[byte] |= 1 << (number % 8);
        }
    }
    Some(bits)
}

/// Device rules for v1, where systemd writes the list again; v2's program is
/// ours alone. `allowed` are the exceptions from denying everything; `devices`
/// is /proc/devices, as systemd knows a wildcard by the driver's name only.
pub(super) fn of_devices(allowed: &[DeviceRule], devices: &str) -> Vec<Property> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(json: &str, version: Version) -> Vec<String> {
        let resources = serde_json::from_str(json).unwrap();
        of_limits(&resources, version)
            .unwrap()
            .into_iter()
            .map(|one| format!("{}={:?}", one.name, one.value))
            .collect()
    }

    const ALL: &str = r#"{"memory": {"limit": 100, "swap": 300, "reservation": 50},
        "cpu": {"shares": 1024, "quota": 5000, "period": 10000, "cpus": "0,9", "mems": "0"},
        "pids": {"limit": 7}}"#;

    #[test]
    fn limits_are_properties_on_v2() {
        assert_eq!(
            limits(ALL, Version::V2),
            [
                "MemoryMax=Number(100)",
                "MemoryLow=Number(50)",
                "MemorySwapMax=Number(200)",
                "CPUWeight=Number(100)",
                "CPUQuotaPeriodUSec=Number(10000)",
                "CPUQuotaPerSecUSec=Number(500000)",
                "AllowedCPUs=Bytes([1, 2])",
                "AllowedMemoryNodes=Bytes([1])",
                "TasksMax=Number(7)",
            ]
        );
    }

    #[test]
    fn limits_are_properties_on_v1() {
        assert_eq!(
            limits(ALL, Version::V1),
            [
                "MemoryLimit=Number(100)",
                "CPUShares=Number(1024)",
                "CPUQuotaPeriodUSec=Number(10000)",
                "CPUQuotaPerSecUSec=Number(500000)",
                "TasksMax=Number(7)",
            ]
        );
    }

    #[test]
    fn unlimited_is_infinity() {
        let json = r#"{"memory": {"limit": -1}, "cpu": {"quota": -1}, "pids": {"limit": -1}}"#;
        let infinity = format!("Number({})", u64::MAX);
        assert_eq!(
            limits(json, Version::V2),
            [
                "MemoryMax",
                "MemorySwapMax",
                "CPUQuotaPerSecUSec",
                "TasksMax"
            ]
            .map(|name| format!("{name}={infinity}"))
        );
        assert!(limits("{}", Version::V2).is_empty());
    }

    #[test]
    fn quotas_are_rounded_up_to_percents() {
        assert_eq!(quota_per_second(1, 1_000_000), 10_000);
        assert_eq!(quota_per_second(33_333, 100_000), 340_000);
        assert_eq!(quota_per_second(150_000, 100_000), 1_500_000);
    }

    #[test]
    fn lists_are_bitmaps() {
        assert_eq!(bitmap("0-2,9"), Some(vec![7, 2]));
        assert_eq!(bitmap("8"), Some(vec![0, 1]));
        for bad in ["", "x", "3-1", "0-99999", "1,"] {
            assert_eq!(bitmap(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn devices_are_named_as_systemd_names_them() {
        const DEVICES: &str = "Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\n\
                               Block devices:\n  1 ramdisk\n  8 sd\n";
        let rule = |kind, major, minor| DeviceRule {
            allow: true,
            kind,
            major,
            minor,
            access: READ | WRITE,
        };
        let found = of_devices(
            &[
                rule(Kind::Character, Some(1), Some(3)),
                rule(Kind::Character, Some(136), None),
                rule(Kind::Block, Some(8), None),
                rule(Kind::Block, None, None),
                rule(Kind::Block, Some(99), None),
            ],
            DEVICES,
        );
        assert_eq!(found[0].value, Value::Text("strict".to_owned()));
        let pair = |name: &str| (name.to_owned(), "rw".to_owned());
        let expected = ["/dev/char/1:3", "char-pts", "block-sd", "block-*"].map(pair);
        assert_eq!(found[1].value, Value::Pairs(expected.to_vec()));
    }
}
