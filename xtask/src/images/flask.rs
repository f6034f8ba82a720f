//! Alpine, CPython and Flask in one tree, byte-compiled.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::tree::{Node, Tree};
use super::{python, wheels, zip};

const LIBRARY: &str = "usr/local/lib/python3.13";

/// The `flask` command as pip would have written it.
const COMMAND: &str = "#!/usr/local/bin/python3\n\
                       import sys\n\
                       from flask.cli import main\n\
                       sys.exit(main())\n";

/// Adds CPython, Flask and the byte-compiled form of both to an Alpine tree. `scratch` is a
/// directory in which programs may be executed.
pub fn assemble(mut tree: Tree, cache: &Path, scratch: &Path) -> Result<Tree> {
    println!("images: unpacking CPython and Flask");
    python::add(&mut tree, cache)?;
    for wheel in wheels::FLASK
        .iter()
        .filter(|wheel| wheel.name != wheels::PYTHON.name)
    {
        let archive = wheels::read(wheel, cache)?;
        for member in zip::members(&archive)? {
            if !member.name.ends_with('/') {
                let mode = if member.name.ends_with(".so") {
                    0o755
                } else {
                    0o644
                };
                let path = format!("{LIBRARY}/site-packages/{}", member.name);
                tree.file(&path, mode, member.content()?);
            }
        }
    }
    tree.file("usr/local/bin/flask", 0o755, COMMAND);
    println!("images: byte-compiling with the image's own Python");
    byte_compile(&mut tree, &scratch.join("stage"))?;
    Ok(tree)
}

/// Compiles the library with the image's own interpreter, started through the image's own loader
/// from a directory: neither root nor a chroot is needed.
///
/// The compiled files carry a hash of their source instead of its time, and no check of it, so
/// that they are the same everywhere and used as they are. One process, in sorted order, with a
/// fixed hash seed: what marshal writes depends on all three.
fn byte_compile(tree: &mut Tree, stage: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(stage);
    unpack(tree, stage).with_context(|| format!("writing {}", stage.display()))?;
    let output = Command::new(stage.join("lib/ld-musl-x86_64.so.1"))
        .arg("--library-path")
        .arg(library_path(stage))
        .arg(stage.join("usr/local/bin/python3.13"))
        .args(["-W", "ignore", "-m", "compileall", "-q", "-f"])
        .args(["--invalidation-mode", "unchecked-hash", "-p", "/", "-s"])
        .arg(stage)
        .arg(stage.join(LIBRARY))
        .env_clear()
        .env("PYTHONHOME", stage.join("usr/local"))
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .context("running the image's Python (its directory must allow execution)")?;
    if !output.status.success() {
        bail!(
            "byte-compiling failed, {}:\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    collect_compiled(tree, stage, LIBRARY)?;
    std::fs::remove_dir_all(stage).with_context(|| format!("removing {}", stage.display()))
}

fn library_path(stage: &Path) -> String {
    let dirs = ["usr/local/lib", "lib", "usr/lib"];
    dirs.map(|dir| stage.join(dir).display().to_string())
        .join(":")
}

/// Writes the interpreter, its library and Alpine's shared libraries.
fn unpack(tree: &Tree, stage: &Path) -> Result<()> {
    for (path, entry) in tree.iter() {
        if !["lib/", "usr/lib/", "usr/local/"]
            .iter()
            .any(|prefix| path.starts_with(prefix))
        {
            continue;
        }
        let target = stage.join(path);
        match &entry.node {
            Node::Dir => std::fs::create_dir_all(&target)?,
            Node::Link(to) => {
                create_parent(&target)?;
                std::os::unix::fs::symlink(to, &target)?;
            }
            Node::File(content) => {
                create_parent(&target)?;
                std::fs::write(&target, content)?;
                let mode = std::fs::Permissions::from_mode(entry.mode | 0o600);
                std::fs::set_permissions(&target, mode)?;
            }
        }
    }
    Ok(())
}

fn create_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// Takes the compiled files below a directory of the stage into the tree.
fn collect_compiled(tree: &mut Tree, stage: &Path, dir: &str) -> Result<()> {
    let listing = std::fs::read_dir(stage.join(dir)).with_context(|| format!("listing {dir}"))?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in listing {
        paths.push(entry.with_context(|| format!("listing {dir}"))?.path());
    }
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let inside = format!("{dir}/{name}");
        if path.is_dir() {
            collect_compiled(tree, stage, &inside)?;
        } else if name.ends_with(".pyc") {
            let content = std::fs::read(&path).with_context(|| format!("reading {inside}"))?;
            tree.file(&inside, 0o644, content);
        }
    }
    Ok(())
}
