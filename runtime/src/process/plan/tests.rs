//! The order of operations, which is what isolation rests on.

use super::*;
use crate::spec::defaults;

/// The names of the operations for a changed default configuration.
fn names(
    terminal: Option<WindowSize>,
    drop_later: bool,
    change: impl FnOnce(&mut Spec),
) -> Vec<String> {
    let mut spec = defaults::spec(false);
    change(&mut spec);
    let linux = spec.linux().clone().unwrap();
    let process = spec.process().clone().unwrap();
    let namespaces = Namespaces::of(&linux).unwrap();
    let input = ContainerInput {
        bundle: Path::new("/bundle"),
        spec: &spec,
        linux: &linux,
        process: &process,
        namespaces: &namespaces,
        cgroup: "/rbox/abc",
        awaits_cgroup: false,
        hierarchies: &[],
        terminal,
        sets: Sets::default(),
        attributes: Vec::new(),
        clocks: None,
        drop_later,
        die_with_parent: true,
        no_pivot: false,
        no_new_keyring: false,
        awaits_hooks: false,
        notes_pid: false,
    };
    let joined = namespaces
        .joined()
        .map(|(kind, _)| (kind, std::fs::File::open("/dev/null").unwrap().into()))
        .collect();
    let list = container(&input, Vec::new(), joined, None).unwrap();
    let name = |operation| {
        let text = format!("{operation:?}");
        text.chars().take_while(|c| c.is_alphanumeric()).collect()
    };
    list.iter().map(name).collect()
}

fn at(list: &[String], name: &str) -> usize {
    let found = list.iter().position(|one| one == name);
    found.unwrap_or_else(|| panic!("{name} is not in {list:?}"))
}

#[test]
fn a_plain_container_goes_through_these_steps() {
    let list = names(None, true, |_| {});
    assert_eq!(
        list,
        [
            "NewCgroupNamespace",
            "NewSession",
            "NewKeyring",
            "SeparateFromHost",
            "AttachRoot",
            "Mount",
            "Mount",
            "Mount",
            "Mount",
            "Mount",
            "Mount",
            "Mount",
            "MakeDevices",
            "MakeDeviceLinks",
            "SetSysctl",
            "SetSysctl",
            "PivotRoot",
            "ProtectPaths",
            "HidePaths",
            "PlaceStdio",
            "CloseDescriptors",
            "SetUmask",
            "ChangeDirectory",
            "ChangeUser",
            "ChangeDirectory",
            "DieWithParent",
        ]
    );
}

#[test]
fn the_working_directory_is_made_before_the_root_becomes_read_only() {
    let list = names(None, true, |spec| {
        let mut root = spec.root().clone().unwrap();
        root.set_readonly(Some(true));
        spec.set_root(Some(root));
        let mut process = spec.process().clone().unwrap();
        process.set_cwd("/work".into());
        spec.set_process(Some(process));
    });
    assert!(at(&list, "PivotRoot") < at(&list, "MakeWorkingDirectory"));
    assert!(at(&list, "MakeWorkingDirectory") < at(&list, "MakeRootReadOnly"));
}

#[test]
fn descriptors_of_the_host_are_closed_before_any_path_of_the_container_is_entered() {
    let list = names(Some(WindowSize::default()), false, |_| {});
    assert!(at(&list, "OpenTerminal") < at(&list, "PivotRoot"));
    assert!(at(&list, "CloseDescriptors") < at(&list, "ChangeDirectory"));
    assert!(at(&list, "ChangeUser") < at(&list, "DropCapabilities"));
    assert!(at(&list, "DropCapabilities") < at(&list, "DieWithParent"));
}

#[test]
fn a_joined_mount_namespace_is_entered_after_the_last_write_to_proc() {
    let list = names(None, true, |spec| {
        let mut linux = spec.linux().clone().unwrap();
        let mut namespaces = linux.namespaces().clone().unwrap();
        namespaces.retain(|one| one.typ() != oci_spec::runtime::LinuxNamespaceType::Mount);
        let mut mount = defaults::namespace(oci_spec::runtime::LinuxNamespaceType::Mount);
        mount.set_path(Some("/proc/1/ns/mnt".into()));
        namespaces.push(mount);
        linux.set_namespaces(Some(namespaces));
        spec.set_linux(Some(linux));
    });
    let last = list.iter().rposition(|name| name == "SetSysctl").unwrap();
    assert!(last < at(&list, "JoinNamespace"));
    for absent in ["SeparateFromHost", "Mount", "PivotRoot"] {
        assert!(
            !list.contains(&absent.to_owned()),
            "{absent} would change another's mounts"
        );
    }
}

#[test]
fn sysctl_keys_become_paths() {
    assert_eq!(sysctl_path("net.ipv4.ip_forward"), "net/ipv4/ip_forward");
    assert_eq!(
        sysctl_path("net.ipv4.conf.eth0/1.x"),
        "net/ipv4/conf/eth0.1/x"
    );
    assert_eq!(
        sysctl_path("net/ipv4/conf/eth0.1/x"),
        "net/ipv4/conf/eth0.1/x"
    );
}
