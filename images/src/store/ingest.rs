//! One layer on its way in: hashed, stored, decoded and unpacked while it streams.
//!
//! ```text
//!  source ─▶ hash, store ─▶ decode ─▶ hash, write the files
//!            calling thread  its own   its own
//! ```

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::ahead::apart;
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
    let (diff_id, compression, size) =
        apart(&mut keeping, |packed| unpack_packed(session, packed))??;
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
    let plain = apart(&mut keeping, |packed| plain_side(session, packed, unpack))?;
    io::copy(&mut keeping, &mut io::sink())?;
    let (digest, _) = keeping.finish();
    Ok(Received {
        digest,
        path,
        plain,
    })
}

fn plain_side(
    session: &Session<'_>,
    packed: impl Read,
    unpack: bool,
) -> Result<Plain, IngestError> {
    let (diff_id, compression, tree) = if unpack {
        let (diff_id, compression, tree) = unpack_apart(session, packed)?;
        (diff_id, compression, Some(tree))
    } else {
        let (diff_id, compression) = plain_digest(packed)?;
        (diff_id, compression, None)
    };
    Ok(Plain {
        diff_id,
        compression,
        tree,
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
    let (size, diff_id) = apart(&mut *plain, move |plain| {
        let mut hashing = Hashing::new(plain);
        let size = unpack(&mut hashing, tree, scratch)?;
        Ok::<_, UnpackError>((size, hashing.finish().0))
    })??;
    drop(plain);
    // The notes of directory times are of no more use.
    std::fs::remove_file(&scratch_path).map_err(writing(&scratch_path))?;
    Ok((diff_id, compression, Unpacked { directory, size }))
}

/// The digest of the plain bytes, for a layer that is unpacked already.
pub(crate) fn plain_digest(source: impl Read) -> io::Result<(Digest, Compression)> {
    let (compression, mut plain) = decode(source)?;
    let digest = apart(&mut *plain, |plain| {
        digest_of(plain).map(|(digest, _)| digest)
    })??;
    Ok((digest, compression))
}

/// Digest and number of all bytes.
pub(super) fn digest_of(source: impl Read) -> io::Result<(Digest, u64)> {
    let mut hashing = Hashing::new(source);
    let mut buffer = vec![0; 64 * 1024];
    while hashing.read(&mut buffer)? > 0 {}
    Ok(hashing.finish())
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
