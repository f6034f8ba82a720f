//! A disk of the place's own: an ext4 as a user has it, with a journal, whatever the machine's is.
//!
//! Not every file system gives the same answers. An ext4 without a journal, as virtual machines have
//! it, looks at each inode that was deleted in the last minutes before it makes a file; then it
//! depends on what others removed before how long a contender takes.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::engine::CommandLine;
use crate::field::Field;

/// Where the disk is, in the directory that it is mounted over.
const IMAGE: &str = "disk";
/// No run needs more. It takes only as much as was written.
const LARGEST: u64 = 24 << 30;
/// What the machine keeps for itself.
const KEPT: u64 = 2 << 30;
/// Below that a run is hopeless on either.
const SMALLEST: u64 = 4 << 30;

/// Mounts a fresh one over `directory`, which must be empty. It is gone with the mount namespace.
/// Where there can be none, the machine's own disk stays, and that is said.
pub fn mount_over(directory: &Path) {
    match make(directory) {
        Ok(size) => println!("disk: an ext4 of its own, {} GB", size >> 30),
        Err(error) => println!("disk: the machine's ({error:#})"),
    }
}

fn make(directory: &Path) -> Result<u64> {
    let mkfs = Field::find("mkfs.ext4").context("no mkfs.ext4")?;
    let mount = Field::find("mount").context("no mount")?;
    let status = rustix::fs::statvfs(directory)?;
    let free = status.f_bavail.saturating_mul(status.f_frsize);
    let size = LARGEST.min(free.saturating_sub(KEPT));
    ensure!(size >= SMALLEST, "no room for one");
    let image = directory.join(IMAGE);
    let made = File::create_new(&image).and_then(|file| file.set_len(size));
    made.with_context(|| image.display().to_string())?;
    // Nothing of it is left to be done in the background.
    let mut format = CommandLine::new(mkfs, &["-q", "-F", "-E"]);
    let at_once = "lazy_itable_init=0,lazy_journal_init=0";
    format.words.extend([at_once.into(), image.clone().into()]);
    format.output()?;
    let mut attach = CommandLine::new(mount, &["-o", "loop"]);
    attach.words.extend([image.into(), directory.into()]);
    attach.output()?;
    Ok(size)
}
