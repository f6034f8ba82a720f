//! The two system calls of the security parts that no crate offers safely:
//! seccomp(2) and bpf(2). Thin wrappers, no policy.

#![allow(
    unsafe_code,
    reason = "seccomp(2) and bpf(2) take pointers and have no safe wrapper in rustix"
)]

use rustix::io::Errno;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// One instruction of a classic BPF program, as the kernel reads it.
pub use libc::sock_filter as SockFilter;

/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`: seccomp(2) returns a descriptor.
pub const SECCOMP_NEW_LISTENER: u32 = 1 << 3;

/// Installs a classic BPF program as the calling thread's system call filter.
///
/// `flags` are `SECCOMP_FILTER_FLAG_*`. Kernels without seccomp(2) get the
/// program by prctl(2), which knows no flags. Returns the notification
/// descriptor when `flags` asked for one. The caller holds CAP_SYS_ADMIN or has
/// set no_new_privs; it allocates nothing.
///
/// # Errors
/// The kernel's error: `EACCES` without the privilege, `EINVAL` for a bad
/// program or a flag that the kernel does not know.
pub fn seccomp_filter(program: &[SockFilter], flags: u32) -> io::Result<Option<OwnedFd>> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from(Errno::INVAL))?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel only reads `program` and its `len` instructions, which
    // outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
            libc::c_ulong::from(flags),
            &raw const program,
        )
    };
    if result >= 0 {
        if flags & SECCOMP_NEW_LISTENER == 0 {
            return Ok(None);
        }
        let fd = RawFd::try_from(result).map_err(|_| io::Error::from(Errno::BADF))?;
        // SAFETY: with this flag the kernel returns a new descriptor that
        // nothing else knows of.
        return Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) }));
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() != Some(libc::ENOSYS) || flags & SECCOMP_NEW_LISTENER != 0 {
        return Err(error);
    }
    // SAFETY: as above; prctl(PR_SET_SECCOMP) reads the same structure.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::c_ulong::from(libc::SECCOMP_MODE_FILTER),
            &raw const program,
            0,
            0,
        )
    };
    if result == 0 {
        Ok(None)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Whether the kernel knows a filter's return action (`SECCOMP_RET_*`). Kernels
/// that cannot be asked (before 4.14) are taken at the word of what they refuse
/// later.
pub fn seccomp_action_is_known(action: u32) -> bool {
    const SECCOMP_GET_ACTION_AVAIL: libc::c_ulong = 2;
    // SAFETY: the kernel only reads the one number.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EOPNOTSUPP)
}

/// Whether the kernel takes these flags of a filter together: it looks at them
/// before it looks at the program, of which there is none here.
pub fn seccomp_flags_are_known(flags: u32) -> bool {
    // SAFETY: a null program is refused with EFAULT, and nothing is read.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
            libc::c_ulong::from(flags),
            std::ptr::null::<libc::sock_fprog>(),
        )
    };
    result == -1 && io::Error::last_os_error().raw_os_error() != Some(libc::EINVAL)
}

/// Loads a device filter (`BPF_PROG_TYPE_CGROUP_DEVICE`).
///
/// # Errors
/// The kernel's error: `EPERM` without CAP_BPF or CAP_SYS_ADMIN, `EINVAL` when
/// the kernel has no such programs or the verifier refuses it.
pub fn load_device_program(instructions: &[u64]) -> io::Result<OwnedFd> {
    /// The head of `union bpf_attr` for BPF_PROG_LOAD; the rest is zero.
    #[repr(C)]
    struct Load {
        kind: u32,
        count: u32,
        instructions: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log: u64,
        kernel_version: u32,
        flags: u32,
    }
    const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
    let count = u32::try_from(instructions.len()).map_err(|_| io::Error::from(Errno::TOOBIG))?;
    let attributes = Load {
        kind: PROG_TYPE_CGROUP_DEVICE,
        count,
        instructions: instructions.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    let fd = bpf(BPF_PROG_LOAD, &attributes)?;
    let fd = RawFd::try_from(fd).map_err(|_| io::Error::from(Errno::BADF))?;
    // SAFETY: BPF_PROG_LOAD returns a new descriptor that nothing else knows of.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Attaches a device filter to the cgroup v2 directory `cgroup`: in place of
/// `old`, which is attached there, or beside those that are attached already (a
/// device must pass all of them).
///
/// # Errors
/// The kernel's error: `EINVAL` when the kernel was built without cgroup BPF, or
/// cannot replace (before Linux 5.6); `ENOENT` when `old` is not attached.
pub fn attach_device_program(
    cgroup: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    old: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    const ALLOW_MULTI: u32 = 2;
    const REPLACE: u32 = 4;
    let attributes = Attach {
        target: cgroup.as_raw_fd().cast_unsigned(),
        program: program.as_raw_fd().cast_unsigned(),
        kind: CGROUP_DEVICE,
        flags: ALLOW_MULTI | if old.is_some() { REPLACE } else { 0 },
        replace: old.map_or(0, |old| old.as_raw_fd().cast_unsigned()),
    };
    bpf(BPF_PROG_ATTACH, &attributes).map(|_| ())
}

/// Takes a device filter off the cgroup v2 directory `cgroup`.
///
/// # Errors
/// The kernel's error: `ENOENT` when it is not attached there.
pub fn detach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let attributes = Attach {
        target: cgroup.as_raw_fd().cast_unsigned(),
        program: program.as_raw_fd().cast_unsigned(),
        kind: CGROUP_DEVICE,
        flags: 0,
        replace: 0,
    };
    bpf(BPF_PROG_DETACH, &attributes).map(|_| ())
}

/// The device filters that are attached to the cgroup v2 directory `cgroup`
/// itself (at most 64).
///
/// # Errors
/// The kernel's error: `EINVAL` when the kernel was built without cgroup BPF,
/// `ENOSPC` for more of them.
pub fn attached_device_programs(cgroup: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    /// `query` of `union bpf_attr`, with room for what later kernels write
    /// behind it.
    #[repr(C)]
    struct Query {
        target: u32,
        kind: u32,
        flags: u32,
        attach_flags: u32,
        ids: u64,
        count: u32,
        rest: [u32; 33],
    }
    /// The head of `union bpf_attr` for BPF_PROG_GET_FD_BY_ID.
    #[repr(C)]
    struct ById {
        id: u32,
        next: u32,
        flags: u32,
    }
    const ROOM: usize = 64;
    let mut ids = [0_u32; ROOM];
    let mut query = Query {
        target: cgroup.as_raw_fd().cast_unsigned(),
        kind: CGROUP_DEVICE,
        flags: 0,
        attach_flags: 0,
        ids: ids.as_mut_ptr() as u64,
        count: ROOM as u32,
        rest: [0; 33],
    };
    // SAFETY: the kernel reads and writes at most `size_of::<Query>()` bytes of
    // `query`, which is more than any kernel's `query` has, and writes at most
    // `count` numbers to `ids`, which has that many.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            libc::c_ulong::from(BPF_PROG_QUERY),
            &raw mut query,
            size_of::<Query>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let count = (query.count as usize).min(ROOM);
    let mut programs = Vec::with_capacity(count);
    for id in &ids[..count] {
        let attributes = ById {
            id: *id,
            next: 0,
            flags: 0,
        };
        let fd = bpf(BPF_PROG_GET_FD_BY_ID, &attributes)?;
        let fd = RawFd::try_from(fd).map_err(|_| io::Error::from(Errno::BADF))?;
        // SAFETY: BPF_PROG_GET_FD_BY_ID returns a new descriptor that nothing
        // else knows of.
        programs.push(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    Ok(programs)
}

/// The head of `union bpf_attr` for BPF_PROG_ATTACH and BPF_PROG_DETACH.
#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
    replace: u32,
}

/// `BPF_CGROUP_DEVICE`.
const CGROUP_DEVICE: u32 = 6;

const BPF_PROG_LOAD: u32 = 5;
const BPF_PROG_ATTACH: u32 = 8;
const BPF_PROG_DETACH: u32 = 9;
const BPF_PROG_GET_FD_BY_ID: u32 = 13;
const BPF_PROG_QUERY: u32 = 16;

/// bpf(2) with the attributes of one command.
fn bpf<T>(command: u32, attributes: &T) -> io::Result<libc::c_long> {
    // SAFETY: the kernel reads `size_of::<T>()` bytes of `attributes`, takes
    // the rest of the union as zero, and reads what its pointers point to,
    // which the callers keep alive for the call. The commands used here write
    // nothing back.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            libc::c_ulong::from(command),
            std::ptr::from_ref(attributes),
            size_of::<T>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
