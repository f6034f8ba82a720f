//! Reading a zip file (a wheel is one): the central directory, stored and deflated members.

use std::io::Read;

use anyhow::{Context, Result, bail};

/// One member of an archive.
pub struct Member<'a> {
    /// Its path in the archive.
    pub name: String,
    method: u16,
    crc: u32,
    size: usize,
    data: &'a [u8],
}

/// Lists the members of an archive, in the central directory's order.
pub fn members(archive: &[u8]) -> Result<Vec<Member<'_>>> {
    // The end record is 22 bytes and a comment of unknown length: search it backwards.
    let end = (0..=archive.len().saturating_sub(22))
        .rev()
        .find(|at| archive[*at..].starts_with(b"PK\x05\x06"))
        .context("not a zip file: no end record")?;
    let count = u16_at(archive, end + 10)?;
    let mut at = u32_at(archive, end + 16)? as usize;
    let mut members = Vec::new();
    for _ in 0..count {
        if bytes(archive, at, 4)? != b"PK\x01\x02" {
            bail!("broken zip file: no directory record at {at}");
        }
        let name_length = usize::from(u16_at(archive, at + 28)?);
        let extra_length = usize::from(u16_at(archive, at + 30)?);
        let comment_length = usize::from(u16_at(archive, at + 32)?);
        let name = String::from_utf8(bytes(archive, at + 46, name_length)?.to_vec())
            .context("broken zip file: a name is not UTF-8")?;
        // The local header repeats the name, with an extra field of its own length.
        let local = u32_at(archive, at + 42)? as usize;
        let start = local
            + 30
            + usize::from(u16_at(archive, local + 26)?)
            + usize::from(u16_at(archive, local + 28)?);
        members.push(Member {
            method: u16_at(archive, at + 10)?,
            crc: u32_at(archive, at + 16)?,
            size: u32_at(archive, at + 24)? as usize,
            data: bytes(archive, start, u32_at(archive, at + 20)? as usize)
                .with_context(|| format!("reading {name} from a zip file"))?,
            name,
        });
        at += 46 + name_length + extra_length + comment_length;
    }
    Ok(members)
}

/// The content of the member with this name.
pub fn read(archive: &[u8], name: &str) -> Result<Vec<u8>> {
    let members = members(archive)?;
    let member = members
        .iter()
        .find(|member| member.name == name)
        .with_context(|| format!("the wheel has no member {name}"))?;
    member.content()
}

impl Member<'_> {
    /// The unpacked content, checked against its CRC.
    pub fn content(&self) -> Result<Vec<u8>> {
        let mut content = Vec::with_capacity(self.size);
        match self.method {
            0 => content.extend_from_slice(self.data),
            8 => {
                flate2::read::DeflateDecoder::new(self.data)
                    .read_to_end(&mut content)
                    .with_context(|| format!("unpacking {}", self.name))?;
            }
            other => bail!("{}: zip method {other} is not known here", self.name),
        }
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        if content.len() != self.size || crc.sum() != self.crc {
            bail!("{}: broken in the zip file", self.name);
        }
        Ok(content)
    }
}

fn bytes(archive: &[u8], at: usize, length: usize) -> Result<&[u8]> {
    archive
        .get(at..)
        .and_then(|rest| rest.get(..length))
        .context("broken zip file: it ends early")
}

fn u16_at(archive: &[u8], at: usize) -> Result<u16> {
    Ok(bytes(archive, at, 2)?
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u16::from(*byte)))
}

fn u32_at(archive: &[u8], at: usize) -> Result<u32> {
    Ok(bytes(archive, at, 4)?
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello` stored under `a/b.txt`, as a zip program writes it.
    fn sample() -> Vec<u8> {
        let mut crc = flate2::Crc::new();
        crc.update(b"hello");
        let (crc, name) = (crc.sum().to_le_bytes(), b"a/b.txt");
        let common = |file: &mut Vec<u8>| {
            file.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            file.extend(crc);
            file.extend([5, 0, 0, 0, 5, 0, 0, 0, 7, 0]);
        };
        let mut file = b"PK\x03\x04".to_vec();
        common(&mut file);
        file.extend([0, 0]);
        file.extend(name);
        file.extend(b"hello");
        let directory = file.len() as u32;
        file.extend(b"PK\x01\x02\x14\x00");
        common(&mut file);
        file.extend([0; 16]);
        file.extend(name);
        let size = file.len() as u32 - directory;
        file.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        file.extend(size.to_le_bytes());
        file.extend(directory.to_le_bytes());
        file.extend([0, 0]);
        file
    }

    #[test]
    fn a_stored_member_is_found_and_read() {
        assert_eq!(read(&sample(), "a/b.txt").unwrap(), b"hello");
        assert!(
            read(&sample(), "c")
                .unwrap_err()
                .to_string()
                .contains("no member c")
        );
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut file = sample();
        let at = file.windows(5).position(|w| w == b"hello").unwrap();
        file[at] = b'j';
        assert!(
            read(&file, "a/b.txt")
                .unwrap_err()
                .to_string()
                .contains("broken")
        );
    }

    #[test]
    fn a_cut_file_is_refused() {
        let file = sample();
        assert!(members(&file[..file.len() - 1]).is_err());
        assert!(members(b"").is_err());
    }
}
