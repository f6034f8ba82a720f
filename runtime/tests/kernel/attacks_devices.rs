//! An image that brings its own /dev.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rbox_runtime::spec::defaults;
use rustix::fs::{CWD, FileType, makedev, mknodat};

use crate::support::{Trial, alpine, apart};

/// A container whose /dev is the image's, where `name` is what `make` makes.
fn with_own_dev(image: &Path, name: &str, make: impl FnOnce(&Path)) -> Trial {
    let mut trial = Trial::shell(image, "stat -c '%F %t,%T' /dev/urandom /dev/null");
    let mut mounts = defaults::mounts(false);
    mounts.retain(|mount| mount.destination().as_os_str() == "/proc");
    trial.spec.set_mounts(Some(mounts));
    let layer = trial.layer();
    fs::create_dir(layer.join("dev")).unwrap();
    make(&layer.join("dev").join(name));
    trial
}

#[test]
fn nodes_that_the_image_made_up_are_refused() {
    let Some(image) = alpine("attacks_devices::nodes_that_the_image_made_up") else {
        return;
    };
    apart("nodes_that_the_image_made_up", || {
        let node = |place: &Path, minor| {
            let kind = FileType::CharacterDevice;
            mknodat(CWD, place, kind, 0o666.into(), makedev(1, minor)).unwrap();
        };
        let refused = |trial: &Trial, name: &str| {
            let text = trial.failure().1;
            let wanted = format!(
                "error during container init: making device /dev/{name}: the root filesystem has \
                 something else there"
            );
            assert_eq!(text, wanted);
        };
        // Numbers that are all zero are no randomness.
        refused(
            &with_own_dev(&image, "urandom", |place| node(place, 5)),
            "urandom",
        );
        refused(
            &with_own_dev(&image, "null", |place| fs::write(place, "").unwrap()),
            "null",
        );
        let link = |place: &Path| symlink("/proc/sys/kernel/core_pattern", place).unwrap();
        refused(&with_own_dev(&image, "random", link), "random");
        let trial = with_own_dev(&image, "urandom", |place| node(place, 9));
        let devices = "character special file 1,9\ncharacter special file 1,3\n";
        assert_eq!(trial.output(), devices);
    });
}

#[test]
fn a_device_that_the_user_binds_over_another_stays() {
    let Some(image) = alpine("attacks_devices::a_device_that_the_user_binds") else {
        return;
    };
    apart("a_device_that_the_user_binds", || {
        let mut trial = Trial::shell(&image, "stat -c '%F %t,%T' /dev/random");
        trial.bind(Path::new("/dev/urandom"), "/dev/random", &[]);
        assert_eq!(trial.output(), "character special file 1,9\n");
    });
}
