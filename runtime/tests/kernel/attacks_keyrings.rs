//! Keys of the host and of other containers.

#![allow(unsafe_code, reason = "add_key has no safe wrapper")]

use std::ffi::{CStr, CString};
use std::path::Path;

use crate::support::{Trial, alpine, apart, attacker};

/// A new session keyring for this process: one without a name, or one that
/// others may use, with a key in it. The key's number.
fn keyring(name: Option<&CStr>) -> i64 {
    const JOIN: i32 = 1;
    const SET_PERMISSIONS: i32 = 5;
    const ALL: u32 = 0x3f3f_3f3f;
    let name = name.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: the name outlives the call.
    let keyring = unsafe { libc::syscall(libc::SYS_keyctl, JOIN, name) };
    assert!(keyring > 0);
    let (kind, called) = (c"user".as_ptr(), c"rbox-test".as_ptr());
    // SAFETY: strings and value outlive the call.
    let key = unsafe { libc::syscall(libc::SYS_add_key, kind, called, c"value".as_ptr(), 5, -3) };
    assert!(key > 0);
    if !name.is_null() {
        // SAFETY: numbers only.
        let opened = unsafe { libc::syscall(libc::SYS_keyctl, SET_PERMISSIONS, keyring, ALL) };
        assert_eq!(opened, 0);
    }
    key
}

/// A container without the filter that looks for the key of that number.
fn looking_for(image: &Path, key: i64) -> Trial {
    let mut trial = attacker(image, "find keys of the host");
    trial.linux(|linux| {
        linux.set_seccomp(None);
    });
    std::fs::write(trial.layer().join("secret"), key.to_string()).unwrap();
    trial
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
        let key = keyring(None);
        looking_for(&image, key).withstands();
    });
}

/// Keyrings are found by name: somebody else may have made the container's, and
/// wait for it.
#[test]
fn a_keyring_that_waits_under_the_containers_name_is_not_joined() {
    let Some(image) = alpine("attacks_keyrings::a_keyring_that_waits") else {
        return;
    };
    apart("a_keyring_that_waits", || {
        let mut trial = looking_for(&image, 0);
        let name = CString::new(format!("_ses.{}", trial.id)).unwrap();
        let key = keyring(Some(&name));
        std::fs::write(trial.layer().join("secret"), key.to_string()).unwrap();
        trial.withstands();
    });
}
