//! The 512-byte header block.

use super::TarError;

pub(super) const BLOCK: usize = 512;

/// One raw header block with a valid checksum.
pub(super) struct Header([u8; BLOCK]);

#[derive(PartialEq, Eq, Clone, Copy)]
enum Format {
    V7,
    Ustar,
    Gnu,
}

impl Header {
    /// Checks the checksum, which may have been summed over signed or unsigned bytes.
    pub(super) fn parse(block: [u8; BLOCK]) -> Result<Header, TarError> {
        let header = Header(block);
        let stored = number(header.field(148, 8))?;
        let counted = |i: usize, byte: u8| if (148..156).contains(&i) { b' ' } else { byte };
        let bytes = || header.0.iter().enumerate().map(|(i, b)| counted(i, *b));
        let unsigned: i64 = bytes().map(i64::from).sum();
        let signed: i64 = bytes().map(|b| i64::from(b.cast_signed())).sum();
        if stored != unsigned && stored != signed {
            return Err(TarError::Header);
        }
        Ok(header)
    }

    fn field(&self, at: usize, len: usize) -> &[u8] {
        &self.0[at..at + len]
    }

    fn format(&self) -> Format {
        match self.field(257, 8) {
            b"ustar\x0000" => Format::Ustar,
            b"ustar  \0" => Format::Gnu,
            // Some writers leave the version blank.
            magic if magic.starts_with(b"ustar\0") => Format::Ustar,
            _ => Format::V7,
        }
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0[156]
    }

    /// The name, joined with ustar's prefix.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(self.field(0, 100));
        let prefix = match self.format() {
            Format::Ustar => text(self.field(345, 155)),
            Format::V7 | Format::Gnu => b"",
        };
        if prefix.is_empty() {
            name.to_vec()
        } else {
            [prefix, b"/", name].concat()
        }
    }

    pub(super) fn link(&self) -> Vec<u8> {
        text(self.field(157, 100)).to_vec()
    }

    pub(super) fn mode(&self) -> Result<u32, TarError> {
        // Some writers store the file type bits too.
        Ok((number(self.field(100, 8))? & 0o7777) as u32)
    }

    pub(super) fn uid(&self) -> Result<i64, TarError> {
        number(self.field(108, 8))
    }

    pub(super) fn gid(&self) -> Result<i64, TarError> {
        number(self.field(116, 8))
    }

    pub(super) fn size(&self) -> Result<u64, TarError> {
        u64::try_from(number(self.field(124, 12))?).map_err(|_| TarError::Header)
    }

    pub(super) fn mtime(&self) -> Result<i64, TarError> {
        number(self.field(136, 12))
    }

    /// Major and minor; absent in v7 headers, whose rest is padding.
    pub(super) fn device(&self) -> Result<(i64, i64), TarError> {
        match self.format() {
            Format::V7 => Ok((0, 0)),
            Format::Ustar | Format::Gnu => {
                Ok((number(self.field(329, 8))?, number(self.field(337, 8))?))
            }
        }
    }

    /// GNU's old sparse form: four pieces here, whether more blocks follow, and the real size.
    pub(super) fn gnu_sparse(&self) -> Result<(&[u8], bool, u64), TarError> {
        if self.format() != Format::Gnu {
            return Err(TarError::Sparse);
        }
        let real = u64::try_from(number(self.field(483, 12))?).map_err(|_| TarError::Sparse)?;
        Ok((self.field(386, 96), self.0[482] != 0, real))
    }
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or_default()
}

/// Octal text, or base-256 when the first bit is set.
pub(super) fn number(field: &[u8]) -> Result<i64, TarError> {
    if field.first().is_some_and(|b| b & 0x80 != 0) {
        return base256(field);
    }
    let trimmed = text(field).trim_ascii();
    let mut value: i64 = 0;
    for byte in trimmed {
        if !(b'0'..=b'7').contains(byte) {
            return Err(TarError::Header);
        }
        value = value
            .checked_mul(8)
            .and_then(|v| v.checked_add(i64::from(byte - b'0')))
            .ok_or(TarError::Header)?;
    }
    Ok(value)
}

fn base256(field: &[u8]) -> Result<i64, TarError> {
    let negative = field[0] & 0x40 != 0;
    let mut value: i128 = if negative { -1 } else { 0 };
    for (i, byte) in field.iter().enumerate() {
        // The marker bit is not part of the number; for a negative one it is its sign.
        let byte = if i == 0 && !negative {
            byte & 0x7f
        } else {
            *byte
        };
        value = (value << 8) | i128::from(byte);
    }
    i64::try_from(value).map_err(|_| TarError::Header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"0000644\0").unwrap(), 0o644);
        assert_eq!(number(b"    755 ").unwrap(), 0o755);
        assert_eq!(number(b"\0\0\0\0\0\0\0\0").unwrap(), 0);
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 1, 0, 0]).unwrap(), 65536);
        assert_eq!(number(&[0xff; 12]).unwrap(), -1);
        assert!(number(b"99999999").is_err());
        let mut huge = [0xff_u8; 12];
        huge[0] = 0x80;
        assert!(number(&huge).is_err());
    }
}
