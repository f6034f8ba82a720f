//! /dev.

use oci_spec::runtime::{LinuxDevice, LinuxDeviceType};
use rbox_runtime::spec::defaults;

use crate::support::{Trial, alpine, apart};

#[test]
fn dev_holds_dockers_nodes_and_links() {
    let Some(image) = alpine("devices::dev_holds_dockers_nodes_and_links") else {
        return;
    };
    apart("dev_holds_dockers_nodes_and_links", || {
        let script = "cd /dev; stat -c '%n %A %t,%T' null zero full random urandom tty; \
                      for l in fd stdin stdout stderr ptmx; do readlink $l; done; \
                      stat -c '%n %A' mqueue shm pts; echo x > null && wc -c < /dev/null";
        assert_eq!(
            Trial::shell(&image, script).output(),
            "null crw-rw-rw- 1,3\nzero crw-rw-rw- 1,5\nfull crw-rw-rw- 1,7\n\
             random crw-rw-rw- 1,8\nurandom crw-rw-rw- 1,9\ntty crw-rw-rw- 5,0\n\
             /proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n\
             mqueue drwxrwxrwt\nshm drwxrwxrwt\npts drwxr-xr-x\n0\n"
        );
    });
}

#[test]
fn extra_devices_have_the_owner_and_mode_asked_for() {
    let Some(image) = alpine("devices::extra_devices") else {
        return;
    };
    apart("extra_devices", || {
        let mut device = LinuxDevice::default();
        device
            .set_path("/dev/sub/xnull".into())
            .set_typ(LinuxDeviceType::C)
            .set_major(1)
            .set_minor(3)
            .set_file_mode(Some(0o020_640))
            .set_uid(Some(7))
            .set_gid(Some(8));
        let mut trial = Trial::shell(&image, "stat -c '%A %u %g %t,%T' /dev/sub/xnull");
        trial.linux(|linux| {
            linux.set_devices(Some(vec![device]));
        });
        assert_eq!(trial.output(), "crw-r----- 7 8 1,3\n");
    });
}

#[test]
fn devices_outside_of_the_list_cannot_be_opened() {
    let Some(image) = alpine("devices::devices_outside_of_the_list") else {
        return;
    };
    apart("devices_outside_of_the_list", || {
        let script =
            "mknod /tmp/kmsg c 1 11 && cat /tmp/kmsg; mknod /tmp/null c 1 3 && cat /tmp/null";
        let outcome = Trial::shell(&image, script).run();
        assert_eq!(
            outcome.stderr,
            "cat: can't open '/tmp/kmsg': Operation not permitted\n"
        );
        assert_eq!(outcome.code, 0);
    });
}

#[test]
fn a_bind_over_dev_is_left_as_it_is() {
    let Some(image) = alpine("devices::a_bind_over_dev") else {
        return;
    };
    apart("a_bind_over_dev", || {
        let mut trial = Trial::shell(&image, "ls -A /dev");
        let extra = trial.extra();
        std::fs::create_dir(extra.join("pts")).unwrap();
        let keep = ["/proc", "/sys"];
        let mut mounts = defaults::mounts(false);
        mounts.retain(|mount| {
            keep.iter()
                .any(|keep| mount.destination().as_os_str() == *keep)
        });
        trial.spec.set_mounts(Some(mounts));
        trial.linux(|linux| {
            linux.set_masked_paths(None);
        });
        trial.bind(&extra, "/dev", &[]);
        assert_eq!(trial.output(), "pts\n");
    });
}
