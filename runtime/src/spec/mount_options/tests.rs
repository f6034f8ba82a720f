//! Words and what they become.

use super::*;
use MountAttrFlags as A;

fn parse(options: &str) -> MountOptions {
    MountOptions::parse(&options.split(',').collect::<Vec<_>>()).unwrap()
}

#[test]
fn flags_and_filesystem_data_are_told_apart() {
    let options = parse("nosuid,strictatime,mode=755,size=65536k");
    assert_eq!(
        options.set,
        A::MOUNT_ATTR_NOSUID | A::MOUNT_ATTR_STRICTATIME
    );
    assert_eq!(options.data, "mode=755,size=65536k");
    assert_eq!(
        options.mount_flags(),
        MountFlags::NOSUID | MountFlags::STRICTATIME
    );
}

#[test]
fn the_last_of_two_contradicting_words_wins() {
    assert_eq!(parse("ro,rw").set, A::empty());
    assert_eq!(parse("ro,rw").clear, A::MOUNT_ATTR_RDONLY);
    assert_eq!(parse("rw,ro").set, A::MOUNT_ATTR_RDONLY);
    assert_eq!(parse("rw,ro").clear, A::empty());
}

#[test]
fn a_bind_with_recursive_read_only_and_propagation() {
    let options = parse("rbind,rro,rslave");
    assert_eq!(options.bind, Some(Bind::Recursive));
    assert_eq!(options.recursive_set, A::MOUNT_ATTR_RDONLY);
    let wanted = Propagation {
        kind: libc::MS_SLAVE,
        recursive: true,
    };
    assert_eq!(options.propagation, Some(wanted));
    assert_eq!(options.data, "");
}

#[test]
fn relatime_is_not_taken_for_a_recursive_word() {
    assert_eq!(parse("relatime").recursive_clear, A::empty());
    assert_eq!(parse("rw").recursive_clear, A::empty());
}

#[test]
fn the_wider_of_the_two_id_mapping_words_counts() {
    assert_eq!(parse("bind").id_map, None);
    assert_eq!(parse("bind,idmap").id_map, Some(Bind::Single));
    assert_eq!(parse("ridmap,rbind,idmap").id_map, Some(Bind::Recursive));
    assert_eq!(parse("ridmap").data, "");
}

/// The refusal of these options for a mount of that type.
fn refused(kind: &str, options: &str) -> String {
    let parsed = MountOptions::parse(&options.split(',').collect::<Vec<_>>());
    let checked = parsed.and_then(|options| options.check(kind));
    checked.unwrap_err().to_string()
}

#[test]
fn flags_of_a_filesystem_are_set_and_taken_back() {
    assert_eq!(
        parse("sync,dirsync,lazytime,silent").filesystem,
        MountFlags::SYNCHRONOUS | MountFlags::DIRSYNC | MountFlags::LAZYTIME | MountFlags::SILENT
    );
    assert_eq!(parse("iversion").filesystem.bits(), 1 << 23);
    let back = "sync,async,lazytime,nolazytime,iversion,noiversion,silent,loud";
    assert_eq!(parse(back).filesystem, MountFlags::empty());
    assert!(parse("remount").remount);
}

#[test]
fn recursive_words_come_after_the_others() {
    assert_eq!(parse("rrw,ro,nodev").whole(), A::MOUNT_ATTR_NODEV);
    assert_eq!(parse("rro,rw").whole(), A::MOUNT_ATTR_RDONLY);
}

#[test]
fn what_has_no_meaning_for_a_mount_is_refused() {
    for (kind, options, refusal) in [
        ("none", "bind,sync", "sync has no meaning for a bind"),
        ("bind", "size=1", "size=1 has no meaning for a bind"),
        (
            "none",
            "rbind,tmpcopyup",
            "tmpcopyup has no meaning for a bind",
        ),
        (
            "proc",
            "tmpcopyup",
            "tmpcopyup has no meaning for a filesystem other than tmpfs",
        ),
        (
            "tmpfs",
            "tmpcopyup,remount",
            "tmpcopyup has no meaning for a remount",
        ),
        (
            "cgroup",
            "ro,cpu",
            "cpu has no meaning for the container's cgroups",
        ),
        (
            "tmpfs",
            "mand",
            "mand needs mandatory locks, which Linux 5.15 gave up",
        ),
    ] {
        assert_eq!(refused(kind, options), format!("mount option {refusal}"));
    }
    assert_eq!(parse("bind,ro,silent,rprivate").check("none"), Ok(()));
    assert_eq!(parse("ro,sync,size=1").check("ext4"), Ok(()));
}
