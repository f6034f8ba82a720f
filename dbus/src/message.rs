//! D-Bus messages as bytes (D-Bus Specification 0.42, "Message Protocol"): the
//! few types that talking to systemd and firewalld needs.

mod received;

#[cfg(test)]
mod tests;

pub use received::{Received, decode, total_length};

/// Kinds of messages.
/// A method call.
pub const CALL: u8 = 1;
/// Its answer.
pub const RETURN: u8 = 2;
/// Its refusal.
pub const ERROR: u8 = 3;
/// What nobody asked for.
pub const SIGNAL: u8 = 4;

/// The part of the header before its fields.
pub const FIXED: usize = 16;

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
pub struct Writer {
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

    /// `u`.
    pub fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    /// `t`.
    pub fn u64(&mut self, value: u64) {
        self.align(8);
        self.bytes.extend(value.to_le_bytes());
    }

    /// `b`.
    pub fn boolean(&mut self, value: bool) {
        self.u32(u32::from(value));
    }

    /// `s`; also for object paths, `o`.
    pub fn string(&mut self, value: &str) {
        self.u32(length(value.len()));
        self.bytes.extend(value.as_bytes());
        self.byte(0);
    }

    /// `g`, at most 255 bytes.
    pub fn signature(&mut self, value: &str) {
        // Ours are short.
        self.byte(value.len() as u8);
        self.bytes.extend(value.as_bytes());
        self.byte(0);
    }

    /// `ay`.
    pub fn bytes(&mut self, value: &[u8]) {
        self.u32(length(value.len()));
        self.bytes.extend(value);
    }

    /// An array whose elements are aligned to `size`; `each` writes them all.
    pub fn array(&mut self, size: usize, each: impl FnOnce(&mut Writer)) {
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
    pub fn structure(&mut self, each: impl FnOnce(&mut Writer)) {
        self.align(8);
        each(self);
    }
}

fn length(length: usize) -> u32 {
    // No message of ours comes near to it; the peer refuses what is too long.
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Writer {
    /// The bytes that were written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A method call.
#[derive(Debug)]
pub struct Call<'a> {
    /// On a bus: who shall answer.
    pub destination: Option<&'a str>,
    /// Of the object.
    pub path: &'a str,
    /// That the method belongs to.
    pub interface: &'a str,
    /// The method.
    pub member: &'a str,
    /// Types of the arguments.
    pub signature: &'a str,
    /// The arguments.
    pub body: Writer,
}

impl Call<'_> {
    /// The whole message.
    pub fn encode(&self, serial: u32) -> Vec<u8> {
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
