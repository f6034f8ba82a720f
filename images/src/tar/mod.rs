//! A streaming tar reader for archives that nobody vouches for.
//!
//! It reads what Docker's reader reads (v7, ustar, PAX, GNU long names, GNU sparse files in all
//! four forms) with binary-safe PAX values (`security.capability` contains newlines), and its
//! memory is bounded: no header makes it hold more than [`LARGEST_HEADER`] bytes.

mod header;
mod pax;
mod reader;
mod sparse;

pub(crate) use reader::Reader;
pub(crate) use sparse::Sparse;

use std::io;

/// Most bytes of PAX records or long name that one member may bring; Go's limit, so Docker's.
pub(crate) const LARGEST_HEADER: u64 = 1 << 20;

/// What kind of file a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Regular,
    HardLink,
    Symlink,
    Character,
    Block,
    Directory,
    Fifo,
}

/// A point in time as tar knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

/// One member's metadata, its extension headers already merged in.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Permission bits including setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Time,
    /// Target of a link.
    pub(crate) link: Vec<u8>,
    /// Major and minor number of a device.
    pub(crate) device: (u32, u32),
    /// Bytes of data that follow in the archive (for a sparse file, without its holes).
    pub(crate) size: u64,
    /// Extended attributes from `SCHILY.xattr.` records.
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the data goes, when the file has holes.
    pub(crate) sparse: Option<Sparse>,
}

/// Why a stream is not a usable tar archive.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The source failed; a truncated or damaged compressed stream also ends here.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The archive ends inside a header or inside a member's data.
    #[error("unexpected EOF")]
    Truncated,
    /// A header whose checksum or numbers are wrong: this is no tar archive.
    #[error("invalid tar header")]
    Header,
    /// A PAX record that does not follow the format.
    #[error("invalid PAX record")]
    Pax,
    /// Extension headers larger than this reader holds in memory.
    #[error("tar header of {0} bytes is too large")]
    TooLarge(u64),
    /// A sparse map that overlaps, goes backwards or does not match the data.
    #[error("invalid sparse file map")]
    Sparse,
    /// A type of member that no image has.
    #[error("unknown type {0:?} of tar member {1:?}")]
    Kind(char, String),
    /// An owner, a device or a size that no file can have.
    #[error("{what} of tar member {name:?} is out of range")]
    Range {
        /// Which number.
        what: &'static str,
        /// The member.
        name: String,
    },
}

/// Text of a name for messages.
pub(crate) fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(name);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
