//! Member after member from a stream.

use std::io::{self, Read};

use super::header::{BLOCK, Header};
use super::pax::Overrides;
use super::sparse::{Sparse, map_in_data};
use super::{Kind, LARGEST_HEADER, Member, TarError, Time, shown};

/// Reads members in order; the data of one is skipped by asking for the next.
pub(crate) struct Reader<R> {
    source: R,
    /// Data of the present member not read yet.
    left: u64,
    padding: u64,
}

/// Extension headers seen before the member they belong to.
#[derive(Default)]
struct Pending {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Overrides>,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(source: R) -> Reader<R> {
        Reader {
            source,
            left: 0,
            padding: 0,
        }
    }

    /// The next member, or `None` at the end of the archive.
    pub(crate) fn next_member(&mut self) -> Result<Option<Member>, TarError> {
        let mut pending = Pending::default();
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            match header.type_flag() {
                b'x' => pending.pax = Some(Overrides::parse(&self.extension(&header)?)?),
                b'L' => pending.name = Some(terminated(self.extension(&header)?)),
                b'K' => pending.link = Some(terminated(self.extension(&header)?)),
                // Global records (git writes a comment) say nothing about files; Docker skips them.
                b'g' => self.begin(header.size()?)?,
                _ => return self.member(&header, pending).map(Some),
            }
        }
    }

    /// The data of the present member; ends early only with an error.
    pub(crate) fn data(&mut self) -> Data<'_, R> {
        Data(self)
    }

    /// Reads whatever follows the archive, so that a digest covers the whole stream.
    pub(crate) fn drain(mut self) -> Result<(), TarError> {
        let mut buffer = vec![0; 64 * 1024];
        while self.source.read(&mut buffer).map_err(data_error)? > 0 {}
        Ok(())
    }

    fn member(&mut self, header: &Header, pending: Pending) -> Result<Member, TarError> {
        let mut pax = pending.pax.unwrap_or_default();
        let stand_in = pax
            .path
            .take()
            .or(pending.name)
            .unwrap_or_else(|| header.name());
        let name = pax.sparse.name.take().unwrap_or(stand_in);
        let kind = kind(header.type_flag(), &name)?;
        let range = |what| TarError::Range {
            what,
            name: shown(&name),
        };
        let owner = |id: i64, what| {
            // All ones means "leave as it is" to chown.
            u32::try_from(id)
                .ok()
                .filter(|id| *id != u32::MAX)
                .ok_or_else(|| range(what))
        };
        let mut size = match pax.size {
            Some(size) => size,
            None => header.size()?,
        };
        if kind != Kind::Regular {
            // A size on a link or directory is the size of something else: no data follows.
            size = 0;
        }
        let device = match kind {
            Kind::Character | Kind::Block => {
                let (major, minor) = header.device()?;
                let part = |n| u32::try_from(n).map_err(|_| range("device number"));
                (part(major)?, part(minor)?)
            }
            _ => (0, 0),
        };
        let sparse = if header.type_flag() == b'S' {
            let map = header.gnu_sparse()?;
            Some(Sparse::from_gnu(map, size, || {
                self.block()?.ok_or(TarError::Truncated)
            })?)
        } else {
            None
        };
        self.begin(size)?;
        let (sparse, size) = match sparse {
            Some(sparse) => (Some(sparse), size),
            None if kind == Kind::Regular => {
                match pax.sparse.finish(size, || map_in_data(self.data()))? {
                    Some((sparse, used)) => (Some(sparse), size - used),
                    None => (None, size),
                }
            }
            None => (None, size),
        };
        Ok(Member {
            kind,
            mode: header.mode()?,
            uid: owner(pax.uid.map_or_else(|| header.uid(), Ok)?, "owner")?,
            gid: owner(pax.gid.map_or_else(|| header.gid(), Ok)?, "group")?,
            mtime: match pax.mtime {
                Some(time) => time,
                None => Time {
                    seconds: header.mtime()?,
                    nanoseconds: 0,
                },
            },
            link: pax.link.or(pending.link).unwrap_or_else(|| header.link()),
            device,
            size,
            xattrs: pax.xattrs,
            sparse,
            name,
        })
    }

    fn begin(&mut self, size: u64) -> Result<(), TarError> {
        if size > i64::MAX as u64 {
            return Err(TarError::Header);
        }
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        Ok(())
    }

    /// Reads the whole data of an extension header.
    fn extension(&mut self, header: &Header) -> Result<Vec<u8>, TarError> {
        let size = header.size()?;
        if size > LARGEST_HEADER {
            return Err(TarError::TooLarge(size));
        }
        self.begin(size)?;
        let mut bytes = Vec::with_capacity(size as usize);
        self.data().read_to_end(&mut bytes).map_err(data_error)?;
        Ok(bytes)
    }

    fn header(&mut self) -> Result<Option<Header>, TarError> {
        match self.block()? {
            // A block of zeros ends the archive; so does the end of the stream.
            Some(block) if block.iter().all(|b| *b == 0) => Ok(None),
            Some(block) => Header::parse(block).map(Some),
            None => Ok(None),
        }
    }

    /// One block, or `None` at a clean end of the stream.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.source.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(TarError::Truncated),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(data_error(error)),
            }
        }
        Ok(Some(block))
    }

    fn skip_rest(&mut self) -> Result<(), TarError> {
        let mut buffer = [0; 16 * 1024];
        while self.left > 0 {
            let wanted = buffer
                .len()
                .min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.data()
                .read_exact(&mut buffer[..wanted])
                .map_err(data_error)?;
        }
        let padding = std::mem::take(&mut self.padding) as usize;
        if padding > 0 {
            self.source
                .read_exact(&mut buffer[..padding])
                .map_err(data_error)?;
        }
        Ok(())
    }
}

