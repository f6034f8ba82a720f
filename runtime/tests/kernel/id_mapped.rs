//! Files that are seen with other owners than they have on disk.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use oci_spec::runtime::LinuxIdMapping;
use rbox_runtime::rootfs::idmap::{self, IdMapError};
use rbox_runtime::rootfs::overlay::{self, Handover, OverlayError, Writable};
use rbox_runtime::spec::defaults::id_mapping;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, openat, statat};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};

use crate::support::{apart, skip};

/// Ids 0 to 65535 as 500000 and so on.
pub fn shifted() -> [LinuxIdMapping; 1] {
    [id_mapping(0, 500_000, 65_536)]
}

pub fn clone_tree(path: &Path, flags: OpenTreeFlags) -> OwnedFd {
    let flags = flags | OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(rustix::fs::CWD, path, flags).unwrap()
}

/// A namespace of the shifted ids, or `None` after saying that the kernel has
/// no id-mapped mounts.
pub fn shifting(test: &str, directory: &Path) -> Option<OwnedFd> {
    let userns = idmap::user_namespace(&shifted(), &shifted()).unwrap();
    let tree = clone_tree(directory, OpenTreeFlags::empty());
    match idmap::apply(tree.as_fd(), userns.as_fd(), false) {
        Ok(()) => Some(userns),
        Err(error) => {
            skip(test, &error.to_string());
            None
        }
    }
}

fn owner(directory: impl AsFd, name: &str) -> (u32, u32) {
    let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    (stat.st_uid, stat.st_gid)
}

pub fn owner_of(path: &Path) -> (u32, u32) {
    let metadata = path.symlink_metadata().unwrap();
    (metadata.uid(), metadata.gid())
}

#[test]
fn a_mapped_mount_shows_other_owners_and_stores_the_real_ones() {
    apart("a_mapped_mount_shows_other_owners", || {
        let directory = tempfile::tempdir().unwrap();
        let Some(userns) = shifting("id_mapped::a_mapped_mount", directory.path()) else {
            return;
        };
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        chown(&file, Some(7), Some(8)).unwrap();
        let foreign = directory.path().join("foreign");
        std::fs::write(&foreign, "").unwrap();
        chown(&foreign, Some(70_000), Some(70_000)).unwrap();
        let tree = clone_tree(directory.path(), OpenTreeFlags::empty());
        idmap::apply(tree.as_fd(), userns.as_fd(), false).unwrap();

        assert_eq!(owner(&tree, "file"), (500_007, 500_008));
        // What the mapping does not know belongs to nobody.
        assert_eq!(owner(&tree, "foreign"), (65_534, 65_534));
        // The host's root is not in the mapping and could own nothing here.
        let create = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let error = openat(&tree, "new", create, Mode::RUSR).unwrap_err();
        assert_eq!(error, Errno::OVERFLOW);
        let (uid, gid) = (Uid::from_raw(500_042), Gid::from_raw(500_043));
        rustix::fs::chownat(&tree, "file", Some(uid), Some(gid), AtFlags::empty()).unwrap();
        assert_eq!(owner_of(&file), (42, 43));
        // A mount is mapped once.
        let again = idmap::apply(tree.as_fd(), userns.as_fd(), false);
        assert!(matches!(again, Err(IdMapError::Mount { .. })), "{again:?}");
    });
}

#[test]
fn a_namespace_for_a_mapping_leaves_nobody_behind() {
    apart("a_namespace_for_a_mapping", || {
        let two = [id_mapping(0, 500_000, 10), id_mapping(10, 7, 3)];
        // `apart` checks that neither a child nor a descriptor is left.
        drop(idmap::user_namespace(&two, &shifted()).unwrap());
        let overlapping = [id_mapping(0, 500_000, 10), id_mapping(5, 7, 3)];
        let error = idmap::user_namespace(&shifted(), &overlapping).unwrap_err();
        assert_eq!(
            error.to_string(),
            "mapping of group ids 0:500000:10,5:7:3: invalid argument"
        );
    });
}

#[test]
fn a_filesystem_without_id_mapped_mounts_is_named() {
    apart("a_filesystem_without_id_mapped_mounts", || {
        let userns = idmap::user_namespace(&shifted(), &shifted()).unwrap();
        let tree = clone_tree(Path::new("/proc"), OpenTreeFlags::empty());
        assert_eq!(
            idmap::apply(tree.as_fd(), userns.as_fd(), false)
                .unwrap_err()
                .to_string(),
            "filesystem proc cannot be mounted with mapped ids on this kernel"
        );
    });
}

/// Two layers, an upper and a work directory.
struct Layers {
    directory: tempfile::TempDir,
    lower: Vec<PathBuf>,
}

