//! Hostile trees.

mod random;

use std::os::fd::AsFd;

use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// A root directory inside a directory, so that an escape is seen.
struct Tree {
    outer: tempfile::TempDir,
    root: OwnedFd,
}

impl Tree {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        fs::create_dir(outer.path().join("root")).unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let root = rustix::fs::open(outer.path().join("root"), flags, Mode::empty()).unwrap();
        Self { outer, root }
    }

    fn inside(&self, path: &str) -> PathBuf {
        self.outer.path().join("root").join(path)
    }
}

#[test]
fn an_absolute_symlink_stays_inside() {
    let tree = Tree::new();
    fs::create_dir(tree.inside("etc")).unwrap();
    fs::write(tree.inside("etc/passwd"), "mine").unwrap();
    symlink("/etc/passwd", tree.inside("link")).unwrap();
    assert_eq!(read(tree.root.as_fd(), "/link", 100).unwrap(), b"mine");
    symlink("../../../../../etc/passwd", tree.inside("up")).unwrap();
    assert_eq!(read(tree.root.as_fd(), "up", 100).unwrap(), b"mine");
}

#[test]
fn missing_directories_are_made_through_dangling_symlinks_inside_the_root() {
    let tree = Tree::new();
    symlink("/../../../made/by/link", tree.inside("a")).unwrap();
    mkdir_all(tree.root.as_fd(), "/a/b", 0o755).unwrap();
    assert!(tree.inside("made/by/link/b").is_dir());
    assert!(!tree.outer.path().join("made").exists());
}

#[test]
fn parents_in_a_path_never_lead_above_the_root() {
    let tree = Tree::new();
    mkdir_all(tree.root.as_fd(), "../../x/../y", 0o755).unwrap();
    assert!(tree.inside("y").is_dir());
    assert!(!tree.outer.path().join("y").exists());
}

#[test]
fn a_missing_file_is_made_where_its_dangling_link_points_inside() {
    let tree = Tree::new();
    fs::create_dir(tree.inside("etc")).unwrap();
    symlink(
        "/run/systemd/resolve/stub-resolv.conf",
        tree.inside("etc/resolv.conf"),
    )
    .unwrap();
    create_file(tree.root.as_fd(), "/etc/resolv.conf", 0o644).unwrap();
    assert!(
        tree.inside("run/systemd/resolve/stub-resolv.conf")
            .is_file()
    );
}

#[test]
fn a_loop_of_symlinks_ends_with_an_error() {
    let tree = Tree::new();
    symlink("b", tree.inside("a")).unwrap();
    symlink("a", tree.inside("b")).unwrap();
    let error = mkdir_all(tree.root.as_fd(), "a/c", 0o755).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    assert!(create_file(tree.root.as_fd(), "a", 0o644).is_err());
}

#[test]
fn a_file_in_the_way_of_a_directory_is_an_error() {
    let tree = Tree::new();
    fs::write(tree.inside("f"), "").unwrap();
    let error = mkdir_all(tree.root.as_fd(), "f/x", 0o755).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOTDIR));
}

#[test]
fn only_regular_files_within_the_limit_are_read() {
    let tree = Tree::new();
    fs::write(tree.inside("five"), "12345").unwrap();
    assert_eq!(read(tree.root.as_fd(), "five", 5).unwrap(), b"12345");
    let error = read(tree.root.as_fd(), "five", 4).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    rustix::fs::mknodat(&tree.root, "pipe", FileType::Fifo, 0o644.into(), 0).unwrap();
    let error = read(tree.root.as_fd(), "pipe", 4).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(read(tree.root.as_fd(), "/", 4).is_err());
}

#[test]
fn links_of_the_kernel_to_open_files_are_not_followed() {
    let proc = rustix::fs::open("/proc", OFlags::PATH, Mode::empty()).unwrap();
    let own = std::fs::File::open("/etc").unwrap();
    for link in [
        format!("self/fd/{}", own.as_raw_fd()),
        "self/root".to_owned(),
        "self/cwd/".to_owned(),
        "self/exe".to_owned(),
    ] {
        let error = locate(proc.as_fd(), &link).unwrap_err();
        let refused = [Some(libc::ELOOP), Some(libc::EXDEV)];
        assert!(refused.contains(&error.raw_os_error()), "{link}: {error}");
        assert!(mkdir_all(proc.as_fd(), format!("{link}/new"), 0o755).is_err());
    }
}
