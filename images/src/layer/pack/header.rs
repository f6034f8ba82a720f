//! One member's header blocks in the one form that packed layers have.
//!
//! ustar (POSIX.1-1988), and a PAX record (POSIX.1-2001) for each value that it has no room for, in
//! a fixed order. No user or group names, no fractions of seconds, no base-256 numbers: the same
//! member always makes the same bytes.

use crate::tar::{Kind, LARGEST_HEADER};

pub(super) const BLOCK: usize = 512;

/// Longest name and link target in the block itself.
const NAME: usize = 100;
/// Largest owner in seven octal digits.
const LARGEST_ID: u32 = 0o777_7777;
/// Largest size and time in eleven octal digits.
const LARGEST_NUMBER: u64 = 0o777_7777_7777;

/// What a header says.
pub(super) struct Fields<'a> {
    /// Without a slash at its end.
    pub(super) name: &'a [u8],
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Seconds since 1970.
    pub(super) mtime: i64,
    pub(super) link: &'a [u8],
    pub(super) device: (u32, u32),
    pub(super) size: u64,
    /// Sorted by name.
    pub(super) xattrs: &'a [(Vec<u8>, Vec<u8>)],
}

/// More PAX records than a reader takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Appends the member's blocks to `out`.
pub(super) fn append(out: &mut Vec<u8>, fields: &Fields<'_>) -> Result<(), TooLarge> {
    let start = out.len();
    // The records come after their own header, whose size is known last.
    out.resize(start + BLOCK, 0);
    records(out, fields);
    let length = out.len() - start - BLOCK;
    if length == 0 {
        out.truncate(start);
    } else {
        if length as u64 > LARGEST_HEADER {
            return Err(TooLarge);
        }
        pad(out);
        let header = Block {
            name: b"PaxHeaders.0",
            kind: b'x',
            mode: 0o644,
            ids: (0, 0),
            size: length as u64,
            mtime: 0,
            link: b"",
            device: (0, 0),
        };
        out[start..start + BLOCK].copy_from_slice(&header.bytes());
    }
    let name = slashed(fields);
    let block = Block {
        name: &name,
        kind: type_flag(fields.kind),
        mode: fields.mode,
        ids: (fits_id(fields.uid), fits_id(fields.gid)),
        size: if fields.size > LARGEST_NUMBER {
            0
        } else {
            fields.size
        },
        mtime: octal_time(fields.mtime).unwrap_or(0),
        link: fields.link,
        device: fields.device,
    };
    out.extend_from_slice(&block.bytes());
    Ok(())
}

/// Fills up the last block.
pub(super) fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

fn records(out: &mut Vec<u8>, fields: &Fields<'_>) {
    let name = slashed(fields);
    if name.len() > NAME {
        record(out, b"path", &name);
    }
    if fields.link.len() > NAME {
        record(out, b"linkpath", fields.link);
    }
    if fields.size > LARGEST_NUMBER {
        record(out, b"size", fields.size.to_string().as_bytes());
    }
    for (key, id) in [(&b"uid"[..], fields.uid), (b"gid", fields.gid)] {
        if id > LARGEST_ID {
            record(out, key, id.to_string().as_bytes());
        }
    }
    if octal_time(fields.mtime).is_none() {
        record(out, b"mtime", fields.mtime.to_string().as_bytes());
    }
    for (attribute, value) in fields.xattrs {
        record(out, &[b"SCHILY.xattr.", &attribute[..]].concat(), value);
    }
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits too.
fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length != body + digits(length) {
        length = body + digits(length);
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Names of directories end in a slash.
fn slashed<'a>(fields: &Fields<'a>) -> std::borrow::Cow<'a, [u8]> {
    if fields.kind == Kind::Directory {
        [fields.name, b"/"].concat().into()
    } else {
        fields.name.into()
    }
}

