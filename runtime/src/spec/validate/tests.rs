//! What is taken and what is refused.

use super::linux::dotted_key;
use super::*;
use crate::spec::defaults;
use serde_json::{Value, json};

/// The default configuration with one JSON pointer replaced.
fn with(pointer: &str, value: Value) -> Result<(), ValidateError> {
    let mut config = serde_json::to_value(defaults::spec(false)).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() {
        &mut config
    } else {
        config.pointer_mut(parent).unwrap()
    };
    parent[key] = value;
    validate(&serde_json::from_value(config).unwrap())
}

fn text(pointer: &str, value: Value) -> String {
    with(pointer, value).unwrap_err().to_string()
}

#[test]
fn the_default_configuration_is_valid() {
    assert_eq!(validate(&defaults::spec(false)), Ok(()));
    assert_eq!(validate(&defaults::spec(true)), Ok(()));
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    assert_eq!(
        text("/linux/intelRdt", json!({"closID": "a"})),
        "linux.intelRdt is not supported"
    );
    assert_eq!(
        text("/linux/netDevices", json!({"eth0": {}})),
        "linux.netDevices is not supported"
    );
    let others = [
        ("vm", json!({"kernel": {"path": "/k"}})),
        ("zos", json!({"namespaces": []})),
        ("solaris", json!({"milestone": "a"})),
        ("windows", json!({"layerFolders": ["a"]})),
    ];
    for (name, value) in others {
        let error = text(&format!("/{name}"), value);
        assert_eq!(error, format!("{name} is not supported"));
    }
}

#[test]
fn hooks_and_maps_that_cannot_be_are_refused() {
    for (hook, error) in [
        (
            json!({"path": "true"}),
            "hooks.poststop[0].path must be an absolute path: \"true\"",
        ),
        (
            json!({"path": "/a", "timeout": 0}),
            "hooks.poststop[0].timeout: 0 is not above 0",
        ),
        (
            json!({"path": "/a", "env": ["A"]}),
            "hooks.poststop[0].env[0]: \"A\" is not NAME=VALUE",
        ),
    ] {
        assert_eq!(text("/hooks", json!({"poststop": [hook]})), error);
    }
    let spaces = json!([{"type": "mount"}, {"type": "user"}]);
    assert_eq!(
        text("/linux/namespaces", spaces),
        "linux.uidMappings is missing"
    );
    let maps = json!([{"hostID": 1000, "containerID": 0, "size": 1}]);
    assert_eq!(
        text("/linux/uidMappings", maps),
        "linux.uidMappings: it needs a user namespace"
    );
}

#[test]
fn empty_hooks_ask_for_nothing() {
    assert_eq!(with("/hooks", json!({"poststop": []})), Ok(()));
}

#[test]
fn sysctls_of_the_host_are_refused() {
    assert_eq!(
        text("/linux/sysctl", json!({"kernel.panic": "1"})),
        "sysctl \"kernel.panic\" is not in a separate kernel namespace"
    );
    assert_eq!(
        with("/linux/sysctl", json!({"net/ipv4/ip_forward": "1"})),
        Ok(())
    );
    assert!(with("/linux/sysctl", json!({"net.../../kernel/panic": "1"})).is_err());
    let mut spec = defaults::spec(false);
    let mut linux = spec.linux().clone().unwrap();
    let mut namespaces = linux.namespaces().clone().unwrap();
    namespaces.retain(|n| n.typ() != oci_spec::runtime::LinuxNamespaceType::Network);
    linux.set_namespaces(Some(namespaces));
    linux.set_sysctl(Some([("net.ipv4.ip_forward".into(), "1".into())].into()));
    spec.set_linux(Some(linux));
    assert_eq!(
        validate(&spec).unwrap_err().to_string(),
        "sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace"
    );
}

#[test]
fn a_process_needs_arguments_and_an_absolute_directory() {
    assert_eq!(text("/process/args", json!([])), "process.args is missing");
    assert_eq!(
        text("/process/cwd", json!("rel")),
        "Cwd must be an absolute path"
    );
    assert!(with("/process/args", json!(["a\u{0}b"])).is_err());
}

#[test]
fn dotted_and_slashed_keys_are_the_same() {
    assert_eq!(
        dotted_key("net/ipv4/conf/eth0.1/forwarding"),
        "net.ipv4.conf.eth0/1.forwarding"
    );
    assert_eq!(dotted_key("net.ipv4.ip_forward"), "net.ipv4.ip_forward");
}