/// The data of the present member.
pub(crate) struct Data<'a, R>(&'a mut Reader<R>);

impl<R: Read> Read for Data<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer
            .len()
            .min(usize::try_from(self.0.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.0.source.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.left -= read as u64;
        Ok(read)
    }
}

fn data_error(error: io::Error) -> TarError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => TarError::Truncated,
        _ => TarError::Read(error),
    }
}

/// GNU long names end with a NUL.
fn terminated(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.iter().position(|b| *b == 0) {
        bytes.truncate(end);
    }
    bytes
}

fn kind(flag: u8, name: &[u8]) -> Result<Kind, TarError> {
    Ok(match flag {
        // Before there was a flag for directories, they were files whose name ends in a slash.
        b'0' | b'\0' if name.ends_with(b"/") => Kind::Directory,
        b'0' | b'\0' | b'7' | b'S' => Kind::Regular,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::Character,
        b'4' => Kind::Block,
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        other => return Err(TarError::Kind(char::from(other), shown(name))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        build(&mut builder);
        builder.into_inner().unwrap()
    }

    fn file(builder: &mut tar::Builder<Vec<u8>>, name: &str, data: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o4755);
        builder.append_data(&mut header, name, data).unwrap();
    }

    fn names(bytes: &[u8]) -> Result<Vec<String>, TarError> {
        let mut reader = Reader::new(bytes);
        let mut names = Vec::new();
        while let Some(member) = reader.next_member()? {
            names.push(shown(&member.name));
        }
        Ok(names)
    }

    #[test]
    fn data_is_read_or_skipped() {
        let bytes = archive(|b| {
            file(b, "a", b"hello");
            file(b, &"long/".repeat(60), b"");
            file(b, "b", &[7; 1000]);
        });
        let mut reader = Reader::new(&bytes[..]);
        let first = reader.next_member().unwrap().unwrap();
        assert_eq!((first.mode, first.size), (0o4755, 5));
        let long = reader.next_member().unwrap().unwrap();
        assert_eq!(long.name.len(), 300);
        assert_eq!(long.kind, Kind::Directory);
        reader.next_member().unwrap().unwrap();
        let mut data = Vec::new();
        reader.data().read_to_end(&mut data).unwrap();
        assert_eq!(data, [7; 1000]);
        assert!(reader.next_member().unwrap().is_none());
    }

    #[test]
    fn a_truncated_archive_is_an_error_wherever_it_ends() {
        let bytes = archive(|b| file(b, "a", &[1; 2000]));
        for end in 1..512 + 2048 {
            if end != 512 + 2048 {
                assert!(names(&bytes[..end]).is_err(), "cut at {end}");
            }
        }
        assert_eq!(names(&bytes[..512 + 2048]).unwrap(), ["a"]);
    }

    #[test]
    fn junk_is_not_a_tar() {
        assert!(matches!(names(b"junk\n"), Err(TarError::Truncated)));
        assert!(matches!(names(&[b'x'; 600]), Err(TarError::Header)));
    }

    #[test]
    fn an_oversized_extension_header_is_refused_without_reading_it() {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::XHeader);
        header.set_size(1 << 40);
        header.set_cksum();
        let endless = header.as_bytes().chain(io::repeat(b'1'));
        let mut reader = Reader::new(endless);
        assert!(matches!(reader.next_member(), Err(TarError::TooLarge(_))));
    }

    #[test]
    fn unknown_kinds_and_impossible_owners_are_refused() {
        let with = |edit: &dyn Fn(&mut tar::Header)| {
            let mut header = tar::Header::new_gnu();
            header.set_path("x").unwrap();
            header.set_size(0);
            edit(&mut header);
            header.set_cksum();
            names(header.as_bytes())
        };
        assert!(with(&|_| ()).is_ok());
        assert!(matches!(
            with(&|h| h.set_entry_type(tar::EntryType::new(b'V'))),
            Err(TarError::Kind('V', _))
        ));
        assert!(matches!(
            with(&|h| h.set_uid(1 << 33)),
            Err(TarError::Range { .. })
        ));
        assert!(matches!(
            with(&|h| h.set_gid(0xffff_ffff)),
            Err(TarError::Range { .. })
        ));
    }
}
