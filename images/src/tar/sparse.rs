//! Files with holes: GNU's old header form and the three PAX forms.

use std::io::{self, Read};

use super::header::{BLOCK, number};
use super::{LARGEST_HEADER, TarError, pax};

/// Pieces of data and where they go; the rest up to `real_size` is holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sparse {
    /// Offset and length, ascending, never overlapping.
    pub(crate) pieces: Vec<(u64, u64)>,
    pub(crate) real_size: u64,
}

/// A map entry costs 16 bytes of memory: as many as fit the limit of a header.
const MOST_PIECES: usize = LARGEST_HEADER as usize / 16;

impl Sparse {
    /// Checks that pieces ascend inside the file and cover exactly the stored data.
    fn new(pieces: Vec<(u64, u64)>, real_size: u64, stored: u64) -> Result<Sparse, TarError> {
        let mut end = 0u64;
        let mut total = 0u64;
        for (offset, length) in &pieces {
            if *offset < end {
                return Err(TarError::Sparse);
            }
            end = offset.checked_add(*length).ok_or(TarError::Sparse)?;
            total += length;
        }
        if end > real_size || total != stored || real_size > i64::MAX as u64 {
            return Err(TarError::Sparse);
        }
        Ok(Sparse { pieces, real_size })
    }

    /// GNU's old form: the map starts in the header and goes on in extension blocks.
    pub(super) fn from_gnu(
        (first, mut more, real_size): (&[u8], bool, u64),
        stored: u64,
        mut read_block: impl FnMut() -> Result<[u8; BLOCK], TarError>,
    ) -> Result<Sparse, TarError> {
        let mut pieces = Vec::new();
        push_gnu(&mut pieces, first)?;
        while more {
            let block = read_block()?;
            push_gnu(&mut pieces, &block[..504])?;
            more = block[504] != 0;
        }
        Sparse::new(pieces, real_size, stored)
    }
}

fn push_gnu(pieces: &mut Vec<(u64, u64)>, fields: &[u8]) -> Result<(), TarError> {
    for entry in fields.chunks_exact(24) {
        let (offset, length) = entry.split_at(12);
        if offset[0] == 0 || length[0] == 0 {
            break;
        }
        let unsigned = |field| u64::try_from(number(field)?).map_err(|_| TarError::Sparse);
        push(pieces, unsigned(offset)?, unsigned(length)?)?;
    }
    Ok(())
}

fn push(pieces: &mut Vec<(u64, u64)>, offset: u64, length: u64) -> Result<(), TarError> {
    if pieces.len() >= MOST_PIECES {
        return Err(TarError::TooLarge((pieces.len() * 16) as u64));
    }
    pieces.push((offset, length));
    Ok(())
}

/// The `GNU.sparse.*` records of one member.
#[derive(Default)]
pub(super) struct PaxSparse {
    major: Option<u64>,
    /// The real name of the file in forms 0.1 and 1.0; the header's is a stand-in.
    pub(super) name: Option<Vec<u8>>,
    real_size: Option<u64>,
    pieces: Option<Vec<(u64, u64)>>,
    pending_offset: Option<u64>,
}

impl PaxSparse {
    pub(super) fn apply(&mut self, field: &[u8], value: &[u8]) -> Result<(), TarError> {
        match field {
            b"major" => self.major = pax::parse(value)?,
            b"name" => {
                if value.contains(&0) {
                    return Err(TarError::Pax);
                }
                self.name = Some(value.to_vec());
            }
            b"realsize" | b"size" => self.real_size = pax::parse(value)?,
            b"map" => self.pieces = Some(comma_map(value)?),
            // Form 0.0 repeats offset and numbytes for every piece.
            b"offset" => self.pending_offset = pax::parse(value)?,
            b"numbytes" => {
                let offset = self.pending_offset.take().ok_or(TarError::Sparse)?;
                let length = pax::parse(value)?.ok_or(TarError::Sparse)?;
                push(self.pieces.get_or_insert_default(), offset, length)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The finished map and how many bytes of the data it took up itself (form 1.0 only).
    pub(super) fn finish(
        self,
        stored: u64,
        data: impl FnOnce() -> Result<(Vec<(u64, u64)>, u64), TarError>,
    ) -> Result<Option<(Sparse, u64)>, TarError> {
        let (pieces, used) = match (self.major, self.pieces) {
            (Some(1), _) => data()?,
            (_, Some(pieces)) => (pieces, 0),
            (_, None) => return Ok(None),
        };
        let real_size = self.real_size.ok_or(TarError::Sparse)?;
        let left = stored.checked_sub(used).ok_or(TarError::Sparse)?;
        Ok(Some((Sparse::new(pieces, real_size, left)?, used)))
    }
}

fn comma_map(value: &[u8]) -> Result<Vec<(u64, u64)>, TarError> {
    let mut pieces = Vec::new();
    if value.is_empty() {
        return Ok(pieces);
    }
    let mut numbers = value.split(|b| *b == b',');
    while let Some(offset) = numbers.next() {
        let length = numbers.next().ok_or(TarError::Sparse)?;
        let number = |text| pax::parse(text)?.ok_or(TarError::Sparse);
        push(&mut pieces, number(offset)?, number(length)?)?;
    }
    Ok(pieces)
}

/// Form 1.0: decimal lines at the start of the data, padded to a block.
pub(super) fn map_in_data(mut data: impl Read) -> Result<(Vec<(u64, u64)>, u64), TarError> {
    let mut lines = Lines {
        data: &mut data,
        block: [0; BLOCK],
        at: BLOCK,
        used: 0,
    };
    let count = lines.number()?;
    let mut pieces = Vec::new();
    for _ in 0..count {
        let offset = lines.number()?;
        let length = lines.number()?;
        push(&mut pieces, offset, length)?;
    }
    Ok((pieces, lines.used))
}

struct Lines<'a, R> {
    data: &'a mut R,
    block: [u8; BLOCK],
    at: usize,
    used: u64,
}

impl<R: Read> Lines<'_, R> {
    fn number(&mut self) -> Result<u64, TarError> {
        let mut digits = Vec::new();
        loop {
            if self.at == BLOCK {
                self.data.read_exact(&mut self.block).map_err(truncated)?;
                self.at = 0;
                self.used += BLOCK as u64;
            }
            let byte = self.block[self.at];
            self.at += 1;
            if byte == b'\n' {
                return pax::parse(&digits)?.ok_or(TarError::Sparse);
            }
            if !byte.is_ascii_digit() || digits.len() >= 20 {
                return Err(TarError::Sparse);
            }
            digits.push(byte);
        }
    }
}

fn truncated(error: io::Error) -> TarError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => TarError::Truncated,
        _ => TarError::Read(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_backward_or_uncovered_maps_are_refused() {
        assert!(Sparse::new(vec![(0, 10), (5, 1)], 20, 11).is_err());
        assert!(Sparse::new(vec![(10, 1), (0, 1)], 20, 2).is_err());
        assert!(Sparse::new(vec![(0, 10)], 5, 10).is_err());
        assert!(Sparse::new(vec![(0, 10)], 10, 11).is_err());
        assert!(Sparse::new(vec![(u64::MAX, 10)], u64::MAX, 10).is_err());
        assert!(Sparse::new(vec![(5, 5), (10, 0)], 100, 5).is_ok());
    }

    #[test]
    fn a_map_in_the_data_may_not_be_endless() {
        let endless = io::Read::chain(&b"99999999\n"[..], io::repeat(b'1'));
        assert!(map_in_data(endless).is_err());
    }
}