impl Layers {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["low", "low/dir", "high", "upper", "work"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        std::fs::write(path("low/file"), "low").unwrap();
        chown(path("low/file"), Some(33), Some(44)).unwrap();
        std::fs::hard_link(path("low/file"), path("low/link")).unwrap();
        std::fs::write(path("low/dir/setuid"), "").unwrap();
        let mode = std::fs::Permissions::from_mode(0o4755);
        std::fs::set_permissions(path("low/dir/setuid"), mode).unwrap();
        std::fs::write(path("high/hidden"), "").unwrap();
        let lower = vec![path("low"), path("high")];
        chown(path("upper"), Some(500_000), Some(500_000)).unwrap();
        Self { directory, lower }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The container's view and what it leaves on disk.
    fn check(&self, merged: &OwnedFd) {
        assert_eq!(owner(merged, "."), (500_000, 500_000));
        assert_eq!(owner(merged, "file"), (500_033, 500_044));
        assert_eq!(owner(merged, "hidden"), (500_000, 500_000));
        let stat = statat(merged, "dir/setuid", AtFlags::empty()).unwrap();
        assert_eq!((stat.st_mode & 0o7777, stat.st_uid), (0o4755, 500_000));
        let numbers = ["file", "link"].map(|name| {
            let stat = statat(merged, name, AtFlags::empty()).unwrap();
            (stat.st_ino, stat.st_nlink)
        });
        assert_eq!(numbers[0], numbers[1]);
        assert_eq!(numbers[0].1, 2);
        // Copied up with the owner that was seen, and the layer is as it was.
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC;
        let file = openat(merged, "file", flags, Mode::empty()).unwrap();
        rustix::io::write(&file, b" and up").unwrap();
        assert_eq!(owner_of(&self.path("upper/file")), (500_033, 500_044));
        assert_eq!(owner_of(&self.path("low/file")), (33, 44));
        assert_eq!(std::fs::read(self.path("low/file")).unwrap(), b"low");
        let mode = Mode::from_raw_mode(0o755);
        rustix::fs::mkdirat(merged, "made", mode).unwrap();
        assert_eq!(owner_of(&self.path("upper/made")), (0, 0));
    }
}

fn mapped_layers(test: &str, handover: Handover) {
    apart(test, || {
        let layers = Layers::new();
        let Some(userns) = shifting(test, layers.directory.path()) else {
            return;
        };
        let before = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let merged = overlay::detached_mapped_by(
            handover,
            &layers.lower,
            &Writable::new(&layers.path("upper"), &layers.path("work")),
            userns.as_fd(),
        );
        match merged {
            Ok(merged) => layers.check(&merged),
            Err(OverlayError::Kernel { step, source, log })
                if handover == Handover::Descriptors && overlay::is_refused(&source) =>
            {
                skip(test, &format!("this kernel refuses {step}: {source}{log}"));
            }
            Err(error) => panic!("{error}"),
        }
        let after = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert_eq!(after, before, "mounts are left");
    });
}

#[test]
fn layers_given_as_descriptors_are_seen_with_mapped_owners() {
    mapped_layers(
        "id_mapped::layers_given_as_descriptors",
        Handover::Descriptors,
    );
}

#[test]
fn layers_attached_for_a_moment_are_seen_with_mapped_owners() {
    mapped_layers("id_mapped::layers_attached", Handover::Attached);
}

#[test]
fn layers_with_awkward_names_are_mapped_in_both_ways() {
    apart("layers_with_awkward_names", || {
        let layers = Layers::new();
        let test = "id_mapped::layers_with_awkward_names";
        let Some(userns) = shifting(test, layers.directory.path()) else {
            return;
        };
        let awkward = layers.path(&"a:b,c\\d".repeat(30)).join("x".repeat(200));
        std::fs::create_dir_all(&awkward).unwrap();
        std::fs::write(awkward.join("awkward"), "").unwrap();
        let mut lower = layers.lower.clone();
        lower.push(awkward);
        for handover in [Handover::Descriptors, Handover::Attached] {
            let (upper, work) = (layers.path("upper"), layers.path("work"));
            match overlay::detached_mapped_by(
                handover,
                &lower,
                &Writable::new(&upper, &work),
                userns.as_fd(),
            ) {
                Ok(merged) => assert_eq!(owner(&merged, "awkward"), (500_000, 500_000)),
                Err(error) if handover == Handover::Descriptors => skip(test, &error.to_string()),
                Err(error) => panic!("{error}"),
            }
        }
    });
}

#[test]
fn whichever_way_the_kernel_has_is_taken() {
    apart("whichever_way_the_kernel_has", || {
        let layers = Layers::new();
        let (upper, work) = (layers.path("upper"), layers.path("work"));
        let both = shifted();
        match overlay::detached_mapped(&layers.lower, &Writable::new(&upper, &work), &both, &both) {
            Ok(merged) => layers.check(&merged),
            Err(error @ OverlayError::Mapping { .. }) => {
                skip("id_mapped::whichever_way", &error.to_string());
            }
            Err(error) => panic!("{error}"),
        }
    });
}

#[test]
fn a_layer_on_a_filesystem_without_id_mapped_mounts_is_named() {
    apart("a_layer_on_a_filesystem_without_id_mapped_mounts", || {
        let layers = Layers::new();
        let (upper, work) = (layers.path("upper"), layers.path("work"));
        let error = overlay::detached_mapped(
            &[PathBuf::from("/proc/sys")],
            &Writable::new(&upper, &work),
            &shifted(),
            &shifted(),
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "overlay directory /proc/sys: filesystem proc cannot be mounted with mapped ids on \
             this kernel"
        );
    });
}

#[test]
fn an_attached_copy_keeps_its_mapping() {
    apart("an_attached_copy_keeps_its_mapping", || {
        let directory = tempfile::tempdir().unwrap();
        let Some(userns) = shifting("id_mapped::an_attached_copy", directory.path()) else {
            return;
        };
        let place = directory.path().join("place");
        std::fs::create_dir(&place).unwrap();
        let tree = clone_tree(directory.path(), OpenTreeFlags::empty());
        idmap::apply(tree.as_fd(), userns.as_fd(), false).unwrap();
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        move_mount(&tree, "", rustix::fs::CWD, &place, flags).unwrap();
        assert_eq!(owner_of(&place), (500_000, 500_000));
        unmount(&place, UnmountFlags::DETACH).unwrap();
        assert_eq!(owner_of(&place), (0, 0));
    });
}
