//! A root filesystem of Debian packages for the example of three tiers: one for all its images,
//! which only add their own files. Not reproducible byte by byte: it is what Debian has today.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::checksum::sha256_hex;
use crate::{packages, workspace};

/// What the three tiers run.
const PACKAGES: &str = "nginx-light,postgresql-15,python3-flask,python3-psycopg2";

/// What nobody looks at in a container: half of it all.
const LEFT_OUT: &[&str] = &[
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    // The compiler of queries, which is off for queries of the example's size.
    "/usr/lib/postgresql/15/lib/bitcode/*",
    "/usr/lib/postgresql/15/lib/llvmjit*",
    "/usr/lib/x86_64-linux-gnu/libLLVM*",
    "/usr/lib/x86_64-linux-gnu/libz3*",
];

/// The database's files are made when it first starts, where its volume is.
const NO_CLUSTER: &str = "mkdir -p \"$1/etc/postgresql-common\" && \
    echo 'create_main_cluster = false' > \"$1/etc/postgresql-common/createcluster.conf\"";

/// Makes `target/images/debian-tiers.tar` with mmdebstrap, unless it is there and made the same way.
pub fn ensure() -> Result<()> {
    if let Some((_, reason)) = packages::ensure_optional_one("mmdebstrap") {
        bail!("{reason}");
    }
    let Some(program) = packages::find("mmdebstrap") else {
        bail!("there is no mmdebstrap");
    };
    let dir = workspace::target().join("images");
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let lock = fs::File::create(dir.join("lock")).context("creating the images' lock")?;
    lock.lock().context("locking target/images")?;
    let (image, stamp) = (
        dir.join("debian-tiers.tar"),
        dir.join("debian-tiers.tar.stamp"),
    );
    let made_from = sha256_hex(include_bytes!("debian.rs"));
    if image.is_file() && fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == made_from) {
        return Ok(());
    }
    println!("images: Debian with {PACKAGES}");
    let started = Instant::now();
    // Its end decides whether it is used: one that was interrupted has no stamp.
    let _ = fs::remove_file(&stamp);
    bootstrap(&program, &image)?;
    fs::write(&stamp, made_from).with_context(|| format!("writing {}", stamp.display()))?;
    println!(
        "images: {}  {:.1} MB  {:.1} s",
        image.display(),
        fs::metadata(&image).map_or(0, |file| file.len()) as f64 / 1e6,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn bootstrap(program: &Path, image: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command
        .args(["--quiet", "--variant=essential", "--mode=root"])
        .arg(format!("--include={PACKAGES}"))
        .arg("--aptopt=APT::Install-Recommends \"false\"")
        .arg(format!("--essential-hook={NO_CLUSTER}"));
    for path in LEFT_OUT {
        command.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    let status = command
        .arg("bookworm")
        .arg(image)
        .env("PATH", packages::search_path())
        .stdin(Stdio::null())
        .status()
        .context("running mmdebstrap")?;
    if !status.success() {
        bail!("mmdebstrap: {status} (its message is above)");
    }
    Ok(())
}
