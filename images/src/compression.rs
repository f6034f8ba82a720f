//! Telling how a stream is compressed by its first bytes, and decoding it while it flows.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

/// How the bytes of a layer or archive are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// A plain tar.
    None,
    /// Also called tar+gzip.
    Gzip,
    /// Also called tar+zstd.
    Zstd,
}

impl Compression {
    /// OCI's media type of a layer packed this way.
    pub fn layer_media_type(self) -> &'static str {
        match self {
            Compression::None => "application/vnd.oci.image.layer.v1.tar",
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

const CHUNK: usize = 128 * 1024;

/// Decodes `source` by what its first bytes say. Damage shows as a read error.
pub(crate) fn decode<'a>(source: impl Read + 'a) -> io::Result<(Compression, Box<dyn Read + 'a>)> {
    let mut magic = [0; 6];
    let packed = Rc::new(Cell::new(0));
    let mut source = Counted {
        source,
        count: Rc::clone(&packed),
    };
    let mut filled = 0;
    while filled < magic.len() {
        match source.read(&mut magic[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let start = magic[..filled].to_vec();
    let compression = detect(&start)?;
    let whole = BufReader::with_capacity(CHUNK, io::Cursor::new(start).chain(source));
    let decoded: Box<dyn Read + 'a> = match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(Bounded::new(MultiGzDecoder::new(whole), packed)),
        Compression::Zstd => Box::new(Bounded::new(zstd_decoder(whole)?, packed)),
    };
    Ok((compression, decoded))
}

/// A stream of more plain bytes than this must not be more than [`MOST_TIMES`] its packed size.
const ALWAYS_FINE: u64 = 1 << 30;
/// Programs and texts shrink to a third or a tenth; gzip of zeros alone to a thousandth.
const MOST_TIMES: u64 = 500;

/// Counts what is read through it.
struct Counted<R> {
    source: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Refuses a stream that unpacks to far more than any honest one.
struct Bounded<R> {
    plain: R,
    count: u64,
    packed: Rc<Cell<u64>>,
    always_fine: u64,
}

impl<R: Read> Bounded<R> {
    fn new(plain: R, packed: Rc<Cell<u64>>) -> Bounded<R> {
        Bounded {
            plain,
            count: 0,
            packed,
            always_fine: ALWAYS_FINE,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(buffer)?;
        self.count += read as u64;
        if self.count > self.always_fine && self.count / MOST_TIMES > self.packed.get() {
            let text = format!(
                "decompression bomb: more than {} GiB that are more than {MOST_TIMES} times the \
                 packed size",
                ALWAYS_FINE >> 30
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(read)
    }
}

fn zstd_decoder<R: BufRead>(source: R) -> io::Result<zstd::stream::read::Decoder<'static, R>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
    // A frame may ask for a window of gigabytes; 128 MiB is what `zstd -d` itself allows.
    decoder.window_log_max(27)?;
    Ok(decoder)
}

fn detect(start: &[u8]) -> io::Result<Compression> {
    let refused = match start {
        [0x1f, 0x8b, ..] => return Ok(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Ok(Compression::Zstd),
        // A skippable frame, which zstd files may start with.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => return Ok(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => "xz",
        [b'B', b'Z', b'h', ..] => "bzip2",
        _ => return Ok(Compression::None),
    };
    let text = format!("compressed with {refused}: only gzip, zstd and plain tar are read");
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(bytes: &[u8]) -> io::Result<(Compression, Vec<u8>)> {
        let (compression, mut reader) = decode(bytes)?;
        let mut out = Vec::new();
        reader.read_to_end(&mut out)?;
        Ok((compression, out))
    }

    #[test]
    fn each_packing_is_told_by_its_first_bytes() {
        let text = b"some bytes".repeat(50);
        assert_eq!(decoded(&text).unwrap(), (Compression::None, text.clone()));
        assert_eq!(
            decoded(&gzip(&text)).unwrap(),
            (Compression::Gzip, text.clone())
        );
        let zstd = zstd::encode_all(&text[..], 1).unwrap();
        assert_eq!(decoded(&zstd).unwrap(), (Compression::Zstd, text));
        assert_eq!(decoded(b"").unwrap(), (Compression::None, Vec::new()));
        assert_eq!(decoded(b"ab").unwrap().1, b"ab");
    }

    #[test]
    fn a_stream_that_unpacks_to_far_more_than_an_honest_one_is_refused() {
        // As small as any encoder makes it; the fast one of some is not small enough.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 4 << 20]).unwrap();
        let packed = encoder.finish().unwrap();
        let bounded = |count: u64| Bounded {
            plain: MultiGzDecoder::new(&packed[..]),
            count: 0,
            packed: Rc::new(Cell::new(count)),
            always_fine: 1 << 20,
        };
        let read = |count| io::copy(&mut bounded(count), &mut io::sink());
        let error = read(packed.len() as u64).unwrap_err();
        assert!(
            error.to_string().starts_with("decompression bomb"),
            "{error}"
        );
        assert_eq!(read((4 << 20) / MOST_TIMES).unwrap(), 4 << 20);
    }

    #[test]
    fn joined_gzip_members_are_one_stream() {
        let both = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(decoded(&both).unwrap().1, b"onetwo");
    }

    #[test]
    fn truncated_and_foreign_streams_are_errors() {
        let gz = gzip(&[1; 1000]);
        assert!(decoded(&gz[..gz.len() - 1]).is_err());
        let zstd = zstd::encode_all(&[1; 1000][..], 1).unwrap();
        assert!(decoded(&zstd[..zstd.len() - 1]).is_err());
        assert!(
            decoded(b"BZh91AY")
                .unwrap_err()
                .to_string()
                .contains("bzip2")
        );
        assert!(
            decoded(b"\xfd7zXZ\0")
                .unwrap_err()
                .to_string()
                .contains("xz")
        );
    }
}
