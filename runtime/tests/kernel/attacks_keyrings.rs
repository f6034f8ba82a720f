//! Keys of the host and of other containers.

#![allow(unsafe_code, reason = "add_key has no safe wrapper")]

use crate::support::{alpine, apart, attacker};

/// A key in a session keyring of this process's own: its number.
fn secret() -> i64 {
    const JOIN: i32 = 1;
    // SAFETY: a null name asks for a keyring without one.
    assert!(unsafe { libc::syscall(libc::SYS_keyctl, JOIN, 0) } > 0);
    let (kind, name) = (c"user".as_ptr(), c"rbox-test".as_ptr());
    // SAFETY: strings and value outlive the call.
    let key = unsafe { libc::syscall(libc::SYS_add_key, kind, name, c"value".as_ptr(), 5, -3) };
    assert!(key > 0);
    key
}

#[test]
fn the_filter_refuses_the_key_store() {
    let Some(image) = alpine("attacks_keyrings::the_filter_refuses") else {
        return;
    };
    apart("the_filter_refuses", || {
        attacker(&image, "use keyrings").withstands();
    });
}

#[test]
fn keys_of_the_host_are_not_found_without_the_filter_either() {
    let Some(image) = alpine("attacks_keyrings::keys_of_the_host") else {
        return;
    };
    apart("keys_of_the_host", || {
        let key = secret();
        let mut trial = attacker(&image, "find keys of the host");
        trial.linux(|linux| {
            linux.set_seccomp(None);
        });
        let layer = trial.layer();
        std::fs::write(layer.join("secret"), key.to_string()).unwrap();
        trial.withstands();
    });
}
