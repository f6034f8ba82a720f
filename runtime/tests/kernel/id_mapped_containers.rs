//! Containers that see files with other owners than they have on disk.

use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use oci_spec::runtime::LinuxNamespaceType;
use rbox_runtime::rootfs::idmap;
use rbox_runtime::spec::defaults::{self, id_mapping};
use rustix::mount::{MountFlags, OpenTreeFlags, UnmountFlags, mount, unmount};

use crate::id_mapped::{clone_tree, owner_of, shifted, shifting};
use crate::support::{Trial, alpine, apart, skip};

/// A trial with a bind of its extra directory at /d.
fn binding(image: &Path, script: &str, options: &[&str]) -> Trial {
    let mut trial = Trial::shell(image, script);
    let extra = trial.extra();
    // A directory whose owner the mapping does not know cannot be written at all.
    chown(&extra, Some(500_000), Some(500_000)).unwrap();
    std::fs::write(extra.join("f"), "").unwrap();
    chown(extra.join("f"), Some(500_007), Some(500_008)).unwrap();
    let mut all = vec!["rbind"];
    all.extend(options);
    let mut mount = defaults::mount("/d", "bind", extra.to_str().unwrap(), &all);
    // Owners 500000 and so on, on disk, are root and so on in the container.
    let back = vec![id_mapping(500_000, 0, 65_536)];
    mount
        .set_uid_mappings(Some(back.clone()))
        .set_gid_mappings(Some(back));
    trial.mount(mount);
    trial
}

#[test]
fn a_bind_with_mappings_of_its_own_shows_and_stores_mapped_owners() {
    let Some(image) = alpine("id_mapped::a_bind_with_mappings") else {
        return;
    };
    apart("a_bind_with_mappings", || {
        let trial = binding(&image, "stat -c %u:%g /d/f; touch /d/new", &["idmap"]);
        let test = "id_mapped::a_bind_with_mappings";
        if shifting(test, &trial.extra()).is_none() {
            return;
        }
        assert_eq!(trial.output(), "7:8\n");
        assert_eq!(owner_of(&trial.extra().join("new")), (500_000, 500_000));
    });
}

#[test]
fn ridmap_maps_the_mounts_below_and_idmap_does_not() {
    let Some(image) = alpine("id_mapped::ridmap") else {
        return;
    };
    apart("ridmap", || {
        for (option, expected) in [("idmap", "500009\n"), ("ridmap", "9\n")] {
            let trial = binding(&image, "stat -c %u /d/sub/g", &[option]);
            if shifting("id_mapped::ridmap", &trial.extra()).is_none() {
                return;
            }
            let sub = trial.extra().join("sub");
            std::fs::create_dir(&sub).unwrap();
            mount("tmpfs", &sub, "tmpfs", MountFlags::empty(), None).unwrap();
            std::fs::write(sub.join("g"), "").unwrap();
            chown(sub.join("g"), Some(500_009), Some(500_009)).unwrap();
            let tree = clone_tree(&sub, OpenTreeFlags::empty());
            let userns = idmap::user_namespace(&shifted(), &shifted()).unwrap();
            if let Err(error) = idmap::apply(tree.as_fd(), userns.as_fd(), false) {
                skip("id_mapped::ridmap", &error.to_string());
            } else {
                assert_eq!(trial.output(), expected, "{option}");
            }
            unmount(&sub, UnmountFlags::DETACH).unwrap();
        }
    });
}

#[test]
fn a_source_that_cannot_be_mapped_is_refused_by_name() {
    let Some(image) = alpine("id_mapped::a_source_that_cannot") else {
        return;
    };
    apart("a_source_that_cannot", || {
        let mut trial = Trial::new(&image, &["true"]);
        let mut mount = defaults::mount("/p", "bind", "/proc/sys", &["rbind", "idmap"]);
        mount
            .set_uid_mappings(Some(shifted().to_vec()))
            .set_gid_mappings(Some(shifted().to_vec()));
        trial.mount(mount);
        assert_eq!(
            trial.failure().1,
            "error mounting \"/proc/sys\" to rootfs at \"/p\": filesystem proc cannot be mounted \
             with mapped ids on this kernel"
        );
    });
}

/// A trial in a user namespace of the shifted ids, on layers that are seen with them.
fn inside(image: &Path, script: &str) -> Trial {
    let mut trial = Trial::shell(image, script);
    trial.map_layers().linux(|linux| {
        let mut namespaces = linux.namespaces().clone().unwrap();
        namespaces.push(defaults::namespace(LinuxNamespaceType::User));
        linux
            .set_namespaces(Some(namespaces))
            // Its value names groups that are not mapped.
            .set_sysctl(None)
            .set_uid_mappings(Some(shifted().to_vec()))
            .set_gid_mappings(Some(shifted().to_vec()));
    });
    chown(trial.upper(), Some(500_000), Some(500_000)).unwrap();
    trial
}

