//! Limits of block devices.

use super::*;

/// `MAJOR:MINOR` of some disk.
fn disk() -> Option<String> {
    let disks = std::fs::read_dir("/sys/block")
        .into_iter()
        .flatten()
        .flatten();
    disks
        .filter(|disk| {
            !disk
                .file_name()
                .to_string_lossy()
                .starts_with(['l', 'r', 'z'])
        })
        .find_map(|disk| std::fs::read_to_string(disk.path().join("dev")).ok())
        .map(|numbers| numbers.trim().to_owned())
}

#[test]
fn throttles_are_set_for_a_real_disk_and_taken_away() {
    let test = "throttles_are_set_for_a_real_disk_and_taken_away";
    let Some(layout) = machine(test, &[Controller::Io]) else {
        return;
    };
    let Some(disk) = disk() else {
        return skip(test, "there is no disk");
    };
    let (major, minor) = disk.split_once(':').unwrap();
    let limits = |rate: u32| {
        let device = format!(r#"[{{"major": {major}, "minor": {minor}, "rate": {rate}}}]"#);
        format!(
            r#"{{"blockIO": {{"throttleReadBpsDevice": {device}, "throttleWriteBpsDevice": {device},
                 "throttleReadIOPSDevice": {device}, "throttleWriteIOPSDevice": {device}}}}}"#
        )
    };
    let group = group(&layout, &limits(1_048_576));
    let set = |name: &str| {
        let v1 = format!("blkio.throttle.{name}_device");
        content(&group, Controller::Io, &v1, "io.max")
    };
    for name in ["read_bps", "write_bps", "read_iops", "write_iops"] {
        assert!(set(name).starts_with(&disk), "{name}: {}", set(name));
        assert!(set(name).contains("1048576"), "{name}: {}", set(name));
    }
    group
        .update(&serde_json::from_str(&limits(0)).unwrap())
        .unwrap();
    assert_eq!(set("read_bps"), "");
    assert_eq!(set("write_iops"), "");
}

#[test]
fn a_weight_is_set_or_refused_by_name() {
    let test = "a_weight_is_set_or_refused_by_name";
    let Some(layout) = machine(test, &[Controller::Io]) else {
        return;
    };
    let resources = r#"{"blockIO": {"weight": 500}}"#;
    let resources = serde_json::from_str(resources).unwrap();
    let group = match create::create(Arc::clone(&layout), &unique(), &resources) {
        Ok(group) => Group(group),
        Err(error) => {
            let error = error.to_string();
            assert!(
                error.starts_with("block I/O weight is not supported here: the kernel has no"),
                "{error}"
            );
            return skip(test, &error);
        }
    };
    let directory = layout.home(Controller::Io).unwrap().directory(&group.path);
    let mut found = 0;
    for (file, expected) in [
        ("blkio.bfq.weight", "500"),
        ("blkio.weight", "500"),
        ("io.bfq.weight", "default 500"),
        ("io.weight", "default 4950"),
    ] {
        if let Ok(text) = std::fs::read_to_string(directory.join(file)) {
            assert_eq!(text.trim(), expected, "{file}");
            found += 1;
        }
    }
    assert!(found > 0);
}
