//! A copy of a directory of the image: for a tmpfs that starts with what the
//! image has at its mount point (`tmpcopyup`), and for whoever else fills a
//! directory so.
//!
//! The tmpfs is filled while it is detached: the container's tree never
//! has it empty, half full, or writable where it is to be read-only.

mod data;
mod metadata;
mod tree;

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::fstat;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

use super::bind;
use crate::process::{Failure, Naming, reason, sys};
use crate::spec::mount_options::MountOptions;

/// Copies what is in the directory `from` into the empty directory `to`: content,
/// owners, modes, times, links and extended attributes. Nothing is followed out of
/// `from`, and what is mounted below it is left out.
///
/// # Errors
/// Names the first file that could not be copied; `to` is left half full.
pub fn contents(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    tree::copy(from, to).map_err(|error| {
        io::Error::new(
            error.source.kind(),
            format!("{}: {}", error.path, reason(&error.source)),
        )
    })
}

/// Gives `name` in `directory` the owner, the mode, the times and the extended
/// attributes of `from`.
///
/// # Errors
/// As of the calls.
pub fn attributes(from: BorrowedFd<'_>, directory: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    let stat = fstat(from)?;
    Ok(metadata::Metadata::of(from, stat)?.give(directory, name)?)
}

/// Mounts it on the directory that `place` is open at.
pub(crate) fn mount(
    place: &OwnedFd,
    source: &Path,
    options: &MountOptions,
    title: impl Fn() -> String + Copy,
) -> Result<(), Failure> {
    let filesystem = tmpfs(place, source, options).naming(title)?;
    tree::copy(place.as_fd(), filesystem.as_fd()).map_err(|error| {
        Failure::step(
            format!("{}: copying {}", title(), error.path),
            &error.source,
        )
    })?;
    let read_only = options.whole() & MountAttrFlags::MOUNT_ATTR_RDONLY;
    if !read_only.is_empty() {
        let attributes = sys::MountAttributes {
            set: read_only.bits().into(),
            ..sys::MountAttributes::default()
        };
        sys::set_mount_attributes(filesystem.as_fd(), attributes, false).naming(title)?;
    }
    bind::attach_on(filesystem.as_fd(), place.as_fd()).naming(title)
}

/// An empty, writable, detached tmpfs, whose top is as the directory that it
/// will cover, where its options do not say otherwise.
fn tmpfs(place: &OwnedFd, source: &Path, options: &MountOptions) -> io::Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", source)?;
    let given = parameters(&options.data);
    let stat = fstat(place)?;
    for (key, value) in [
        ("mode", format!("{:o}", stat.st_mode & 0o7777)),
        ("uid", stat.st_uid.to_string()),
        ("gid", stat.st_gid.to_string()),
    ] {
        if !given.iter().any(|(other, _)| *other == key) {
            fsconfig_set_string(&context, key, value)?;
        }
    }
    for (key, value) in &given {
        match value {
            Some(value) => fsconfig_set_string(&context, *key, value.as_str())?,
            None => fsconfig_set_flag(&context, *key)?,
        }
    }
    for (flag, key) in [
        (MountFlags::SYNCHRONOUS, "sync"),
        (MountFlags::DIRSYNC, "dirsync"),
        (MountFlags::LAZYTIME, "lazytime"),
    ] {
        if options.filesystem.contains(flag) {
            fsconfig_set_flag(&context, key)?;
        }
    }
    fsconfig_create(&context)?;
    let attributes = options.whole() - MountAttrFlags::MOUNT_ATTR_RDONLY;
    Ok(fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        attributes,
    )?)
}

/// `size=64k,noswap,mpol=bind:0,2` as keys and values. A part that starts with a
/// digit goes on with the list of nodes before it, as in the kernel's own parser,
/// and a comma in quotation marks (a label's) parts nothing.
fn parameters(data: &str) -> Vec<(&str, Option<String>)> {
    let mut list: Vec<(&str, Option<String>)> = Vec::new();
    for part in data.split(',').filter(|part| !part.is_empty()) {
        let number = part.starts_with(|first: char| first.is_ascii_digit());
        match list.last_mut() {
            Some((_, Some(value))) if number || open_quote(value) => {
                value.push(',');
                value.push_str(part);
            }
            _ => list.push(match part.split_once('=') {
                Some((key, value)) => (key, Some(value.to_owned())),
                None => (part, None),
            }),
        }
    }
    for (_, value) in &mut list {
        let inner = value
            .as_ref()
            .and_then(|value| value.strip_prefix('"')?.strip_suffix('"'));
        if let Some(inner) = inner {
            *value = Some(inner.to_owned());
        }
    }
    list
}

fn open_quote(value: &str) -> bool {
    value.starts_with('"') && (value.len() == 1 || !value.ends_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_keys_with_and_without_values() {
        let value = |text: &str| Some(text.to_owned());
        assert_eq!(
            parameters("size=64k,noswap,,mpol=bind:0,2-3,mode=755,context=\"a:s0:c1,c2\",x"),
            [
                ("size", value("64k")),
                ("noswap", None),
                ("mpol", value("bind:0,2-3")),
                ("mode", value("755")),
                ("context", value("a:s0:c1,c2")),
                ("x", None)
            ]
        );
        assert!(parameters("").is_empty());
    }
}
