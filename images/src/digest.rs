//! Content digests: `sha256:` and 64 lower-case hex digits, checked where they enter.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};

/// A sha256 digest as written in manifests, `sha256:<64 lower-case hex digits>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// Why a text is no digest that this store keeps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Not `algorithm:hex`, or hex digits in upper case.
    #[error("invalid checksum digest format")]
    Format,
    /// An algorithm other than sha256.
    #[error("unsupported digest algorithm")]
    Algorithm,
    /// Not 64 digits.
    #[error("invalid checksum digest length")]
    Length,
}

const PREFIX: &str = "sha256:";

impl Digest {
    /// The digest of bytes in memory.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }

    /// The 64 hex digits, which are also the file name of a blob or layer.
    pub fn hex(&self) -> &str {
        self.0.get(PREFIX.len()..).unwrap_or_default()
    }

    /// The whole text, `sha256:…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Digest, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::Format)?;
        if algorithm != "sha256" {
            return Err(DigestError::Algorithm);
        }
        if hex.len() != 64 {
            return Err(DigestError::Length);
        }
        if !is_lower_hex(hex) {
            return Err(DigestError::Format);
        }
        Ok(Digest(text.to_owned()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The first 12 hex digits of an id, as Docker shows it.
pub(crate) fn short(id: &str) -> &str {
    let hex = id.strip_prefix(PREFIX).unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}

/// A digest in the making.
#[derive(Clone)]
pub(crate) struct Hasher(Context);

impl Default for Hasher {
    fn default() -> Hasher {
        Hasher(Context::new(&SHA256))
    }
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes.as_ref());
    }

    /// The 32 bytes that a digest spells out.
    pub(crate) fn bytes(self) -> [u8; SHA256_OUTPUT_LEN] {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(self.0.finish().as_ref());
        bytes
    }

    pub(crate) fn finish(self) -> Digest {
        use fmt::Write as _;
        let mut text = String::with_capacity(PREFIX.len() + 64);
        text.push_str(PREFIX);
        for byte in self.bytes() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Digest(text)
    }
}

/// Hashes and counts whatever is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    hasher: Hasher,
    count: u64,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn new(inner: R) -> Hashing<R> {
        Hashing {
            inner,
            hasher: Hasher::default(),
            count: 0,
        }
    }

    /// Digest and number of the bytes read so far.
    pub(crate) fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.count)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.count += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        assert_eq!(Digest::of(b"").as_str(), EMPTY);
        assert_eq!(Digest::of(b"").hex().len(), 64);
    }

    #[test]
    fn only_lower_case_sha256_of_full_length_is_accepted() {
        assert!(EMPTY.parse::<Digest>().is_ok());
        assert_eq!(
            EMPTY.to_uppercase().parse::<Digest>(),
            Err(DigestError::Algorithm)
        );
        assert_eq!("sha256:abc".parse::<Digest>(), Err(DigestError::Length));
        assert_eq!("sha512:abc".parse::<Digest>(), Err(DigestError::Algorithm));
        assert_eq!(
            format!("sha256:{}", "G".repeat(64)).parse::<Digest>(),
            Err(DigestError::Format)
        );
        assert_eq!(
            format!("sha256:../{}", "a".repeat(61)).parse::<Digest>(),
            Err(DigestError::Format)
        );
        assert_eq!("abc".parse::<Digest>(), Err(DigestError::Format));
    }

    #[test]
    fn reading_through_hashing_gives_the_same_digest() {
        let mut hashing = Hashing::new(&b"hello"[..]);
        io::copy(&mut hashing, &mut io::sink()).unwrap();
        assert_eq!(hashing.finish(), (Digest::of(b"hello"), 5));
    }
}
