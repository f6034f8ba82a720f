//! The other two system call tables of an x86-64 kernel.

#![allow(unsafe_code, reason = "calls of the 32-bit table are instructions")]

use rustix::io::Errno;
use rustix::process::{WaitOptions, waitpid};

use super::raw::call;

/// Numbers of `mount`, `unshare`, `keyctl`, `add_key`, `ptrace`-like calls in
/// the i386 table, each refused by the filter in the x86-64 one.
const I386: [(&str, u32); 6] = [
    ("mount", 21),
    ("umount", 22),
    ("unshare", 310),
    ("keyctl", 288),
    ("init_module", 128),
    ("reboot", 88),
];

/// Calls the same by the x32 and the i386 table.
pub fn call_by_other_tables() {
    const X32: libc::c_long = 0x4000_0000;
    let refusals = [Errno::PERM, Errno::NOSYS];
    for number in [
        libc::SYS_mount,
        libc::SYS_unshare,
        libc::SYS_keyctl,
        libc::SYS_reboot,
    ] {
        for number in [number, number | X32] {
            let error = call(number, &[0x1000_0000]).unwrap_err();
            assert!(refusals.contains(&error), "{number:#x}: {error:?}");
        }
    }
    // In a process of its own: without the table the kernel kills it.
    for (name, number) in I386 {
        // SAFETY: the copy has one thread, calls and exits.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let result = interrupt(number, 0x1000_0000);
            let refused = [libc::EPERM, libc::ENOSYS].contains(&-result);
            // SAFETY: no preconditions.
            unsafe { libc::_exit(i32::from(!refused)) };
        }
        let pid = rustix::process::Pid::from_raw(pid);
        let (_, status) = waitpid(pid, WaitOptions::empty()).unwrap().unwrap();
        let killed = status.terminating_signal().is_some();
        assert!(
            killed || status.exit_status() == Some(0),
            "{name}: {status:?}"
        );
    }
}

/// `int 0x80` with one argument.
fn interrupt(number: u32, argument: u32) -> i32 {
    let result: i32;
    // SAFETY: the kernel takes numbers from registers and gives the result in
    // eax; the calls tried read no memory that is mapped.
    unsafe {
        core::arch::asm!(
            "push rbx",
            "mov ebx, {argument:e}",
            "int 0x80",
            "pop rbx",
            argument = in(reg) argument,
            inlateout("eax") number => result,
            in("ecx") 0_u32,
            in("edx") 0_u32,
            in("esi") 0_u32,
            in("edi") 0_u32,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result
}
