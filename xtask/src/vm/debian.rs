//! Debian's packages for the machine: downloaded once, never installed here.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{program, succeed};
use crate::packages;

/// Kernels with pure cgroup v2 controllers, the first that the machine's sources offer: Debian 12's
/// backport of 6.12, then whatever the release's own is.
const KERNELS: &[&str] = &["linux-image-6.12-cloud-amd64", "linux-image-cloud-amd64"];

/// The userland: an init, and what tests call.
const USERLAND: &[&str] = &[
    "base-files",
    "base-passwd",
    "bash",
    "conntrack",
    "coreutils",
    "curl",
    "dash",
    "dbus-daemon",
    "debianutils",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libc-bin",
    "mawk",
    "mount",
    "nftables",
    "procps",
    "python3",
    "sed",
    "systemd",
    "tar",
    "usr-is-merged",
    "util-linux",
];

/// The downloaded packages.
pub struct Debs {
    /// The kernel and its modules.
    pub kernel: PathBuf,
    /// The rest.
    pub userland: Vec<PathBuf>,
}

/// Downloads what is not there yet below `dir`; without anything missing, does not touch the
/// network.
pub fn download(dir: &Path) -> Result<Debs> {
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if packages::find(tool).is_none() {
            bail!("its kernel is Debian's, and there is no {tool} here to get it");
        }
    }
    let wanted = format!("{}\n{}\n", KERNELS.join(" "), USERLAND.join(" "));
    let (kernel, userland) = (dir.join("debs/kernel"), dir.join("debs/userland"));
    let complete = dir.join("debs/complete");
    if std::fs::read_to_string(&complete).is_ok_and(|text| text == wanted) {
        return collect(&kernel, &userland);
    }
    let _ = std::fs::remove_dir_all(dir.join("debs"));
    for made in [&kernel, &userland.join("partial")] {
        std::fs::create_dir_all(made).with_context(|| format!("creating {}", made.display()))?;
    }
    println!("vm: apt-get downloads a kernel and a userland into target/vm/debs");
    if fetch(&kernel, &userland).is_err() {
        // The package lists may be missing or name files that are gone.
        apt(Path::new("/"), &["update", "-qq"])?;
        fetch(&kernel, &userland)?;
    }
    std::fs::write(&complete, wanted).context("noting that all packages are there")?;
    collect(&kernel, &userland)
}

fn fetch(kernel: &Path, userland: &Path) -> Result<()> {
    let image = kernel_package()?;
    apt(kernel, &["-qq", "download", &image])?;
    // As if nothing were installed: all that they depend on comes too.
    let archives = format!("Dir::Cache::archives={}", userland.display());
    let mut arguments = vec!["-qq", "--yes", "--no-install-recommends", "--download-only"];
    arguments.extend(["-o", "Dir::State::status=/dev/null"]);
    arguments.extend(["-o", "Debug::NoLocking=1", "-o", &archives, "install"]);
    arguments.extend(USERLAND);
    apt(userland, &arguments)
}

fn apt(directory: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = program("apt-get")?;
    // Its own user may not write below this directory.
    command.args(["-o", "APT::Sandbox::User=root"]);
    command.args(arguments).current_dir(directory);
    succeed(
        &mut command,
        "apt-get could not download the machine's packages",
    )
}

/// The package with the kernel itself, which the release's name for it depends on.
fn kernel_package() -> Result<String> {
    for name in KERNELS {
        let output = program("apt-cache")?
            .args(["depends", "--important", name])
            .output()
            .context("asking apt-cache for the kernel")?;
        let found = dependency(&String::from_utf8_lossy(&output.stdout));
        if let Some(package) = found {
            return Ok(package);
        }
    }
    bail!(
        "this machine's package sources offer none of {}",
        KERNELS.join(", ")
    )
}

/// The first kernel image in what `apt-cache depends` prints.
fn dependency(output: &str) -> Option<String> {
    output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|package| package.starts_with("linux-image-"))
        .map(str::to_owned)
}

fn collect(kernel: &Path, userland: &Path) -> Result<Debs> {
    let [kernel] = <[PathBuf; 1]>::try_from(packages_in(kernel)?)
        .map_err(|found| anyhow::anyhow!("{} kernels in target/vm/debs", found.len()))?;
    Ok(Debs {
        kernel,
        userland: packages_in(userland)?,
    })
}

fn packages_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.context("reading target/vm/debs")?.path();
        if path.extension().is_some_and(|end| end == "deb") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_what_its_name_in_the_release_depends_on() {
        let output = "linux-image-6.12-cloud-amd64\n  Depends: linux-image-6.12.9-cloud-amd64\n";
        assert_eq!(
            dependency(output).as_deref(),
            Some("linux-image-6.12.9-cloud-amd64")
        );
        assert_eq!(dependency("linux-image\n  Depends: <awk>\n"), None);
        assert_eq!(dependency(""), None);
    }
}
