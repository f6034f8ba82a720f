//! Extended attributes of a file.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

/// Names and values, sorted by name.
pub(crate) type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// The greatest list of names, and value, that the kernel has (`XATTR_LIST_MAX`).
const LARGEST: usize = 1 << 16;

/// Those of an open file that belong to it wherever it is copied to: not overlayfs' own, which say
/// where a file is, and not what the host's security policy labels it with.
pub(crate) fn attributes_of(file: BorrowedFd<'_>) -> Result<Attributes, Errno> {
    // Most files have none, and asking for the length costs no buffer.
    match rustix::fs::flistxattr_query(file) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    let mut names = vec![0; LARGEST];
    let length = rustix::fs::flistxattr(file, &mut names[..])?;
    names.truncate(length);
    let mut found = Vec::new();
    for name in names.split(|byte| *byte == 0) {
        if name.is_empty() || !travels(name) {
            continue;
        }
        let mut value = vec![0; LARGEST];
        let length = rustix::fs::fgetxattr(file, name, &mut value[..])?;
        value.truncate(length);
        found.push((name.to_vec(), value));
    }
    found.sort();
    Ok(found)
}

fn travels(name: &[u8]) -> bool {
    const STAY: [&[u8]; 5] = [
        b"trusted.overlay.",
        b"user.overlay.",
        b"security.selinux",
        b"security.ima",
        b"security.evm",
    ];
    !STAY.iter().any(|stay| name.starts_with(stay))
}
