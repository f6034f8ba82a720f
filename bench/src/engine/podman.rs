//! Podman, configured in the bench's own /etc: with its defaults, apart from what it cannot do
//! without systemd.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, getrlimit};

use super::Engine;
use crate::field::Field;
use crate::finding::Skip;

/// As in tables.
pub const NAME: &str = "podman";

const DIRECTORY: &str = "/etc/containers";

/// Writes its configuration; nothing runs between its commands. Its own choice of a runtime is crun;
/// where that is not there, or refuses the machine's cgroups, runc takes its place and the second
/// tells why.
pub fn engine(scratch: &Path) -> Result<(Engine, Option<Skip>)> {
    let program = Field::find("podman").context("podman is not installed")?;
    Field::find("/usr/lib/podman/netavark").context("netavark is not installed")?;
    let engine = Engine {
        name: NAME,
        program,
        globals: Vec::new(),
        environment: Vec::new(),
    };
    let mut without = None;
    if let Err(error) = try_with(&engine, scratch, "crun") {
        try_with(&engine, scratch, "runc")?;
        without = Some(Skip {
            what: "podman with crun".to_owned(),
            reason: format!("{error:#}; it has runc"),
        });
    }
    println!("{}", engine.quiet(&["--version"])?);
    Ok((engine, without))
}

fn try_with(engine: &Engine, scratch: &Path, runtime: &str) -> Result<()> {
    Field::find(runtime).with_context(|| format!("{runtime} is not installed"))?;
    configure(scratch, runtime)?;
    engine.quiet(&["info"]).map(drop)
}

fn configure(scratch: &Path, runtime: &str) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = Path::new(DIRECTORY).join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())
    };
    fs::create_dir_all(DIRECTORY)?;
    let ulimit = |name, resource| {
        let hard = getrlimit(resource).maximum;
        // Above the hard limit a container would not start.
        hard.map(|limit| format!("\"{name}={limit}:{limit}\""))
    };
    let ulimits: Vec<String> = [
        ulimit("nofile", Resource::Nofile),
        ulimit("nproc", Resource::Nproc),
    ]
    .into_iter()
    .flatten()
    .collect();
    write(
        "containers.conf",
        &format!(
            "[containers]\ndefault_ulimits = [{}]\nlog_driver = \"k8s-file\"\n\
             [engine]\nruntime = \"{runtime}\"\ncgroup_manager = \"cgroupfs\"\n\
             events_logger = \"file\"\n\
             [network]\nnetwork_backend = \"netavark\"\n",
            ulimits.join(", ")
        ),
    )?;
    write(
        "storage.conf",
        &format!(
            "[storage]\ndriver = \"overlay\"\nrunroot = \"/run/containers/storage\"\n\
             graphroot = \"{}\"\n",
            scratch.join(NAME).display()
        ),
    )?;
    write(
        "registries.conf",
        "unqualified-search-registries = [\"docker.io\"]\n",
    )?;
    write(
        "policy.json",
        "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}\n",
    )
}
