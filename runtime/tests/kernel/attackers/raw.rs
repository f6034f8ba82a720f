//! System calls as an attacker makes them.

#![allow(unsafe_code, reason = "attacks are system calls without a wrapper")]

use rustix::io::Errno;

/// The call with these arguments.
pub fn call(number: libc::c_long, arguments: &[usize]) -> Result<i64, Errno> {
    let mut all = [0_usize; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: whatever the kernel is asked to write to belongs to the callers
    // and outlives the call; a process that attacks has nothing else to lose.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 {
        let error = std::io::Error::last_os_error();
        Err(Errno::from_io_error(&error).unwrap())
    } else {
        Ok(result)
    }
}

/// The address of a C string.
pub fn text(text: &'static std::ffi::CStr) -> usize {
    text.as_ptr() as usize
}

/// The call must fail, with one of these errors.
pub fn refused(what: &str, result: Result<i64, Errno>, errors: &[Errno]) {
    match result {
        Ok(value) => panic!("{what}: it succeeded with {value}"),
        Err(error) => assert!(errors.contains(&error), "{what}: {error:?}"),
    }
}

/// Does it in a child, and panics when that panics.
pub fn in_a_process(body: impl FnOnce()) {
    // SAFETY: glibc's fork leaves the allocator usable in the child; the
    // harness's other thread only waits.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: no preconditions.
        unsafe { libc::_exit(i32::from(done.is_err())) };
    }
    let pid = rustix::process::Pid::from_raw(pid);
    let waited = rustix::process::waitpid(pid, rustix::process::WaitOptions::empty());
    let (_, status) = waited.unwrap().unwrap();
    assert_eq!(status.exit_status(), Some(0), "{status:?}");
}
