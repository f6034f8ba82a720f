//! `--sysctl key=value`: only those that a namespace keeps apart.

use super::Invalid;

const NAMES: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Reads one sysctl.
pub fn sysctl(text: &str) -> Result<(String, String), Invalid> {
    match text.split_once('=') {
        Some((key, value))
            if NAMES.contains(&key) || key.starts_with("net.") || key.starts_with("fs.mqueue.") =>
        {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err(Invalid(format!("sysctl '{text}' is not allowed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::sysctl;

    #[test]
    fn only_namespaced_keys_are_allowed() {
        assert_eq!(
            sysctl("net.core.somaxconn=99"),
            Ok(("net.core.somaxconn".into(), "99".into()))
        );
        assert!(sysctl("kernel.msgmax=1").is_ok());
        assert_eq!(
            sysctl("kernel.panic=1").unwrap_err().0,
            "sysctl 'kernel.panic=1' is not allowed"
        );
        assert_eq!(
            sysctl("bogus").unwrap_err().0,
            "sysctl 'bogus' is not allowed"
        );
    }
}
