//! `cargo xtask dist`: what is given to others.
//!
//! ```text
//! cargo build --release ─▶ rbox ─┬─ completion, generate man ─▶ target/dist/package/
//!                                │                               ├─▶ rbox-VERSION-ARCH-linux.tar.gz
//!                                └─ checked: static, stripped    ├─▶ rbox_VERSION_ARCH.deb (cargo-deb)
//!                                                                └─▶ SHA256SUMS
//! ```

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};

use crate::images::checksum::sha256_hex;
use crate::{test, workspace};

/// The program that makes the .deb, as it was tried.
const CARGO_DEB: &str = "3.8.0";

/// What the binary may weigh, bytes.
const BUDGET: u64 = 12_000_000;

/// Makes everything anew in `target/dist/`.
pub fn make() -> Result<()> {
    let binary = build()?;
    let facts = inspect(&binary)?;
    let version = version(&binary)?;
    let dist = workspace::target().join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).with_context(|| format!("removing {}", dist.display()))?;
    }
    let package = dist.join("package");
    fill(&binary, &package)?;
    let name = format!("rbox-{version}-{}-linux", std::env::consts::ARCH);
    let archive = dist.join(format!("{name}.tar.gz"));
    pack(&package, &name, &archive)?;
    let deb = debian(&dist)?;
    let sums = sums(&[&archive, &deb])?;
    fs::write(dist.join("SHA256SUMS"), &sums).context("writing SHA256SUMS")?;
    print!(
        "\n{}: {:.2} MB, static\n{sums}",
        binary.display(),
        facts as f64 / 1e6
    );
    Ok(())
}

