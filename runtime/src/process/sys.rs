//! The few system calls that no safe wrapper offers.
//!
//! Each function is safe to call: what the kernel asks of the caller is either
//! in the types or said in the function's comment.

#![allow(
    unsafe_code,
    reason = "system calls without a wrapper: clone3, mount_setattr, execve"
)]

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `CLONE_INTO_CGROUP`; libc's constant is a `c_int` and holds 0.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// `CLONE_NEWTIME`, of Linux 5.6.
pub(crate) const CLONE_NEWTIME: i32 = 0x80;
/// `CLONE_CLEAR_SIGHAND`, for the same reason.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// What a child that cannot even report an error exits with.
const LOST_CHILD: i32 = 255;

/// The kernel's `struct clone_args`, version 2 (Linux 5.7).
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// A process that [`spawn`] made.
#[derive(Debug)]
pub(crate) struct Child {
    /// Its id in the caller's pid namespace.
    pub(crate) pid: i32,
    /// A descriptor of it.
    pub(crate) pidfd: OwnedFd,
}

/// Starts a child that runs `body` on a copy of this process, with signal
/// handlers reset, in new namespaces as `flags` (`CLONE_NEW*`) says and in the
/// cgroup v2 directory `cgroup` when there is one. With `CLONE_PARENT` it is
/// the child of this process's parent instead.
///
/// The caller must be single-threaded: locks held by other threads (the
/// allocator's for one) stay locked forever in the child.
pub(crate) fn spawn(
    flags: u64,
    cgroup: Option<BorrowedFd<'_>>,
    body: impl FnOnce() -> Infallible,
) -> io::Result<Child> {
    let mut pidfd: libc::c_int = -1;
    let mut args = CloneArgs {
        flags: flags | libc::CLONE_PIDFD as u64 | CLONE_CLEAR_SIGHAND,
        pidfd: &raw mut pidfd as u64,
        ..CloneArgs::default()
    };
    // A sibling takes its end signal from this process; the kernel refuses one.
    if flags & libc::CLONE_PARENT as u64 == 0 {
        args.exit_signal = libc::SIGCHLD as u64;
    }
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM and with no stack given the child gets a copy of
    // this address space and goes on from here, like fork; `args` and `pidfd`
    // outlive the call and the size matches the struct.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // An unwinding child would run the parent's destructors and go on
            // as a second copy of it.
            let _ = catch_unwind(AssertUnwindSafe(body));
            exit(LOST_CHILD)
        }
        pid => Ok(Child {
            pid: pid as i32,
            // SAFETY: the kernel stored a fresh descriptor, owned by nobody else.
            pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
        }),
    }
}

/// Ends this process at once, without destructors or atexit handlers.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Replaces this process. Comes back only with an error.
pub(crate) fn execve(path: &CStr, args: &[CString], env: &[CString]) -> io::Error {
    let argv = pointers(args);
    let envp = pointers(env);
    // SAFETY: both arrays end with a null pointer and point to strings that
    // live until the call returns.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    io::Error::last_os_error()
}

/// The null-terminated pointer array that execve wants.
fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    let mut pointers: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
    pointers.push(std::ptr::null());
    pointers
}

