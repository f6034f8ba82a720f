//! What goes from one container to another, or to a terminal.

use std::fs;

use rustix::io::Errno;

use super::raw::{call, text};

const KEY: usize = 0x7262_6f78;
const CREATE: usize = 0o1666;

/// Leaves something in each kind of shared memory and queue, and finds it again
/// when told to.
pub fn leave() {
    fs::write("/dev/shm/something", "").unwrap();
    let flags = (libc::O_CREAT | libc::O_RDWR) as usize;
    call(libc::SYS_mq_open, &[text(c"something"), flags, 0o666, 0]).unwrap();
    call(libc::SYS_shmget, &[KEY, 4096, CREATE]).unwrap();
    call(libc::SYS_msgget, &[KEY, CREATE]).unwrap();
    call(libc::SYS_semget, &[KEY, 1, CREATE]).unwrap();
    fs::write("/volume/left", "").unwrap();
    while !fs::exists("/volume/search").unwrap() {
        std::thread::yield_now();
    }
    assert_eq!(found(), 6);
}

/// Nothing of that is in another container.
pub fn find() {
    assert_eq!(found(), 0);
}

fn found() -> usize {
    let calls = [
        call(
            libc::SYS_mq_open,
            &[text(c"something"), libc::O_RDONLY as usize, 0, 0],
        ),
        call(libc::SYS_shmget, &[KEY, 0, 0]),
        call(libc::SYS_msgget, &[KEY, 0]),
        call(libc::SYS_semget, &[KEY, 0, 0]),
    ];
    let files = ["/dev/shm/something", "/dev/mqueue/something"];
    calls.iter().filter(|result| result.is_ok()).count()
        + files
            .iter()
            .filter(|file| fs::exists(file).unwrap())
            .count()
}

/// TIOCSTI into standard input, before and after making it the controlling
/// terminal by force.
pub fn type_into_standard_input() {
    assert!(rustix::termios::isatty(rustix::stdio::stdin()));
    let denied = [Errno::PERM, Errno::IO, Errno::ACCESS];
    let control = |request: u64, argument| call(libc::SYS_ioctl, &[0, request as usize, argument]);
    for letter in c"rm -rf /\n".to_bytes() {
        let error = control(libc::TIOCSTI, &raw const *letter as usize).unwrap_err();
        assert!(denied.contains(&error), "{error:?}");
    }
    // Stealing it takes CAP_SYS_ADMIN.
    let error = control(libc::TIOCSCTTY, 1).unwrap_err();
    assert!(denied.contains(&error), "{error:?}");
}