fn build() -> Result<PathBuf> {
    let status = test::cargo(&["build", "--release", "--package", "rbox"])
        .status()
        .context("running cargo")?;
    if !status.success() {
        bail!("rbox did not build (cargo's message is above)");
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    Ok(workspace::build_dir().join(target).join("release/rbox"))
}

/// Makes sure that the binary needs nothing of the system that it runs on, and is within its budget:
/// its size in bytes.
fn inspect(binary: &Path) -> Result<u64> {
    let bytes = fs::read(binary).with_context(|| format!("reading {}", binary.display()))?;
    if has_interpreter(&bytes)? {
        bail!("{} is not static", binary.display());
    }
    let size = bytes.len() as u64;
    if size > BUDGET {
        bail!(
            "{} has {size} bytes, the budget is {BUDGET}",
            binary.display()
        );
    }
    Ok(size)
}

/// Whether a program header of a 64-bit ELF file asks for a dynamic linker (PT_INTERP; elf(5)).
fn has_interpreter(elf: &[u8]) -> Result<bool> {
    const PT_INTERP: u32 = 3;
    let word = |at: usize, length: usize| -> Result<u64> {
        let bytes = elf
            .get(at..at + length)
            .context("the ELF file is cut off")?;
        let mut word = [0u8; 8];
        word[..length].copy_from_slice(bytes);
        Ok(u64::from_le_bytes(word))
    };
    if elf.get(..5) != Some(b"\x7fELF\x02") {
        bail!("no 64-bit ELF file");
    }
    let start = usize::try_from(word(0x20, 8)?)?;
    let size = usize::try_from(word(0x36, 2)?)?;
    let count = usize::try_from(word(0x38, 2)?)?;
    for number in 0..count {
        if word(start + number * size, 4)? == u64::from(PT_INTERP) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// As the binary says itself: it runs here.
fn version(binary: &Path) -> Result<String> {
    let said = output(Command::new(binary).arg("--version"))?;
    Ok(version_in(&said)
        .context("the binary does not say its version")?
        .to_owned())
}

/// The version in `rbox version 0.1.0`.
fn version_in(said: &str) -> Option<&str> {
    said.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

/// Everything that is installed, as the archive and the .deb have it.
fn fill(binary: &Path, package: &Path) -> Result<()> {
    let completions = package.join("completions");
    let man = package.join("man");
    for dir in [&completions, &man] {
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    }
    let copy = |from: &Path, name: &str| -> Result<()> {
        let to = package.join(name);
        fs::copy(from, &to)
            .map(drop)
            .with_context(|| format!("copying {} to {}", from.display(), to.display()))
    };
    copy(binary, "rbox")?;
    for (from, name) in [
        ("README.md", "README.md"),
        ("LICENSE", "LICENSE"),
        ("packaging/rbox.service", "rbox.service"),
    ] {
        copy(&workspace::root().join(from), name)?;
    }
    for (shell, name) in [("bash", "rbox"), ("zsh", "_rbox"), ("fish", "rbox.fish")] {
        let script = output(Command::new(binary).args(["completion", shell]))?;
        fs::write(completions.join(name), script)
            .with_context(|| format!("writing the completion of {shell}"))?;
    }
    output(Command::new(binary).args(["generate", "man"]).arg(&man))?;
    Ok(())
}

/// An archive that is the same, byte by byte, for the same files.
fn pack(package: &Path, name: &str, archive: &Path) -> Result<()> {
    let file = File::create(archive).with_context(|| format!("creating {}", archive.display()))?;
    let gzip = GzBuilder::new().write(BufWriter::new(file), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    let time = commit_time()?;
    for path in files(package)? {
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        let is_program =
            path.file_name() == Some(OsStr::new("rbox")) && path.parent() == Some(package);
        header.set_mode(if is_program { 0o755 } else { 0o644 });
        header.set_mtime(time);
        let below = path.strip_prefix(package).unwrap_or(&path);
        tar.append_data(&mut header, Path::new(name).join(below), bytes.as_slice())
            .with_context(|| format!("adding {}", below.display()))?;
    }
    use std::io::Write;
    tar.into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .and_then(|mut file| file.flush())
        .with_context(|| format!("writing {}", archive.display()))
}

/// All files below a directory, sorted.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// When the last change was made, seconds; 0 outside of a repository.
fn commit_time() -> Result<u64> {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%ct"])
        .current_dir(workspace::root());
    Ok(output(&mut git)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0))
}

/// The Debian package, by cargo-deb, which is built once into `target/tools`.
fn debian(dist: &Path) -> Result<PathBuf> {
    let tools = workspace::target().join("tools");
    let program = tools.join("bin/cargo-deb");
    let current = Command::new(&program)
        .arg("--version")
        .output()
        .is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(CARGO_DEB));
    if !current {
        println!("dist: building cargo-deb {CARGO_DEB}");
        let status = test::cargo(&["install", "cargo-deb", "--locked", "--version", CARGO_DEB])
            .arg("--root")
            .arg(&tools)
            .status()
            .context("running cargo install")?;
        if !status.success() {
            bail!("cargo-deb did not build (cargo's message is above)");
        }
    }
    let said = output(
        Command::new(&program)
            .args([
                "deb",
                "--no-build",
                "--no-strip",
                "--package",
                "rbox",
                "--output",
            ])
            .arg(dist)
            .current_dir(workspace::root()),
    )?;
    let path = said.lines().map(Path::new).find(|path| path.is_file());
    path.map(Path::to_owned)
        .with_context(|| format!("cargo-deb does not say what it made: {said}"))
}

/// As sha256sum(1) writes and checks them.
fn sums(paths: &[&Path]) -> Result<String> {
    let mut sums = String::new();
    for path in paths {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().display();
        sums.push_str(&format!("{}  {name}\n", sha256_hex(&bytes)));
    }
    Ok(sums)
}

/// What a program prints, if it succeeds.
fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("running {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{}: {}", command.get_program().display(), output.status);
    }
    String::from_utf8(output.stdout).context("what it printed is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_is_told_from_a_static_one() {
        let shell = fs::read("/bin/sh").unwrap();
        assert!(has_interpreter(&shell).unwrap());
        // The tests are built as the program is.
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!has_interpreter(&own).unwrap());
        assert!(has_interpreter(b"#!/bin/sh").is_err());
        assert!(has_interpreter(&shell[..0x30]).is_err());
    }

    #[test]
    fn an_archive_has_sorted_files_and_its_program_is_executable() {
        let dir = std::env::temp_dir().join(format!("xtask-dist-{}", std::process::id()));
        let package = dir.join("package");
        fs::create_dir_all(package.join("completions")).unwrap();
        for name in ["rbox", "LICENSE", "completions/rbox"] {
            fs::write(package.join(name), name).unwrap();
        }
        let (one, other) = (dir.join("one.tar.gz"), dir.join("other.tar.gz"));
        pack(&package, "rbox-1", &one).unwrap();
        pack(&package, "rbox-1", &other).unwrap();
        let bytes = fs::read(&one).unwrap();
        assert_eq!(bytes, fs::read(&other).unwrap());
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let path = entry.path().unwrap().display().to_string();
                (path, entry.header().mode().unwrap())
            })
            .collect();
        let expected = [
            ("rbox-1/LICENSE".to_owned(), 0o644),
            ("rbox-1/completions/rbox".to_owned(), 0o644),
            ("rbox-1/rbox".to_owned(), 0o755),
        ];
        assert_eq!(entries, expected);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_version_is_one_word() {
        assert_eq!(version_in("rbox version 0.1.0\n"), Some("0.1.0"));
        assert_eq!(version_in("rbox"), None);
    }

    #[test]
    fn sums_are_as_sha256sum_writes_them() {
        let path = std::env::temp_dir().join(format!("xtask-sums-{}", std::process::id()));
        fs::write(&path, "abc").unwrap();
        let name = path.file_name().unwrap().display();
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sums(&[&path]).unwrap(), format!("{sum}  {name}\n"));
        fs::remove_file(&path).unwrap();
    }
}
