//! D-Bus messages as bytes (D-Bus Specification 0.42, "Message Protocol"): the
//! few types that talking to systemd needs.

use super::error::BusError;

/// Kinds of messages.
pub(super) const CALL: u8 = 1;
pub(super) const RETURN: u8 = 2;
pub(super) const ERROR: u8 = 3;
pub(super) const SIGNAL: u8 = 4;

/// Longer ones are not for us.
const MAX_LENGTH: usize = 1 << 20;
/// The part of the header before its fields.
pub(super) const FIXED: usize = 16;

/// Codes of header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// Bytes of the message's values, little-endian, each aligned to its size.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn align(&mut self, size: usize) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(size), 0);
    }

    fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.align(8);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.u32(u32::from(value));
    }

    /// Also for object paths.
    pub(super) fn string(&mut self, value: &str) {
        self.u32(length(value.len()));
        self.bytes.extend(value.as_bytes());
        self.byte(0);
    }

    pub(super) fn signature(&mut self, value: &str) {
        // Ours are short.
        self.byte(value.len() as u8);
        self.bytes.extend(value.as_bytes());
        self.byte(0);
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.u32(length(value.len()));
        self.bytes.extend(value);
    }

    /// An array whose elements are aligned to `size`; `each` writes them all.
    pub(super) fn array(&mut self, size: usize, each: impl FnOnce(&mut Writer)) {
        self.u32(0);
        let at = self.bytes.len() - 4;
        self.align(size);
        let begin = self.bytes.len();
        each(self);
        // The padding before the first element does not count.
        let count = length(self.bytes.len() - begin);
        self.bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
    }

    /// A structure; `each` writes its members.
    pub(super) fn structure(&mut self, each: impl FnOnce(&mut Writer)) {
        self.align(8);
        each(self);
    }
}

fn length(length: usize) -> u32 {
    // No message of ours comes near to it; the peer refuses what is too long.
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
impl Writer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A method call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// On a bus: who shall answer.
    pub(super) destination: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
    pub(super) member: &'a str,
    /// Types of the arguments.
    pub(super) signature: &'a str,
    /// The arguments.
    pub(super) body: Writer,
}

impl Call<'_> {
    /// The whole message.
    pub(super) fn encode(&self, serial: u32) -> Vec<u8> {
        let body = &self.body.bytes;
        let mut message = Writer::default();
        for byte in [b'l', CALL, 0, 1] {
            message.byte(byte);
        }
        message.u32(length(body.len()));
        message.u32(serial);
        message.array(8, |fields| {
            let mut field = |code, kind: &str, value: &str| {
                fields.structure(|field| {
                    field.byte(code);
                    field.signature(kind);
                    match kind {
                        "g" => field.signature(value),
                        _ => field.string(value),
                    }
                });
            };
            field(PATH, "o", self.path);
            field(INTERFACE, "s", self.interface);
            field(MEMBER, "s", self.member);
            if let Some(destination) = self.destination {
                field(DESTINATION, "s", destination);
            }
            if !self.signature.is_empty() {
                field(SIGNATURE, "g", self.signature);
            }
        });
        message.align(8);
        message.bytes.extend(body);
        message.bytes
    }
}

/// A message that was received.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) kind: u8,
    /// Of the call that this answers.
    pub(super) reply_to: Option<u32>,
    pub(super) member: String,
    pub(super) error_name: String,
    /// The texts (strings and object paths) and numbers of the body, as text, up
    /// to the first value of another type.
    pub(super) arguments: Vec<String>,
}

/// How long the message is whose first 16 bytes these are.
pub(super) fn total_length(fixed: &[u8; FIXED]) -> Result<usize, BusError> {
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
pub(super) fn decode(message: &[u8]) -> Result<Received, BusError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The first call on any bus.
    const HELLO: &[u8] = b"l\x01\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00\x6d\x00\x00\x00\
        \x01\x01o\x00\x15\x00\x00\x00/org/freedesktop/DBus\x00\x00\x00\
        \x02\x01s\x00\x14\x00\x00\x00org.freedesktop.DBus\x00\x00\x00\x00\
        \x03\x01s\x00\x05\x00\x00\x00Hello\x00\x00\x00\
        \x06\x01s\x00\x14\x00\x00\x00org.freedesktop.DBus\x00\x00\x00\x00";

    #[test]
    fn a_call_has_these_bytes() {
        let call = Call {
            destination: Some("org.freedesktop.DBus"),
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            signature: "",
            body: Writer::default(),
        };
        assert_eq!(call.encode(1), HELLO);
        let fixed = HELLO[..FIXED].try_into().unwrap();
        assert_eq!(total_length(fixed).unwrap(), HELLO.len());
        assert_eq!(decode(HELLO).unwrap().member, "Hello");
    }

    #[test]
    fn values_are_aligned() {
        let mut body = Writer::default();
        body.string("ab");
        body.array(8, |array| {
            array.structure(|one| {
                one.string("k");
                one.signature("t");
                one.u64(7);
            });
        });
        body.array(4, |array| array.u32(9));
        body.bytes(&[1, 2]);
        assert_eq!(
            body.bytes,
            [
                2, 0, 0, 0, b'a', b'b', 0, 0, // a string, padded
                24, 0, 0, 0, 0, 0, 0, 0, // the array's length, padded to a structure
                1, 0, 0, 0, b'k', 0, 1, b't', 0, 0, 0, 0, 0, 0, 0, 0, // its strings, padded
                7, 0, 0, 0, 0, 0, 0, 0, // its number
                4, 0, 0, 0, 9, 0, 0, 0, // an array of numbers
                2, 0, 0, 0, 1, 2
            ]
        );
    }

    /// A job that is done, and an empty answer in the other byte order.
    #[test]
    fn a_signal_is_understood() {
        let little: &[u8] = b"l\x04\x01\x01\x1d\x00\x00\x00\x09\x00\x00\x00\x22\x00\x00\x00\
            \x03\x01s\x00\x0a\x00\x00\x00JobRemoved\x00\x00\x00\x00\x00\x00\
            \x08\x01g\x00\x04uoss\x00\x00\x00\x00\x00\x00\x00\
            \x07\x00\x00\x00\x02\x00\x00\x00/7\x00\x00\x01\x00\x00\x00u\x00\x00\x00\
            \x04\x00\x00\x00done\x00";
        let received = decode(little).unwrap();
        assert_eq!((received.kind, &*received.member), (SIGNAL, "JobRemoved"));
        assert_eq!(received.arguments, ["7", "/7", "u", "done"]);
        let big: &[u8] = b"B\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x08\
            \x05\x01u\x00\x00\x00\x00\x04";
        let received = decode(big).unwrap();
        assert_eq!((received.kind, received.reply_to), (RETURN, Some(4)));
    }

    #[test]
    fn what_is_cut_off_or_foreign_is_an_error() {
        // The last three bytes are padding.
        for length in 0..HELLO.len() - 3 {
            assert!(decode(&HELLO[..length]).is_err(), "{length}");
        }
        let mut endless = *HELLO.first_chunk::<FIXED>().unwrap();
        endless[4..8].copy_from_slice(&[0xff; 4]);
        assert!(total_length(&endless).is_err());
        endless[0] = b'x';
        assert!(total_length(&endless).is_err());
    }
}
