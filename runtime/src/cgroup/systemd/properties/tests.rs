use super::super::super::device_rule::{DeviceRule, Kind, READ, WRITE};
use super::super::super::layout::Version;
use super::limits::{bitmap, quota_per_second};
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
