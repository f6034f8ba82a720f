//! Settings, triggers and secrets of the kernel in /proc and /sys.

use rbox_runtime::spec::defaults;

use crate::support::{Trial, alpine, apart, attacker};

#[test]
fn no_file_of_the_kernel_can_be_written() {
    let Some(image) = alpine("attacks_kernel_files::no_file_of_the_kernel") else {
        return;
    };
    apart("no_file_of_the_kernel", || {
        attacker(&image, "write every kernel file").withstands();
    });
}

#[test]
fn what_is_masked_reads_as_nothing() {
    let Some(image) = alpine("attacks_kernel_files::what_is_masked") else {
        return;
    };
    apart("what_is_masked", || {
        attacker(&image, "read hidden kernel files").withstands();
    });
}

#[test]
fn masks_and_protection_hold_by_every_name() {
    let Some(image) = alpine("attacks_kernel_files::masks_and_protection") else {
        return;
    };
    apart("masks_and_protection", || {
        attacker(&image, "reach masks by other names").withstands();
    });
}

#[test]
fn what_is_mounted_below_is_masked_and_protected_too() {
    let Some(image) = alpine("attacks_kernel_files::what_is_mounted_below") else {
        return;
    };
    apart("what_is_mounted_below", || {
        let script = "touch /kept/x /kept/below/x /kept/volume/x; ls -A /hidden; \
                      stat -f -c %T /hidden; umount /hidden; mount -o remount,rw,bind /kept";
        let mut trial = Trial::shell(&image, script);
        let layer = trial.layer();
        for directory in ["kept/below", "kept/volume", "hidden/below"] {
            std::fs::create_dir_all(layer.join(directory)).unwrap();
        }
        trial.mount(defaults::mount("/kept/below", "tmpfs", "tmpfs", &[]));
        trial.mount(defaults::mount("/hidden/below", "tmpfs", "tmpfs", &[]));
        let volume = trial.extra();
        trial.bind(&volume, "/kept/volume", &["rw"]);
        trial.linux(|linux| {
            linux
                .set_masked_paths(Some(vec!["/hidden".into()]))
                .set_readonly_paths(Some(vec!["/kept".into()]));
        });
        let outcome = trial.run();
        assert_eq!(outcome.stdout, "tmpfs\n");
        let refused = outcome.stderr.matches("Read-only file system").count();
        assert_eq!(refused, 3, "{outcome:?}");
        assert_eq!(std::fs::read_dir(volume).unwrap().count(), 0);
        assert_ne!(outcome.code, 0);
    });
}
