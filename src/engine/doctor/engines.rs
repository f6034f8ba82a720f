//! Other engines on the machine.

use std::path::Path;

use super::Finding;

/// What shows that somebody is here, and who.
const SIGNS: [(&str, &str); 6] = [
    ("/run/docker.sock", "Docker"),
    ("/run/containerd/containerd.sock", "containerd"),
    ("/run/podman", "Podman"),
    ("/run/crio/crio.sock", "CRI-O"),
    ("/var/lib/kubelet", "Kubernetes"),
    ("/sys/class/net/lxcbr0", "LXC"),
];

pub fn examine() -> Vec<Finding> {
    let here: Vec<&str> = SIGNS
        .into_iter()
        .filter(|(path, _)| Path::new(path).exists())
        .map(|(_, name)| name)
        .collect();
    let found = match here.is_empty() {
        true => "none".to_owned(),
        false => format!(
            "{}: no harm, but a host port is whoever's takes it first",
            here.join(", ")
        ),
    };
    vec![Finding::ok("other engines", found)]
}
