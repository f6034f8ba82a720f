//! The image that is carried around: one layer, 100 MB of files of 25 kB, of text that packs about
//! three to one. It is the same in each run and for each contender.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::write::GzEncoder;

use crate::engine::{CommandLine, Engine};

/// What the image is called.
pub const NAME: &str = "bench-layer";

/// How large the layer is, unless there is little time.
pub const MEGABYTES: usize = 100;

/// In a megabyte.
const FILES: usize = 40;
const FILE_SIZE: usize = 25 * 1024;

/// The image as files.
pub struct Archives {
    /// The layer alone, packed with gzip.
    pub layer: PathBuf,
    /// What `load` takes: an OCI image layout with the manifest.json of a docker-archive.
    pub image: PathBuf,
}

impl Archives {
    /// Writes both into `directory`, the second with our help. No engine has the image afterwards.
    pub fn write(megabytes: usize, rbox: &Engine, directory: &Path) -> Result<Archives> {
        let archives = Archives {
            layer: directory.join("layer.tar.gz"),
            image: directory.join("image.tar"),
        };
        write_layer(&archives.layer, megabytes)
            .with_context(|| format!("write {}", archives.layer.display()))?;
        rbox.quiet(&["import", text(&archives.layer)?, NAME])?;
        rbox.quiet(&["save", "-o", text(&archives.image)?, NAME])?;
        forget(NAME).on(rbox)?;
        Ok(archives)
    }

    /// `load` of the image.
    pub fn load(&self, engine: &Engine) -> Result<CommandLine> {
        Ok(engine.command(&["load", "-q", "-i", text(&self.image)?]))
    }
}

/// An image that is to be removed.
pub struct Forget<'n>(&'n str);

/// For [`Forget::by`] and [`Forget::on`].
pub fn forget(name: &str) -> Forget<'_> {
    Forget(name)
}

impl Forget<'_> {
    /// The command.
    pub fn by(&self, engine: &Engine) -> CommandLine {
        engine.command(&["rmi", "-f", self.0])
    }

    /// Removes it now.
    pub fn on(&self, engine: &Engine) -> Result<()> {
        self.by(engine).output().map(drop)
    }
}

/// Paths are part of command lines.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is no text", path.display()))
}

fn write_layer(path: &Path, megabytes: usize) -> Result<()> {
    let packed = GzEncoder::new(File::create(path)?, flate2::Compression::default());
    let mut tar = tar::Builder::new(packed);
    let mut words = Words::default();
    for number in 0..megabytes * FILES {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        header.set_size(FILE_SIZE as u64);
        let name = format!("data/{:02}/file-{number}", number % 64);
        tar.append_data(&mut header, name, words.next_file())?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// Pseudo-random words, the same each time.
struct Words {
    state: u64,
    file: Vec<u8>,
}

impl Default for Words {
    fn default() -> Words {
        Words {
            state: 0x9e37_79b9_7f4a_7c15,
            file: Vec::with_capacity(FILE_SIZE + 16),
        }
    }
}

impl Words {
    fn next_file(&mut self) -> &[u8] {
        self.file.clear();
        while self.file.len() < FILE_SIZE {
            self.state = self
                .state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let word = (self.state >> 33) % 5_000;
            self.file
                .extend_from_slice(format!("{:x}{word:04x} ", word * 7).as_bytes());
        }
        self.file.truncate(FILE_SIZE);
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_differ_but_are_the_same_in_each_run() {
        let (mut one, mut other) = (Words::default(), Words::default());
        let first = one.next_file().to_vec();
        assert_eq!(first.len(), FILE_SIZE);
        assert_eq!(first, other.next_file());
        assert_ne!(first, one.next_file());
    }

    #[test]
    fn it_packs_as_texts_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("layer.tar.gz");
        write_layer(&path, 10).unwrap();
        let packed = path.metadata().unwrap().len();
        let plain = (10 * FILES * FILE_SIZE) as u64;
        assert!((plain / 4..plain / 2).contains(&packed), "{packed}");
    }
}
