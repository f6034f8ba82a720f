//! Taking messages apart.

use super::{ERROR_NAME, FIXED, MEMBER, REPLY_SERIAL, SIGNATURE};
use crate::error::BusError;

/// Longer ones are not for us.
const MAX_LENGTH: usize = 1 << 20;

/// A message that was received.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Call, return, error or signal.
    pub kind: u8,
    /// Of the call that this answers.
    pub reply_to: Option<u32>,
    /// The method or signal.
    pub member: String,
    /// Of an error.
    pub error_name: String,
    /// The texts (strings and object paths) and numbers of the body, as text, up
    /// to the first value of another type.
    pub arguments: Vec<String>,
}

/// How long the message is whose first 16 bytes these are.
///
/// # Errors
/// It is no message, or a very long one.
pub fn total_length(fixed: &[u8; FIXED]) -> Result<usize, BusError> {
    let mut reader = Reader::new(fixed)?;
    reader.at = 4;
    let body = reader.u32()? as usize;
    reader.at = 12;
    let fields = reader.u32()? as usize;
    match (FIXED + fields).next_multiple_of(8).checked_add(body) {
        Some(total) if total <= MAX_LENGTH => Ok(total),
        _ => Err(BusError::Protocol("a message is too long")),
    }
}

/// Takes a whole message apart.
///
/// # Errors
/// It ends too early or has types that nobody here uses.
pub fn decode(message: &[u8]) -> Result<Received, BusError> {
    let mut reader = Reader::new(message)?;
    let mut received = Received {
        kind: *message.get(1).ok_or(SHORT)?,
        ..Received::default()
    };
    let mut signature = String::new();
    reader.at = 12;
    let end = FIXED + reader.u32()? as usize;
    while reader.at < end {
        reader.align(8);
        let code = reader.byte()?;
        let kind = reader.signature()?;
        match (code, kind.as_str()) {
            (REPLY_SERIAL, "u") => received.reply_to = Some(reader.u32()?),
            (MEMBER, "s") => received.member = reader.string()?,
            (ERROR_NAME, "s") => received.error_name = reader.string()?,
            (SIGNATURE, "g") => signature = reader.signature()?,
            (_, "s" | "o") => drop(reader.string()?),
            (_, "u") => drop(reader.u32()?),
            (_, "g") => drop(reader.signature()?),
            _ => return Err(BusError::Protocol("an unknown type in a header")),
        }
    }
    reader.align(8);
    for kind in signature.chars() {
        received.arguments.push(match kind {
            's' | 'o' => reader.string()?,
            'u' => reader.u32()?.to_string(),
            _ => break,
        });
    }
    Ok(received)
}

const SHORT: BusError = BusError::Protocol("a message ends too early");

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl Reader<'_> {
    fn new(bytes: &[u8]) -> Result<Reader<'_>, BusError> {
        let big_endian = match bytes.first() {
            Some(b'l') => false,
            Some(b'B') => true,
            _ => return Err(BusError::Protocol("a message without a byte order")),
        };
        Ok(Reader {
            bytes,
            at: 0,
            big_endian,
        })
    }

    fn align(&mut self, size: usize) {
        self.at = self.at.next_multiple_of(size);
    }

    fn take(&mut self, length: usize) -> Result<&[u8], BusError> {
        let end = self.at.checked_add(length).ok_or(SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, BusError> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, BusError> {
        self.align(4);
        let big_endian = self.big_endian;
        let bytes = self.take(4)?.try_into().map_err(|_| SHORT)?;
        Ok(if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn string(&mut self) -> Result<String, BusError> {
        let length = self.u32()? as usize;
        self.text(length)
    }

    fn signature(&mut self) -> Result<String, BusError> {
        let length = usize::from(self.byte()?);
        self.text(length)
    }

    /// Text and the zero behind it.
    fn text(&mut self, length: usize) -> Result<String, BusError> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(text)
    }
}
