//! Which ids of the host containers have.

use std::fs;

use super::{Host, Output};

/// First ids of the blocks that containers have, with their owners.
pub fn leases(host: &Host) -> Vec<(u32, String)> {
    let entries = fs::read_dir(host.root().join("user-namespaces"));
    let mut all: Vec<_> = entries
        .into_iter()
        .flatten()
        .map(|entry| {
            let path = entry.unwrap().path();
            let id = fs::read_link(&path).unwrap().display().to_string();
            (
                path.file_name().unwrap().to_str().unwrap().parse().unwrap(),
                id,
            )
        })
        .collect();
    all.sort();
    all
}

/// The host's id of a container's root, by the kernel.
#[track_caller]
pub fn root_of(host: &Host, container: &str) -> u32 {
    let map = fs::read_to_string(format!("/proc/{}/uid_map", host.pid(container))).unwrap();
    map.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// `run --rm` with the engine-wide remapping.
pub fn remapped(host: &Host, value: &str, options: &str, script: &str) -> Output {
    let mut arguments = vec!["run", "--rm"];
    arguments.extend(options.split_whitespace());
    arguments.extend(["alpine", "sh", "-c", script]);
    let output = host
        .command(&arguments)
        .env("RBOX_USERNS_REMAP", value)
        .output()
        .unwrap();
    Output::new(format!("RBOX_USERNS_REMAP={value} {arguments:?}"), output)
}
