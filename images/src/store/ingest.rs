//! One layer on its way in: hashed, stored, decoded and unpacked while it streams.
//!
//! The calling thread reads, hashes and stores the packed bytes and decodes them; a second thread
//! hashes the plain bytes and writes the files. Between them flow a few buffers, so memory does
//! not depend on the layer.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::manifest::Descriptor;
use super::session::Session;
use super::write::{WriteError, writing};
use crate::compression::{Compression, decode};
use crate::digest::{Digest, Hashing};
use crate::layer::{UnpackError, unpack};

/// A layer that was read to its end.
pub(crate) struct Ingested {
    pub(crate) diff_id: Digest,
    pub(crate) compression: Compression,
    /// Bytes of the regular files.
    pub(crate) size: u64,
    /// Digest and size of the packed bytes.
    pub(crate) blob: (Digest, u64),
}

/// Why a layer did not come in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] io::Error),
}

const CHUNK: usize = 256 * 1024;
const BUFFERS: usize = 8;

/// Reads a packed layer from `source`, keeps it as a blob and unpacks it; both wait in `session`.
pub(crate) fn store_and_unpack(
    session: &Session<'_>,
    source: impl Read,
) -> Result<Ingested, IngestError> {
    let (file, path) = session.scratch()?;
    let mut keeping = Hashing::new(Keeping {
        source,
        file,
        path: &path,
    });
    let (diff_id, compression, size) = unpack_packed(session, &mut keeping)?;
    // A decoder may stop before the end of its source; the blob is all of it.
    io::copy(&mut keeping, &mut io::sink())?;
    let blob = keeping.finish();
    session.stage_blob(blob.0.clone(), path);
    let media_type = compression.layer_media_type();
    session.note_blob(
        diff_id.clone(),
        Descriptor::new(media_type, &blob.0, blob.1),
    );
    Ok(Ingested {
        diff_id,
        compression,
        size,
        blob,
    })
}

/// A layer that was read to its end, whatever it was. Nothing of it waits in the session yet.
pub(crate) struct Received {
    /// Digest of the packed bytes.
    pub(crate) digest: Digest,
    /// Where they are.
    pub(crate) path: PathBuf,
    /// What they held.
    pub(crate) plain: Result<Plain, IngestError>,
}

/// The plain side of a layer.
pub(crate) struct Plain {
    pub(crate) diff_id: Digest,
    pub(crate) compression: Compression,
    /// The tree that it became, where it was unpacked.
    pub(crate) tree: Option<Unpacked>,
}

/// A tree in a directory of the session's.
pub(crate) struct Unpacked {
    pub(crate) directory: PathBuf,
    /// Bytes of the regular files.
    pub(crate) size: u64,
}

/// Reads a packed layer to its end even when it makes no sense, so that the caller can tell
/// damage on the way, which its digest shows, from a layer that was made wrong. Without `unpack`
/// its plain bytes are only hashed.
pub(crate) fn receive(
    session: &Session<'_>,
    source: impl Read,
    unpack: bool,
) -> Result<Received, IngestError> {
    let (file, path) = session.scratch()?;
    let mut keeping = Hashing::new(Keeping {
        source,
        file,
        path: &path,
    });
    let plain = if unpack {
        unpack_apart(session, &mut keeping).map(|(diff_id, compression, tree)| Plain {
            diff_id,
            compression,
            tree: Some(tree),
        })
    } else {
        let digest = plain_digest(&mut keeping).map_err(IngestError::from);
        digest.map(|(diff_id, compression)| Plain {
            diff_id,
            compression,
            tree: None,
        })
    };
    io::copy(&mut keeping, &mut io::sink())?;
    let (digest, _) = keeping.finish();
    Ok(Received {
        digest,
        path,
        plain,
    })
}

/// Unpacks a layer whose packed bytes are kept already.
pub(crate) fn unpack_packed(
    session: &Session<'_>,
    source: impl Read,
) -> Result<(Digest, Compression, u64), IngestError> {
    let (diff_id, compression, tree) = unpack_apart(session, source)?;
    session.stage_layer(diff_id.clone(), tree.directory, tree.size)?;
    Ok((diff_id, compression, tree.size))
}

/// Unpacks a layer without handing it over to be committed.
fn unpack_apart(
    session: &Session<'_>,
    source: impl Read,
) -> Result<(Digest, Compression, Unpacked), IngestError> {
    let (compression, mut plain) = decode(source)?;
    let (directory, tree) = session.fresh_layer()?;
    let (scratch, scratch_path) = session.scratch()?;
    let (filled, to_unpack) = sync_channel::<io::Result<Vec<u8>>>(BUFFERS);
    let (emptied, to_fill) = channel::<Vec<u8>>();
    let (size, diff_id) = std::thread::scope(|scope| {
        let unpacking = scope.spawn(move || {
            let mut hashing = Hashing::new(Chunks {
                filled: to_unpack,
                emptied,
                chunk: Vec::new(),
                at: 0,
            });
            let size = unpack(&mut hashing, tree, scratch)?;
            Ok::<_, UnpackError>((size, hashing.finish().0))
        });
        pump(&mut plain, &filled, &to_fill);
        drop(filled);
        match unpacking.join() {
            Ok(result) => result.map_err(IngestError::from),
            Err(_) => Err(IngestError::Read(io::Error::other(
                "unpacking stopped unexpectedly",
            ))),
        }
    })?;
    drop(plain);
    // The notes of directory times are of no more use.
    std::fs::remove_file(&scratch_path).map_err(writing(&scratch_path))?;
    Ok((diff_id, compression, Unpacked { directory, size }))
}

/// The digest of the plain bytes, for a layer that is unpacked already.
pub(crate) fn plain_digest(source: impl Read) -> io::Result<(Digest, Compression)> {
    let (compression, plain) = decode(source)?;
    let mut hashing = Hashing::new(plain);
    io::copy(&mut hashing, &mut io::sink())?;
    Ok((hashing.finish().0, compression))
}

/// Sends what `plain` yields until it ends, fails, or nobody listens any more.
fn pump(
    plain: &mut dyn Read,
    filled: &SyncSender<io::Result<Vec<u8>>>,
    to_fill: &Receiver<Vec<u8>>,
) {
    loop {
        let mut chunk = to_fill.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        match fill(plain, &mut chunk) {
            Ok(0) => return,
            Ok(read) => {
                chunk.truncate(read);
                if filled.send(Ok(chunk)).is_err() {
                    return;
                }
            }
            Err(error) => {
                // The unpacking side reports it, with what it was doing.
                let _ = filled.send(Err(error));
                return;
            }
        }
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What came before the error is of no use without the rest.
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes everything read through it to a file.
struct Keeping<'p, R> {
    source: R,
    file: File,
    path: &'p PathBuf,
}

impl<R: Read> Read for Keeping<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.file.write_all(&buffer[..read]).map_err(|error| {
            let path = self.path.display();
            io::Error::new(error.kind(), format!("cannot write {path}: {error}"))
        })?;
        Ok(read)
    }
}

/// The other end of [`pump`].
struct Chunks {
    filled: Receiver<io::Result<Vec<u8>>>,
    emptied: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            match self.filled.recv() {
                Ok(next) => {
                    let old = std::mem::replace(&mut self.chunk, next?);
                    self.at = 0;
                    // At the end nobody takes it back.
                    let _ = self.emptied.send(old);
                }
                Err(_) => return Ok(0),
            }
        }
        let rest = &self.chunk[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}