fn type_flag(kind: Kind) -> u8 {
    match kind {
        Kind::Regular => b'0',
        Kind::HardLink => b'1',
        Kind::Symlink => b'2',
        Kind::Character => b'3',
        Kind::Block => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

fn fits_id(id: u32) -> u32 {
    if id > LARGEST_ID { 0 } else { id }
}

fn octal_time(seconds: i64) -> Option<u64> {
    let seconds = u64::try_from(seconds).ok()?;
    (seconds <= LARGEST_NUMBER).then_some(seconds)
}

/// The fields of one block; what does not fit is in records before it.
struct Block<'a> {
    name: &'a [u8],
    kind: u8,
    mode: u32,
    ids: (u32, u32),
    size: u64,
    mtime: u64,
    link: &'a [u8],
    device: (u32, u32),
}

impl Block<'_> {
    fn bytes(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        text(&mut block[0..100], self.name);
        octal(&mut block[100..108], self.mode.into());
        octal(&mut block[108..116], self.ids.0.into());
        octal(&mut block[116..124], self.ids.1.into());
        octal(&mut block[124..136], self.size);
        octal(&mut block[136..148], self.mtime);
        block[148..156].fill(b' ');
        block[156] = self.kind;
        text(&mut block[157..257], self.link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        octal(&mut block[329..337], self.device.0.into());
        octal(&mut block[337..345], self.device.1.into());
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        // Six digits, NUL, space.
        octal(&mut block[148..155], sum);
        block
    }
}

fn text(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// Octal digits with leading zeros and a NUL.
fn octal(field: &mut [u8], number: u64) {
    let Some((end, places)) = field.split_last_mut() else {
        return;
    };
    *end = 0;
    let mut rest = number;
    for place in places.iter_mut().rev() {
        *place = b'0' + (rest & 7) as u8;
        rest >>= 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::Reader;

    fn plain() -> Fields<'static> {
        Fields {
            name: b"a",
            kind: Kind::Regular,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 1,
            link: b"",
            device: (0, 0),
            size: 0,
            xattrs: &[],
        }
    }

    fn read_back(fields: &Fields<'_>) -> crate::tar::Member {
        let mut out = Vec::new();
        append(&mut out, fields).unwrap();
        assert_eq!(out.len() % BLOCK, 0);
        Reader::new(&out[..]).next_member().unwrap().unwrap()
    }

    #[test]
    fn what_fits_is_one_block() {
        let mut out = Vec::new();
        append(&mut out, &plain()).unwrap();
        assert_eq!(out.len(), BLOCK);
        assert_eq!(&out[257..265], b"ustar\x0000");
        assert_eq!(&out[100..108], b"0000644\0");
    }

    #[test]
    fn what_does_not_fit_is_read_back_from_records() {
        let long = "n/".repeat(200) + "x";
        let xattrs = [(b"security.capability".to_vec(), b"\x01\n=\0".to_vec())];
        let member = read_back(&Fields {
            name: long.as_bytes(),
            uid: 3_000_000_000,
            gid: LARGEST_ID + 1,
            mtime: -5,
            size: 9 << 30,
            xattrs: &xattrs,
            ..plain()
        });
        assert_eq!(member.name, long.as_bytes());
        assert_eq!((member.uid, member.gid), (3_000_000_000, LARGEST_ID + 1));
        assert_eq!(member.mtime.seconds, -5);
        assert_eq!(member.size, 9 << 30);
        assert_eq!(member.xattrs, xattrs);
    }

    #[test]
    fn a_long_link_target_survives() {
        let target = b"t".repeat(300);
        let member = read_back(&Fields {
            kind: Kind::Symlink,
            link: &target,
            ..plain()
        });
        assert_eq!((member.kind, member.link), (Kind::Symlink, target));
    }

    #[test]
    fn a_record_counts_its_own_digits() {
        for length in [1, 5, 6, 7, 92, 93, 94, 95, 96, 990, 991, 992, 993, 9990] {
            let mut out = Vec::new();
            record(&mut out, b"k", &vec![b'v'; length]);
            let told: usize = std::str::from_utf8(out.split(|b| *b == b' ').next().unwrap())
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(told, out.len(), "{length}");
        }
    }

    #[test]
    fn more_records_than_a_reader_takes_are_refused() {
        let xattrs: Vec<_> = (0..20)
            .map(|i| (format!("user.{i}").into_bytes(), vec![0; 60_000]))
            .collect();
        let fields = Fields {
            xattrs: &xattrs,
            ..plain()
        };
        assert_eq!(append(&mut Vec::new(), &fields), Err(TooLarge));
    }
}
