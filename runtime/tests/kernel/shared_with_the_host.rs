//! What a container shares with the host is not changed behind its back.

use oci_spec::runtime::{LinuxNamespaceBuilder, LinuxNamespaceType};
use rustix::mount::{MountFlags, MountPropagationFlags, mount_bind, mount_change, mount_remount};

use crate::support::{Trial, alpine, apart};

#[test]
fn nothing_of_the_host_is_changed_through_its_own_namespaces() {
    let Some(image) = alpine("shared_with_the_host::nothing_of_the_host_is_changed") else {
        return;
    };
    apart("nothing_of_the_host_is_changed", || {
        // A path to the caller's own namespace is no namespace of its own.
        let with_own = |kind: LinuxNamespaceType, file: &str| {
            let mut trial = Trial::new(&image, &["true"]);
            trial.linux(|linux| {
                let mut namespaces = linux.namespaces().clone().unwrap();
                namespaces.retain(|one| one.typ() != kind);
                let own = LinuxNamespaceBuilder::default()
                    .typ(kind)
                    .path(format!("/proc/{}/ns/{file}", std::process::id()));
                namespaces.push(own.build().unwrap());
                linux.set_namespaces(Some(namespaces)).set_sysctl(None);
            });
            trial
        };
        let mut trial = with_own(LinuxNamespaceType::Network, "net");
        trial.linux(|linux| {
            linux.set_sysctl(Some([("net.ipv4.ip_forward".into(), "1".into())].into()));
        });
        assert_eq!(
            trial.failure().1,
            "sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace"
        );
        let mut trial = with_own(LinuxNamespaceType::Ipc, "ipc");
        trial.linux(|linux| {
            linux.set_sysctl(Some([("kernel.msgmax".into(), "9".into())].into()));
        });
        assert_eq!(
            trial.failure().1,
            "sysctl \"kernel.msgmax\" not allowed in host ipc namespace"
        );
        let mut trial = with_own(LinuxNamespaceType::Uts, "uts");
        trial.spec.set_hostname(Some("boxed".into()));
        assert_eq!(
            trial.failure().1,
            "hostname: \"boxed\" needs a uts namespace"
        );
        let trial = with_own(LinuxNamespaceType::Mount, "mnt");
        assert_eq!(
            trial.failure().1,
            "container without a mount namespace is not supported"
        );
        // Without such wishes they may be shared.
        with_own(LinuxNamespaceType::Network, "net").output();
    });
}

#[test]
fn the_roots_propagation_is_the_configurations() {
    let Some(image) = alpine("shared_with_the_host::the_roots_propagation") else {
        return;
    };
    apart("the_roots_propagation", || {
        for (word, shown) in [
            ("shared", "shared:"),
            ("rshared", "shared:"),
            ("slave", "master:"),
            ("rslave", "master:"),
            ("private", "-"),
            ("rprivate", "-"),
            ("unbindable", "unbindable"),
            ("", "-"),
        ] {
            let mut trial = Trial::new(&image, &["cat", "/proc/self/mountinfo"]);
            let root = trial.directory.path().join("rootfs");
            std::fs::create_dir(&root).unwrap();
            // Only looked at: the image itself, read-only.
            mount_bind(&image, &root).unwrap();
            mount_remount(&root, MountFlags::BIND | MountFlags::RDONLY, c"").unwrap();
            mount_change(&root, MountPropagationFlags::SHARED).unwrap();
            trial.linux(|linux| {
                linux.set_rootfs_propagation(Some(word.to_owned()));
            });
            let table = trial.plain_root().output();
            let top = table
                .lines()
                .find(|line| line.split(' ').nth(4) == Some("/"));
            let field = top.unwrap().split(' ').nth(6).unwrap();
            assert!(field.starts_with(shown), "{word}: {}", top.unwrap());
            rustix::mount::unmount(&root, rustix::mount::UnmountFlags::DETACH).unwrap();
        }
        let mut trial = Trial::new(&image, &["true"]);
        trial.linux(|linux| {
            linux.set_rootfs_propagation(Some("nonsense".to_owned()));
        });
        assert_eq!(
            trial.failure().1,
            "linux.rootfsPropagation: \"nonsense\" is no kind of propagation"
        );
    });
}
