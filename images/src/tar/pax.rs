//! PAX extended header records, `LENGTH KEY=VALUE\n`, values being any bytes.

use super::sparse::PaxSparse;
use super::{TarError, Time};

/// What one member's records override.
#[derive(Default)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<i64>,
    pub(super) gid: Option<i64>,
    pub(super) mtime: Option<Time>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) sparse: PaxSparse,
}

impl Overrides {
    pub(super) fn parse(mut records: &[u8]) -> Result<Overrides, TarError> {
        let mut overrides = Overrides::default();
        while !records.is_empty() {
            let record = Record::split_off(&mut records)?;
            overrides.apply(record.key, record.value)?;
        }
        Ok(overrides)
    }

    fn apply(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarError> {
        match key {
            b"path" => self.path = name(value)?,
            b"linkpath" => self.link = name(value)?,
            b"size" => self.size = parse(value)?,
            b"uid" => self.uid = parse(value)?,
            b"gid" => self.gid = parse(value)?,
            b"mtime" => {
                self.mtime = if value.is_empty() {
                    None
                } else {
                    Some(time(value)?)
                };
            }
            _ => {
                if let Some(attribute) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.set_attribute(attribute, value)?;
                } else if let Some(field) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.apply(field, value)?;
                }
            }
        }
        Ok(())
    }

    fn set_attribute(&mut self, attribute: &[u8], value: &[u8]) -> Result<(), TarError> {
        if attribute.is_empty() || attribute.contains(&0) {
            return Err(TarError::Pax);
        }
        self.xattrs.retain(|(known, _)| known != attribute);
        self.xattrs.push((attribute.to_vec(), value.to_vec()));
        Ok(())
    }
}

struct Record<'a> {
    key: &'a [u8],
    value: &'a [u8],
}

impl<'a> Record<'a> {
    /// Takes the first record off `records`.
    fn split_off(records: &mut &'a [u8]) -> Result<Record<'a>, TarError> {
        let space = records
            .iter()
            .position(|b| *b == b' ')
            .ok_or(TarError::Pax)?;
        let length: usize = parse(&records[..space])?.ok_or(TarError::Pax)?;
        if length > records.len() {
            return Err(TarError::Pax);
        }
        let (record, rest) = records.split_at(length);
        let Some((b'\n', body)) = record.get(space + 1..).and_then(<[u8]>::split_last) else {
            return Err(TarError::Pax);
        };
        let equals = body.iter().position(|b| *b == b'=').ok_or(TarError::Pax)?;
        if equals == 0 {
            return Err(TarError::Pax);
        }
        *records = rest;
        Ok(Record {
            key: &body[..equals],
            value: &body[equals + 1..],
        })
    }
}

/// An empty value takes an override back.
fn name(value: &[u8]) -> Result<Option<Vec<u8>>, TarError> {
    if value.contains(&0) {
        return Err(TarError::Pax);
    }
    Ok((!value.is_empty()).then(|| value.to_vec()))
}

/// A decimal number; an empty value takes an override back.
pub(super) fn parse<T: std::str::FromStr>(value: &[u8]) -> Result<Option<T>, TarError> {
    if value.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(value).map_err(|_| TarError::Pax)?;
    text.parse().map(Some).map_err(|_| TarError::Pax)
}

/// Decimal seconds with an optional fraction, possibly negative.
fn time(value: &[u8]) -> Result<Time, TarError> {
    let text = std::str::from_utf8(value).map_err(|_| TarError::Pax)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().map_err(|_| TarError::Pax)?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TarError::Pax);
    }
    let mut nanoseconds = 0u32;
    for place in 0..9 {
        let digit = fraction
            .as_bytes()
            .get(place)
            .map_or(0, |b| u32::from(b - b'0'));
        nanoseconds = nanoseconds * 10 + digit;
    }
    if whole.starts_with('-') && nanoseconds > 0 {
        // -1.25 is 0.75 after -2.
        let seconds = seconds.checked_sub(1).ok_or(TarError::Pax)?;
        return Ok(Time {
            seconds,
            nanoseconds: 1_000_000_000 - nanoseconds,
        });
    }
    Ok(Time {
        seconds,
        nanoseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &str, value: &[u8]) -> Vec<u8> {
        let body = [key.as_bytes(), b"=", value, b"\n"].concat();
        let mut length = body.len() + 2;
        while length != body.len() + 1 + length.to_string().len() {
            length += 1;
        }
        [length.to_string().as_bytes(), b" ", &body].concat()
    }

    #[test]
    fn values_may_hold_newlines_and_equal_signs() {
        let records = [
            line("SCHILY.xattr.security.capability", b"\x01\n=\0"),
            line("path", b"a=b\nc"),
        ];
        let parsed = Overrides::parse(&records.concat()).unwrap();
        let expected = (b"security.capability".to_vec(), b"\x01\n=\0".to_vec());
        assert_eq!(parsed.xattrs, [expected]);
        assert_eq!(parsed.path.unwrap(), b"a=b\nc");
    }

    #[test]
    fn times_have_fractions_and_signs() {
        let at = |text: &str| time(text.as_bytes()).unwrap();
        assert_eq!(
            at("1.5"),
            Time {
                seconds: 1,
                nanoseconds: 500_000_000
            }
        );
        assert_eq!(
            at("-1.25"),
            Time {
                seconds: -2,
                nanoseconds: 750_000_000
            }
        );
        assert_eq!(
            at("12.1234567899"),
            Time {
                seconds: 12,
                nanoseconds: 123_456_789
            }
        );
        assert!(time(b"x").is_err());
        assert!(time(b"1.-5").is_err());
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in [
            &b"5 a=b"[..],
            b"99 a=b\n",
            b"6 a=b\nx",
            b"a=b\n",
            b"3 =\n",
            b"4 =\n",
            b"5 ab\n",
            b"18446744073709551616 a=b\n",
            b"0 a=b\n",
        ] {
            assert!(Overrides::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Overrides::parse(&line("path", b"a\0b")).is_err());
    }
}
