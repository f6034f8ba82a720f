//! Namespace modes: `--pid`, `--ipc`, `--uts`, `--cgroupns`, `--userns`.

use super::Invalid;
use crate::engine::user_namespace::Mode;

/// `--pid`: empty, `host` or `container:NAME`.
pub fn pid(mode: &str) -> Result<(), Invalid> {
    let valid = mode.is_empty()
        || mode == "host"
        || mode
            .strip_prefix("container:")
            .is_some_and(|name| !name.is_empty());
    if valid {
        Ok(())
    } else {
        Err(Invalid::new("--pid: invalid PID mode"))
    }
}

/// `--uts`: empty or `host`.
pub fn uts(mode: &str) -> Result<(), Invalid> {
    if matches!(mode, "" | "host") {
        Ok(())
    } else {
        Err(Invalid::new("--uts: invalid UTS mode"))
    }
}

/// `--cgroupns`: empty, `host` or `private`.
pub fn cgroupns(mode: &str) -> Result<(), Invalid> {
    if matches!(mode, "" | "host" | "private") {
        Ok(())
    } else {
        Err(Invalid::new("--cgroupns: invalid CGROUP mode"))
    }
}

/// `--userns`: empty, `host`, `auto`, `auto:size=N` or `keep-id`.
pub fn userns(mode: &str) -> Result<(), Invalid> {
    Mode::parse(mode)
        .map(drop)
        .map_err(|error| Invalid(error.0))
}

/// `--ipc`: the engine's text, for it is the engine that refuses in Docker.
pub fn ipc(mode: &str) -> Result<(), Invalid> {
    let valid = matches!(mode, "" | "none" | "private" | "shareable" | "host")
        || mode
            .strip_prefix("container:")
            .is_some_and(|name| !name.is_empty());
    if valid {
        Ok(())
    } else {
        Err(Invalid(format!("Invalid IPC mode: {mode}")))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn unknown_modes_are_refused() {
        assert!(super::pid("container:x").is_ok());
        assert_eq!(
            super::pid("bogus").unwrap_err().0,
            "--pid: invalid PID mode"
        );
        assert_eq!(
            super::pid("container:").unwrap_err().0,
            "--pid: invalid PID mode"
        );
        assert_eq!(
            super::uts("bogus").unwrap_err().0,
            "--uts: invalid UTS mode"
        );
        assert_eq!(
            super::ipc("bogus").unwrap_err().0,
            "Invalid IPC mode: bogus"
        );
        assert_eq!(
            super::cgroupns("x").unwrap_err().0,
            "--cgroupns: invalid CGROUP mode"
        );
    }
}
