//! Keeps packages from starting their services while they are installed: Debian's scripts ask
//! `/usr/sbin/policy-rc.d` first, where there is one (its interface is described with
//! `invoke-rc.d`, which systemd's counterpart follows).

use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// 101 is "action forbidden by policy".
const FORBID: &str =
    "#!/bin/sh\n# Made by cargo xtask test, which takes it away again.\nexit 101\n";

/// While this lives, no service is started. A policy of the machine's own is left as it is.
pub struct Off(Option<PathBuf>);

/// Puts the policy in its place.
pub fn kept_off() -> Result<Off> {
    keep_off(Path::new(POLICY))
}

fn keep_off(policy: &Path) -> Result<Off> {
    use std::io::Write;
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(policy);
    match made {
        Ok(mut file) => {
            let off = Off(Some(policy.to_owned()));
            file.write_all(FORBID.as_bytes())
                .with_context(|| format!("writing {}", policy.display()))?;
            Ok(off)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Off(None)),
        Err(error) => Err(error).with_context(|| format!("creating {}", policy.display())),
    }
}

impl Drop for Off {
    fn drop(&mut self) {
        if let Some(policy) = &self.0
            && let Err(error) = std::fs::remove_file(policy)
        {
            println!(
                "packages: {} keeps services off and could not be removed: {error}",
                policy.display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_policy_forbids_services_and_goes_but_the_machines_own_stays() {
        let dir = std::env::temp_dir().join(format!("xtask-policy-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let policy = dir.join("policy-rc.d");
        let off = keep_off(&policy).unwrap();
        assert_eq!(std::fs::read_to_string(&policy).unwrap(), FORBID);
        let mode = std::fs::metadata(&policy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        drop(off);
        assert!(!policy.exists());

        std::fs::write(&policy, "own").unwrap();
        drop(keep_off(&policy).unwrap());
        assert_eq!(std::fs::read_to_string(&policy).unwrap(), "own");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
