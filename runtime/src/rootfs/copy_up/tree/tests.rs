//! Copies of small trees; what takes root is tried in containers.

use std::fs;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt, symlink};

use super::*;

fn open(path: &Path) -> OwnedFd {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).unwrap()
}

/// Fills the source by `fill` and copies it.
fn copied(fill: impl FnOnce(&Path)) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    fs::create_dir(&from).unwrap();
    fs::create_dir(&to).unwrap();
    fill(&from);
    copy(open(&from).as_fd(), open(&to).as_fd()).unwrap();
    (directory, to)
}

#[test]
fn files_modes_times_and_links_are_as_before() {
    let (_directory, to) = copied(|from| {
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/file"), "content").unwrap();
        let mode = fs::Permissions::from_mode(0o4751);
        fs::set_permissions(from.join("a/b/file"), mode).unwrap();
        fs::hard_link(from.join("a/b/file"), from.join("a/other")).unwrap();
        symlink("/etc/passwd", from.join("a/link")).unwrap();
        symlink("nowhere", from.join("dangling")).unwrap();
        let past = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        let directory = fs::File::open(from.join("a")).unwrap();
        directory.set_times(past).unwrap();
        fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o1711)).unwrap();
    });
    assert_eq!(fs::read_to_string(to.join("a/b/file")).unwrap(), "content");
    let file = fs::metadata(to.join("a/b/file")).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o4751);
    let other = fs::metadata(to.join("a/other")).unwrap();
    assert_eq!((file.ino(), file.nlink()), (other.ino(), 2));
    let target = |name: &str| fs::read_link(to.join(name)).unwrap();
    assert_eq!(target("a/link"), Path::new("/etc/passwd"));
    assert_eq!(target("dangling"), Path::new("nowhere"));
    let directory = fs::metadata(to.join("a")).unwrap();
    assert_eq!((directory.mtime(), directory.mode() & 0o7777), (0, 0o1711));
    assert_eq!(fs::read_dir(&to).unwrap().count(), 2);
}

#[test]
fn holes_stay_holes() {
    let (_directory, to) = copied(|from| {
        let file = fs::File::create(from.join("sparse")).unwrap();
        file.set_len(1 << 40).unwrap();
        file.write_at(b"x", 1 << 30).unwrap();
    });
    let copy = fs::metadata(to.join("sparse")).unwrap();
    assert_eq!(copy.len(), 1 << 40);
    assert!(copy.blocks() < 1000, "{} blocks", copy.blocks());
    let mut byte = [0];
    let file = fs::File::open(to.join("sparse")).unwrap();
    file.read_at(&mut byte, 1 << 30).unwrap();
    assert_eq!(&byte, b"x");
}

#[test]
fn a_tree_deeper_than_descriptors_reach_is_copied() {
    let deep = |top: &Path| top.join("d/".repeat(1100));
    let (_directory, to) = copied(|from| fs::create_dir_all(deep(from)).unwrap());
    assert!(deep(&to).is_dir());
}

#[test]
fn a_pipe_and_a_socket_are_made_and_not_opened() {
    let (_directory, to) = copied(|from| {
        mknodat(CWD, from.join("pipe"), FileType::Fifo, FILE, 0).unwrap();
        std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();
    });
    let kind = |name: &str| fs::metadata(to.join(name)).unwrap().file_type();
    assert!(kind("pipe").is_fifo());
    assert!(kind("socket").is_socket());
}

#[test]
fn what_does_not_fit_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("from");
    fs::create_dir_all(from.join("a")).unwrap();
    fs::write(from.join("a/file"), "x").unwrap();
    let to = directory.path().join("to");
    fs::create_dir_all(to.join("a")).unwrap();
    let error = copy(open(&from).as_fd(), open(&to).as_fd()).unwrap_err();
    assert_eq!(error.path, "a");
    assert_eq!(error.source.raw_os_error(), Some(libc::EEXIST));
}
