//! Writing a tree as a gzip-compressed tar that is the same, byte by byte, for the same tree.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::tree::{Entry, Node, Tree};

/// The modification time of everything: 15 October 2026, after all packages were built.
const TIME: u64 = 1_792_022_400;

/// What was written.
pub struct Written {
    /// Bytes of the gzip file.
    pub compressed: u64,
    /// Bytes of the tar in it.
    pub unpacked: u64,
    /// SHA-256 of the tar in hex: the layer's diff-id.
    pub layer_digest: String,
}

/// Writes the tree to `path`; the file appears whole or not at all.
pub fn write(tree: &Tree, path: &Path) -> Result<Written> {
    let partial = path.with_extension("partial");
    let written =
        write_to(tree, &partial).with_context(|| format!("writing {}", path.display()))?;
    std::fs::rename(&partial, path)
        .with_context(|| format!("putting {} in place", path.display()))?;
    Ok(written)
}

fn write_to(tree: &Tree, path: &Path) -> Result<Written> {
    let gzip = GzEncoder::new(BufWriter::new(File::create(path)?), Compression::default());
    let mut archive = tar::Builder::new(Measured {
        inner: gzip,
        digest: Sha256::new(),
        length: 0,
    });
    for (name, entry) in tree.iter() {
        append(&mut archive, name, entry).with_context(|| format!("adding {name}"))?;
    }
    let measured = archive.into_inner()?;
    let file = measured.inner.finish()?.into_inner()?;
    file.sync_all()?;
    Ok(Written {
        compressed: file.metadata()?.len(),
        unpacked: measured.length,
        layer_digest: measured
            .digest
            .finalize()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect(),
    })
}

fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, entry: &Entry) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    header.set_mtime(TIME);
    let mut content: &[u8] = &[];
    let mut extensions: Vec<(&str, &[u8])> = Vec::new();
    let mut name = name.to_owned();
    match &entry.node {
        Node::Dir => {
            header.set_entry_type(tar::EntryType::Directory);
            name.push('/');
        }
        Node::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            if header.set_link_name_literal(target).is_err() {
                extensions.push(("linkpath", target.as_bytes()));
            }
        }
        Node::File(data) => {
            header.set_entry_type(tar::EntryType::Regular);
            content = data;
        }
    }
    header.set_size(content.len() as u64);
    // A name that ustar's two fields cannot hold goes into a PAX record, with a stand-in in the
    // header for readers that know no better.
    if header.set_path(&name).is_err() {
        extensions.push(("path", name.as_bytes()));
        let end = name
            .char_indices()
            .map(|(at, _)| at)
            .take_while(|at| *at < 90)
            .last();
        header.set_path(&name[..end.unwrap_or_default()])?;
    }
    header.set_cksum();
    if !extensions.is_empty() {
        archive.append_pax_extensions(extensions)?;
    }
    archive.append(&header, content)
}

/// Measures and digests what passes through.
struct Measured<W> {
    inner: W,
    digest: Sha256,
    length: u64,
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(data)?;
        self.digest.update(&data[..count]);
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn sample() -> Tree {
        let mut tree = Tree::default();
        tree.dir("root", 0o700);
        tree.file("root/.profile", 0o644, "hello");
        tree.link("bin/sh", "/bin/busybox");
        tree.link("bin/far", &"t/".repeat(80));
        tree.file(
            &format!("{}/{}", "d".repeat(120), "n".repeat(120)),
            0o4755,
            "x",
        );
        tree
    }

    #[test]
    fn what_is_written_reads_back_with_long_names_and_special_modes() {
        let dir = std::env::temp_dir().join(format!("xtask-tarball-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("x.tar.gz");
        let written = write(&sample(), &file).unwrap();
        let packed = std::fs::read(&file).unwrap();
        assert_eq!(packed.len() as u64, written.compressed);
        let again = write(&sample(), &file).unwrap();
        assert_eq!(
            std::fs::read(&file).unwrap(),
            packed,
            "the same tree gives the same bytes"
        );
        assert_eq!(again.layer_digest, written.layer_digest);

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            let link = entry.link_name().unwrap().map(|l| l.display().to_string());
            let path = entry.path().unwrap().display().to_string();
            seen.push((
                path,
                entry.header().mode().unwrap(),
                content,
                link.unwrap_or_default(),
            ));
        }
        let long = format!("{}/{}", "d".repeat(120), "n".repeat(120));
        let expected = [
            ("bin/".to_owned(), 0o755, "", String::new()),
            ("bin/far".to_owned(), 0o777, "", "t/".repeat(80)),
            ("bin/sh".to_owned(), 0o777, "", "/bin/busybox".to_owned()),
            (format!("{}/", "d".repeat(120)), 0o755, "", String::new()),
            (long, 0o4755, "x", String::new()),
            ("root/".to_owned(), 0o700, "", String::new()),
            ("root/.profile".to_owned(), 0o644, "hello", String::new()),
        ];
        let expected =
            expected.map(|(path, mode, content, link)| (path, mode, content.to_owned(), link));
        assert_eq!(seen, expected);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