/// A layer of files that a container changes.
fn layer(trial: &mut Trial) -> PathBuf {
    let layer = trial.layer();
    std::fs::create_dir(layer.join("d")).unwrap();
    for name in ["d/one", "d/of-a-user"] {
        std::fs::write(layer.join(name), "content\n").unwrap();
    }
    chown(layer.join("d/of-a-user"), Some(1000), Some(1001)).unwrap();
    std::fs::hard_link(layer.join("d/one"), layer.join("d/two")).unwrap();
    layer
}

#[test]
fn shared_layers_belong_to_root_of_the_container() {
    let Some(image) = alpine("id_mapped_containers::shared_layers") else {
        return;
    };
    apart("shared_layers", || {
        let script = "stat -c '%u:%g %h %n' / /bin/busybox /d/*; \
                      ln /d/one /d/three; chown 7 /d/of-a-user; echo more >> /d/two; mkdir /made; \
                      stat -c '%u:%g %h' /d/three /d/of-a-user";
        let mut trial = inside(&image, script);
        if shifting("id_mapped_containers::shared_layers", &image).is_none() {
            return;
        }
        let layer = layer(&mut trial);
        let output = trial.output();
        let lines: Vec<&str> = output.lines().collect();
        assert!(
            lines[0].starts_with("0:0 ") && lines[0].ends_with(" /"),
            "{output}"
        );
        assert!(lines[1].starts_with("0:0 "), "{output}");
        assert_eq!(
            lines[2..],
            [
                "1000:1001 1 /d/of-a-user",
                "0:0 2 /d/one",
                "0:0 2 /d/two",
                "0:0 2",
                "7:1001 1"
            ]
        );
        // On disk: in the writable layer the host's ids, in the shared one what was.
        let upper = trial.upper();
        assert_eq!(owner_of(&upper.join("made")), (500_000, 500_000));
        assert_eq!(owner_of(&upper.join("d/of-a-user")), (500_007, 501_001));
        assert_eq!(owner_of(&layer.join("d/of-a-user")), (1000, 1001));
        assert_eq!(std::fs::read(layer.join("d/two")).unwrap(), b"content\n");
    });
}

#[test]
fn a_setuid_program_of_a_layer_makes_root_of_the_container() {
    let Some(image) = alpine("id_mapped_containers::a_setuid_program") else {
        return;
    };
    apart("a_setuid_program", || {
        // Unlike busybox it does not drop what it is given.
        let script = "/iconv.suid -f utf8 -t utf8 /secret; cat /secret";
        let mut trial = inside(&image, script);
        if shifting("id_mapped_containers::a_setuid_program", &image).is_none() {
            return;
        }
        let layer = trial.layer();
        std::fs::copy(image.join("usr/bin/iconv"), layer.join("iconv.suid")).unwrap();
        std::fs::write(layer.join("secret"), "for root\n").unwrap();
        for (name, mode) in [("iconv.suid", 0o4755), ("secret", 0o600)] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(layer.join(name), mode).unwrap();
        }
        trial.user(1000, 1000);
        let outcome = trial.run();
        assert_eq!(outcome.stdout, "for root\n", "{outcome:?}");
        assert_eq!(
            outcome.stderr,
            "cat: can't open '/secret': Permission denied\n"
        );
    });
}

#[test]
fn idmap_alone_takes_the_mapping_of_the_container() {
    let Some(image) = alpine("id_mapped_containers::idmap_alone") else {
        return;
    };
    apart("idmap_alone", || {
        let script = "stat -c %u:%g /plain/f /mapped/f; touch /mapped/new; touch /plain/new";
        let mut trial = inside(&image, script);
        let extra = trial.extra();
        if shifting("id_mapped_containers::idmap_alone", &extra).is_none() {
            return;
        }
        std::fs::write(extra.join("f"), "").unwrap();
        chown(extra.join("f"), Some(7), Some(8)).unwrap();
        trial
            .bind(&extra, "/plain", &[])
            .bind(&extra, "/mapped", &["idmap"]);
        let outcome = trial.run();
        assert_eq!(outcome.stdout, "65534:65534\n7:8\n");
        assert_eq!(outcome.stderr, "touch: /plain/new: Permission denied\n");
        assert_eq!(owner_of(&extra.join("new")), (0, 0));
    });
}
