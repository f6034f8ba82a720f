//! Filesystems whose files are the kernel's own: nobody means to copy them, and some never end.

use std::os::fd::AsFd;

use rustix::io::Errno;

/// Magic numbers (linux/magic.h; statfs(2)).
const MAGIC: &[u64] = &[
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x1cd1,      // devpts
    0x1980_0202, // mqueue
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xf97c_ff8c, // selinuxfs
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0x6265_6570, // configfs
    0x4249_4e4d, // binfmt_misc
    0x6e73_6673, // nsfs
];

/// Whether a file is on one of them.
pub(crate) fn owns(file: impl AsFd) -> Result<bool, Errno> {
    let found = rustix::fs::fstatfs(file)?;
    #[allow(clippy::unnecessary_cast, reason = "another type on other processors")]
    let magic = found.f_type as u64 & 0xffff_ffff;
    Ok(MAGIC.contains(&magic))
}

#[cfg(test)]
mod tests {
    #[test]
    fn proc_is_the_kernels_and_a_disk_is_not() {
        let open = |path: &str| std::fs::File::open(path).unwrap();
        assert!(super::owns(open("/proc")).unwrap());
        assert!(!super::owns(open(env!("CARGO_MANIFEST_DIR"))).unwrap());
    }
}
