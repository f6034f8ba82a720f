//! `spec`: a configuration to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};

use super::NAME;
use super::call::Call;
use super::command::{Arity, Command};
use super::flags::{Flag, Kind};
use super::launch::BUNDLE;
use crate::engine::failure::{Context, Failure};
use rbox_runtime::lifecycle::OCI_VERSION;
use rbox_runtime::spec::defaults;

static ROOTLESS: Flag = Flag::new("rootless", Kind::Refused, "");

/// `spec`.
pub static COMMAND: Command = Command {
    name: "spec",
    usage: "[command options]",
    about: "write a config.json to begin with: a shell in rootfs",
    flags: &[&BUNDLE, &ROOTLESS],
    arity: Arity::Exactly(0),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let path = PathBuf::from(call.flags.text(&BUNDLE).unwrap_or(".")).join("config.json");
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::new(format!(
                "file {} exists: remove it first",
                path.display()
            )));
        }
        Err(error) => return Err(error).context(|| format!("make {}", path.display())),
    };
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"\t"));
    configuration()
        .serialize(&mut serializer)
        .context(|| "print the configuration".into())?;
    text.push(b'\n');
    file.write_all(&text)
        .context(|| format!("write {}", path.display()))?;
    Ok(0)
}

/// What `runc spec` writes.
fn configuration() -> Value {
    let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
    json!({
        "ociVersion": OCI_VERSION,
        "process": {
            "terminal": true,
            "user": { "uid": 0, "gid": 0 },
            "args": ["sh"],
            "env": [defaults::PATH, "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities,
                "effective": capabilities,
                "permitted": capabilities,
            },
            "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 }],
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": true },
        "hostname": NAME,
        "mounts": mounts(),
        "linux": {
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            "namespaces": [
                { "type": "pid" },
                { "type": "network" },
                { "type": "ipc" },
                { "type": "uts" },
                { "type": "mount" },
                { "type": "cgroup" },
            ],
            "maskedPaths": defaults::masked_paths(false),
            "readonlyPaths": defaults::readonly_paths(false),
        },
    })
}

fn mounts() -> Value {
    json!([
        { "destination": "/proc", "type": "proc", "source": "proc" },
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        },
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        },
        {
            "destination": "/dev/shm",
            "type": "tmpfs",
            "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        },
        {
            "destination": "/dev/mqueue",
            "type": "mqueue",
            "source": "mqueue",
            "options": ["nosuid", "noexec", "nodev"],
        },
        {
            "destination": "/sys",
            "type": "sysfs",
            "source": "sysfs",
            "options": ["nosuid", "noexec", "nodev", "ro"],
        },
        {
            "destination": "/sys/fs/cgroup",
            "type": "cgroup",
            "source": "cgroup",
            "options": ["nosuid", "noexec", "nodev", "relatime", "ro"],
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::{OCI_VERSION, configuration};
    use oci_spec::runtime::Spec;

    #[test]
    fn the_configuration_is_one_that_the_runtime_takes() {
        let spec: Spec = serde_json::from_value(configuration()).unwrap();
        rbox_runtime::spec::validate(&spec).unwrap();
        assert_eq!(spec.version(), OCI_VERSION);
        assert_eq!(spec.mounts().as_ref().unwrap().len(), 7);
    }
}
