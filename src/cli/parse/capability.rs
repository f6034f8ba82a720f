//! `--cap-add` and `--cap-drop`.

use super::Invalid;
use crate::output::go_text::quote;

/// All capabilities, without their prefix.
pub const NAMES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// Canonical names (`CAP_CHOWN`); a list with `ALL` is just that.
/// `field` is Docker's name of the list: `CapAdd` or `CapDrop`.
pub fn list(field: &str, texts: &[String]) -> Result<Vec<String>, Invalid> {
    let mut names: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        let upper = text.to_ascii_uppercase();
        if upper == "ALL" {
            return Ok(vec![upper]);
        }
        let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let name = format!("CAP_{short}");
        if !NAMES.contains(&short) {
            return Err(Invalid(format!(
                "invalid {field}: unknown capability: {}",
                quote(&name)
            )));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::list;

    fn names(texts: &[&str]) -> Result<Vec<String>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        list("CapAdd", &texts).map_err(|error| error.0)
    }

    #[test]
    fn names_are_made_canonical() {
        assert_eq!(
            names(&["net_admin", "CAP_chown"]).unwrap(),
            ["CAP_NET_ADMIN", "CAP_CHOWN"]
        );
        assert_eq!(names(&["chown", "all"]).unwrap(), ["ALL"]);
        assert_eq!(
            names(&["BOGUS"]).unwrap_err(),
            "invalid CapAdd: unknown capability: \"CAP_BOGUS\""
        );
    }
}
