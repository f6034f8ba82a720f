//! The architectures whose programs the running kernel can execute.

use super::numbers::{Row, SYSCALLS};
use oci_spec::runtime::Arch;

/// One system call convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    X86_64,
    X86,
    X32,
    Aarch64,
    Arm,
}

/// What tells x32's numbers from x86_64's, which share one audit number.
pub(super) const X32_BIT: u32 = 0x4000_0000;

/// The convention that this program was built for.
#[cfg(target_arch = "x86_64")]
pub(super) const NATIVE: Architecture = Architecture::X86_64;
/// The convention that this program was built for.
#[cfg(target_arch = "aarch64")]
pub(super) const NATIVE: Architecture = Architecture::Aarch64;

impl Architecture {
    /// All that a kernel for `native` may execute, `native` first.
    pub(super) fn executable_on(native: Architecture) -> &'static [Architecture] {
        match native {
            Architecture::X86_64 | Architecture::X86 | Architecture::X32 => {
                &[Architecture::X86_64, Architecture::X86, Architecture::X32]
            }
            Architecture::Aarch64 | Architecture::Arm => {
                &[Architecture::Aarch64, Architecture::Arm]
            }
        }
    }

    /// `AUDIT_ARCH_*`, which the filter finds in `seccomp_data.arch`.
    pub(super) fn audit(self) -> u32 {
        match self {
            Architecture::X86_64 | Architecture::X32 => 0xc000_003e,
            Architecture::X86 => 0x4000_0003,
            Architecture::Aarch64 => 0xc000_00b7,
            Architecture::Arm => 0x4000_0028,
        }
    }

    /// The OCI name.
    pub(super) fn oci(self) -> Arch {
        match self {
            Architecture::X86_64 => Arch::ScmpArchX86_64,
            Architecture::X86 => Arch::ScmpArchX86,
            Architecture::X32 => Arch::ScmpArchX32,
            Architecture::Aarch64 => Arch::ScmpArchAarch64,
            Architecture::Arm => Arch::ScmpArchArm,
        }
    }

    /// The name that Docker's profiles use in `includes.arches`.
    pub(super) fn docker(self) -> &'static str {
        match self {
            Architecture::X86_64 => "amd64",
            Architecture::X86 => "x86",
            Architecture::X32 => "x32",
            Architecture::Aarch64 => "arm64",
            Architecture::Arm => "arm",
        }
    }

    /// The number in `row`, as `seccomp_data.nr` shows it.
    fn number(self, row: &Row) -> Option<u32> {
        let number = match self {
            Architecture::X86_64 => row.1,
            Architecture::X86 => row.2,
            Architecture::X32 => row.3,
            Architecture::Aarch64 => row.4,
            Architecture::Arm => row.5,
        };
        let number = u32::try_from(number).ok()?;
        Some(if self == Architecture::X32 {
            number | X32_BIT
        } else {
            number
        })
    }
}

/// A known system call name.
#[derive(Clone, Copy)]
pub(super) struct Syscall(&'static Row);

impl Syscall {
    /// `None` for a name that no architecture here has.
    #[cfg(test)]
    pub(super) fn named(name: &str) -> Option<Syscall> {
        Syscall::find(name).map(|(_, call)| call)
    }

    /// All of `names`, in their order, with the name for each that is unknown.
    pub(super) fn resolve<'a>(
        names: impl Iterator<Item = &'a String>,
    ) -> impl Iterator<Item = Result<Syscall, &'a String>> {
        let mut after: &[Row] = &[];
        names.map(move |name| {
            // Profiles are mostly in alphabetical order: the name is probably
            // one of the next few, which is quicker than to search for it.
            let near = after.iter().take(4).position(|row| row.0 == name);
            let (index, call) = match near.and_then(|near| Some((near, after.get(near)?))) {
                Some((near, row)) => (SYSCALLS.len() - after.len() + near, Syscall(row)),
                None => Syscall::find(name).ok_or(name)?,
            };
            after = SYSCALLS.get(index + 1..).unwrap_or_default();
            Ok(call)
        })
    }

    fn find(name: &str) -> Option<(usize, Syscall)> {
        let index = SYSCALLS.binary_search_by(|row| row.0.cmp(name)).ok()?;
        Some((index, Syscall(SYSCALLS.get(index)?)))
    }

    /// Its number on `architecture`.
    pub(super) fn number(self, architecture: Architecture) -> Option<u32> {
        architecture.number(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_unlike_each_other() {
        assert!(SYSCALLS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn names_are_resolved_in_any_order() {
        let names: Vec<String> = [
            "write", "accept", "accept4", "acct", "nonsense", "read", "read",
        ]
        .map(str::to_owned)
        .to_vec();
        let found: Vec<_> = Syscall::resolve(names.iter())
            .map(|found| found.map(|call| call.0.0))
            .collect();
        let nonsense = names[4].clone();
        let expected = [
            Ok("write"),
            Ok("accept"),
            Ok("accept4"),
            Ok("acct"),
            Err(&nonsense),
            Ok("read"),
            Ok("read"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_agree_with_the_c_librarys() {
        let number = |name: &str| {
            Syscall::named(name)
                .unwrap()
                .number(NATIVE)
                .map(libc::c_long::from)
        };
        for (name, expected) in [
            ("read", libc::SYS_read),
            ("openat", libc::SYS_openat),
            ("clone", libc::SYS_clone),
            ("execve", libc::SYS_execve),
            ("socket", libc::SYS_socket),
            ("mount", libc::SYS_mount),
            ("unshare", libc::SYS_unshare),
            ("seccomp", libc::SYS_seccomp),
            ("bpf", libc::SYS_bpf),
            ("clone3", libc::SYS_clone3),
            ("mseal", libc::SYS_mseal),
        ] {
            assert_eq!(number(name), Some(expected), "{name}");
        }
    }

    /// Compares with the kernel's headers, where they are installed.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn numbers_agree_with_the_kernels_headers() {
        let directory = "/usr/include/x86_64-linux-gnu/asm";
        for (architecture, file) in [
            (Architecture::X86_64, "unistd_64.h"),
            (Architecture::X86, "unistd_32.h"),
            (Architecture::X32, "unistd_x32.h"),
        ] {
            let Ok(header) = std::fs::read_to_string(format!("{directory}/{file}")) else {
                super::super::tests::skipped(
                    "numbers_agree_with_the_kernels_headers",
                    &format!("{directory}/{file} is not installed (linux-libc-dev)"),
                );
                return;
            };
            let mut compared = 0;
            for line in header.lines() {
                let Some(rest) = line.strip_prefix("#define __NR_") else {
                    continue;
                };
                let (name, value) = rest.split_once(' ').unwrap();
                let value = value.trim_matches(['(', ')']);
                let (bit, digits) = match value.strip_prefix("__X32_SYSCALL_BIT + ") {
                    Some(digits) => (X32_BIT, digits),
                    None => (0, value),
                };
                let expected = digits.parse::<u32>().unwrap() | bit;
                let ours = Syscall::named(name).and_then(|call| call.number(architecture));
                assert_eq!(ours, Some(expected), "{name} in {file}");
                compared += 1;
            }
            assert!(compared > 300, "{file} lists {compared}");
        }
    }
}