/// What [`set_mount_attributes`] changes (`struct mount_attr`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MountAttributes {
    /// `MOUNT_ATTR_*` bits to set.
    pub(crate) set: u64,
    /// `MOUNT_ATTR_*` bits to clear, first.
    pub(crate) clear: u64,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE` or 0.
    pub(crate) propagation: u64,
    /// Namespace that an id-mapped mount takes its map from.
    pub(crate) userns: u64,
}

impl MountAttributes {
    /// Whether there is nothing to change.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Changes attributes of the mount whose root `mount` is, or of the whole tree
/// below it.
pub(crate) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    attributes: MountAttributes,
    recursive: bool,
) -> io::Result<()> {
    let mut flags = libc::AT_EMPTY_PATH;
    if recursive {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: the path is a valid C string, the struct has the size given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    check(result)
}

/// Moves this process into a new namespace of each kind in `flags`
/// (`CLONE_NEW*`, nothing else).
pub(crate) fn unshare_namespaces(flags: i32) -> io::Result<()> {
    debug_assert_eq!(
        flags & (libc::CLONE_FILES | libc::CLONE_VM | libc::CLONE_THREAD),
        0
    );
    // SAFETY: only namespaces are unshared, never memory or descriptors.
    check(unsafe { libc::unshare(flags) }.into())
}

/// Joins a new, empty session keyring without a name.
pub(crate) fn new_session_keyring() -> io::Result<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    let unnamed = std::ptr::null::<libc::c_char>();
    // SAFETY: a null name is what the kernel documents for a keyring without one.
    check(unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, unnamed) })
}

/// Sets the default action for all signals, and unblocks them. Handlers were
/// reset by clone3 already, ignored signals were not: a container must not
/// inherit an ignored SIGPIPE.
pub(crate) fn reset_signals() {
    const SIGNALS: libc::c_int = 64;
    const SET_SIZE: usize = 8;
    // The kernel's struct sigaction (handler, flags, restorer, mask), all
    // zero: SIG_DFL. libc's call refuses the signals that it keeps for itself.
    let default = [0u64; 4];
    let none = 0u64;
    for signal in 1..=SIGNALS {
        // SAFETY: SIG_DFL installs no code of ours; the array outlives the call.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null::<u64>(),
                SET_SIZE,
            )
        };
    }
    // SAFETY: the empty set outlives the call, and the old one is not asked for.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            std::ptr::null::<u64>(),
            SET_SIZE,
        )
    };
}

/// Marks every descriptor from `first` on to be closed by exec.
pub(crate) fn close_on_exec_from(first: u32) -> io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: numbers only; no descriptor is closed.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) })
}

/// Closes every descriptor from `first` on. The caller must not use, nor drop,
/// an owner of one of them afterwards.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: see above; called in a child that never returns to its parent's frames.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) })
}

/// Whether a program executed now would find descriptor `number` open.
pub(crate) fn is_inherited(number: i32) -> bool {
    // SAFETY: reading the flags of a number that may not be open is harmless.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Closes descriptor `number` if it is open and closed on exec, as all are that
/// this program opens.
pub(crate) fn close_private(number: i32) {
    // SAFETY: reading the flags of a number that may not be open is harmless.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if flags >= 0 && flags & libc::FD_CLOEXEC != 0 {
        // SAFETY: as for `close_from`.
        unsafe { libc::close(number) };
    }
}

/// Makes `number` a duplicate of `fd` that survives exec or not.
pub(crate) fn duplicate_to(fd: BorrowedFd<'_>, number: i32, close_on_exec: bool) -> io::Result<()> {
    if fd.as_raw_fd() == number {
        // dup3 refuses equal numbers, and would not change the flag.
        let flags = if close_on_exec {
            rustix::io::FdFlags::CLOEXEC
        } else {
            rustix::io::FdFlags::empty()
        };
        return Ok(rustix::io::fcntl_setfd(fd, flags)?);
    }
    let flags = if close_on_exec { libc::O_CLOEXEC } else { 0 };
    // SAFETY: what `number` named before is replaced on purpose; callers own
    // the numbering of their child process.
    check(unsafe { libc::dup3(fd.as_raw_fd(), number, flags) }.into())
}

/// A borrow of a descriptor that is known to be open at that number.
pub(crate) fn borrow_number(number: i32) -> BorrowedFd<'static> {
    // SAFETY: callers put a descriptor at this number with `duplicate_to` and
    // keep it until exec.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// All three user ids at once.
pub(crate) fn set_user(uid: u32) -> io::Result<()> {
    // SAFETY: the raw call changes this thread alone, and this process has one.
    check(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) })
}

/// All three group ids at once.
pub(crate) fn set_group(gid: u32) -> io::Result<()> {
    // SAFETY: as for `set_user`.
    check(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) })
}

/// The supplementary groups.
pub(crate) fn set_groups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: pointer and length describe the slice.
    check(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
