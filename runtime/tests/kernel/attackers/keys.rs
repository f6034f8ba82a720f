//! The kernel's key store, which has no namespaces of its own.

use rustix::io::Errno;

use super::raw::{call, refused, text};

const SESSION: usize = -3_isize as usize;
const DESCRIBE: usize = 6;
const READ: usize = 11;

/// Docker's filter refuses all of it.
pub fn filtered() {
    let denied: &[Errno] = &[Errno::PERM];
    let key = [text(c"user"), text(c"k"), text(c"v"), 1, SESSION];
    refused("add_key", call(libc::SYS_add_key, &key), denied);
    let ask = [text(c"user"), text(c"rbox-test"), 0, SESSION];
    refused("request_key", call(libc::SYS_request_key, &ask), denied);
    refused("keyctl", call(libc::SYS_keyctl, &[READ, SESSION]), denied);
}

/// Without the filter: the session keyring is new, empty, and joined by nobody else.
pub fn find_those_of_the_host() {
    let mut buffer = [0_u8; 256];
    let space = [buffer.as_mut_ptr() as usize, buffer.len()];
    let listed = call(libc::SYS_keyctl, &[READ, SESSION, space[0], space[1]]);
    assert_eq!(listed, Ok(0), "keys in the session keyring");
    let ask = [text(c"user"), text(c"rbox-test"), 0, 0];
    refused(
        "request_key",
        call(libc::SYS_request_key, &ask),
        &[Errno::NOKEY],
    );
    let secret: usize = std::fs::read_to_string("/secret").unwrap().parse().unwrap();
    let read = call(libc::SYS_keyctl, &[READ, secret, space[0], space[1]]);
    refused(
        "reading a key by number",
        read,
        &[Errno::ACCESS, Errno::NOKEY],
    );
    let described = call(libc::SYS_keyctl, &[DESCRIBE, SESSION, space[0], space[1]]);
    let length = usize::try_from(described.unwrap()).unwrap();
    let description = String::from_utf8_lossy(&buffer[..length - 1]).into_owned();
    assert!(description.starts_with("keyring;0;0;"), "{description}");
}
