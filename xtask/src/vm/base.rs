//! The machine without tests: a kernel and a disk with Debian's userland, made once.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::debian::Debs;
use super::{program, succeed};

/// What makes the userland a test machine: path, mode, content.
const GUEST: &[(&str, u32, &str)] = &[
    (
        "usr/lib/testmachine/init",
        0o755,
        include_str!("guest/init"),
    ),
    (
        "usr/lib/testmachine/tests",
        0o755,
        include_str!("guest/tests"),
    ),
    (
        "etc/systemd/system/testmachine.service",
        0o644,
        include_str!("guest/testmachine.service"),
    ),
    ("etc/hosts", 0o644, "127.0.0.1 localhost\n"),
    ("etc/hostname", 0o644, "testmachine\n"),
    ("etc/resolv.conf", 0o644, ""),
    ("etc/fstab", 0o644, ""),
    // systemd makes one up.
    ("etc/machine-id", 0o444, ""),
];

/// Bytes of the disk; a sparse file, so what is free costs nothing.
const DISK: &str = "1G";

/// What does not change from run to run.
pub struct Base {
    /// Name of the kernel's release.
    pub version: String,
    /// Its compressed image, as Debian ships it.
    pub kernel: PathBuf,
    /// An ext4 file system.
    pub disk: PathBuf,
}

/// Makes it unless it is there, from these packages and this program's own files.
pub fn ensure(dir: &Path, debs: &Debs) -> Result<Base> {
    let (disk, stamp) = (dir.join("base.img"), dir.join("base.stamp"));
    let inputs = inputs(debs);
    let is_current = std::fs::read_to_string(&stamp).is_ok_and(|text| text == inputs);
    if !is_current || !disk.exists() {
        let started = Instant::now();
        let _ = std::fs::remove_file(&stamp);
        make(dir, debs, &disk)?;
        std::fs::write(&stamp, inputs).context("noting what the disk was made from")?;
        println!(
            "vm: {}  {:.0} s",
            disk.display(),
            started.elapsed().as_secs_f64()
        );
    }
    let kernel = dir.join("vmlinuz");
    let version = std::fs::read_to_string(dir.join("version")).context("reading its version")?;
    Ok(Base {
        version: format!("Linux {}", version.trim()),
        kernel,
        disk,
    })
}

fn inputs(debs: &Debs) -> String {
    let mut text = String::new();
    for package in debs.userland.iter().chain([&debs.kernel]) {
        text.push_str(&format!("{}\n", package.display()));
    }
    for (path, mode, content) in GUEST {
        text.push_str(&format!("{path} {mode:o}\n{content}\n"));
    }
    text
}

fn make(dir: &Path, debs: &Debs, disk: &Path) -> Result<()> {
    let root = dir.join("root");
    remove(&root)?;
    // Debian's packages have been written for either layout; its systems have this one.
    for name in ["bin", "sbin", "lib", "lib64"] {
        std::fs::create_dir_all(root.join("usr").join(name)).context("creating directories")?;
        symlink(format!("usr/{name}"), root.join(name)).context("linking directories")?;
    }
    for package in debs.userland.iter().chain([&debs.kernel]) {
        unpack(package, &root)?;
    }
    for name in ["passwd", "group"] {
        let master = root.join(format!("usr/share/base-passwd/{name}.master"));
        std::fs::copy(&master, root.join("etc").join(name))
            .with_context(|| format!("copying {}", master.display()))?;
    }
    for name in ["proc", "sys", "dev", "run", "tmp", "mnt"] {
        std::fs::create_dir_all(root.join(name)).context("creating mount points")?;
    }
    // Made by the package's scripts otherwise.
    symlink("mawk", root.join("usr/bin/awk")).context("linking awk")?;
    for (path, mode, content) in GUEST {
        put(&root.join(path), *mode, content)?;
    }
    let version = install_kernel(&root, dir)?;
    file_system(&root, disk, DISK)?;
    std::fs::write(dir.join("version"), version).context("noting the kernel's version")?;
    remove(&root)
}

/// `tar` keeps the links that stand for directories, `dpkg-deb -x` would not.
fn unpack(package: &Path, root: &Path) -> Result<()> {
    let mut archive = program("dpkg-deb")?
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()
        .context("running dpkg-deb")?;
    let output = archive.stdout.take().context("dpkg-deb has no output")?;
    let mut tar = program("tar")?;
    tar.args(["-x", "--keep-directory-symlink", "-C"])
        .arg(root)
        .stdin(output);
    let what = format!("unpacking {}", package.display());
    succeed(&mut tar, &what)?;
    if !archive.wait().context("waiting for dpkg-deb")?.success() {
        bail!("{what}: dpkg-deb failed (its message is above)");
    }
    Ok(())
}

/// Takes the kernel's image out and indexes its modules; the release's name.
fn install_kernel(root: &Path, dir: &Path) -> Result<String> {
    let modules = root.join("usr/lib/modules");
    let mut releases = std::fs::read_dir(&modules).context("reading the modules' directory")?;
    let release = releases.next().context("the kernel has no modules")??;
    let version = release.file_name().to_string_lossy().into_owned();
    let image = root.join("boot").join(format!("vmlinuz-{version}"));
    std::fs::copy(&image, dir.join("vmlinuz"))
        .with_context(|| format!("copying {}", image.display()))?;
    // The machine would take seconds for it.
    let mut xz = program("xz")?;
    succeed(
        xz.arg("-d").args(packed(&modules)?),
        "unpacking the kernel modules",
    )?;
    let mut depmod = program("depmod")?;
    depmod.arg("-b").arg(root).arg(&version);
    succeed(&mut depmod, "indexing the kernel modules")?;
    Ok(version)
}

/// All compressed modules below a directory.
fn packed(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).context("reading the modules' directories")? {
        let path = entry.context("reading the modules' directories")?.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(packed(&path)?);
        } else if path.extension().is_some_and(|end| end == "xz") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Makes `disk` an ext4 file system with the content of `directory`.
pub fn file_system(directory: &Path, disk: &Path, size: &str) -> Result<()> {
    let _ = std::fs::remove_file(disk);
    let mut command = program("mke2fs")?;
    command.args(["-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d"]);
    command.arg(directory).arg(disk).arg(size);
    command.stdout(Stdio::null());
    succeed(&mut command, "making a disk")
}

fn put(path: &Path, mode: u32, content: &str) -> Result<()> {
    let write = || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Removes a directory that may not be there.
pub fn remove(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", directory.display()))
        }
        _ => Ok(()),
    }
}
