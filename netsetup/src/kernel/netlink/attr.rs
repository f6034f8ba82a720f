//! Netlink attributes: written into a growing buffer, read from bytes that may lie.

use std::net::IpAddr;

const NESTED: u16 = 0x8000;
const KIND_MASK: u16 = 0x3fff;
const HEADER: usize = 4;

/// Bytes of a message under construction.
#[derive(Debug, Default)]
pub(in crate::kernel) struct Encoder {
    bytes: Vec<u8>,
    overflow: bool,
}

impl Encoder {
    /// Appends raw bytes (a fixed header), padded to four.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    /// Appends an attribute.
    pub fn bytes(&mut self, kind: u16, value: &[u8]) {
        let start = self.open(kind);
        self.bytes.extend_from_slice(value);
        self.close(start);
    }

    /// Appends an 8-bit attribute.
    pub fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    /// Appends a 16-bit attribute in host order.
    pub fn u16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a 32-bit attribute in host order.
    pub fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a 32-bit attribute in network order (nf_tables).
    pub fn be32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Appends a text attribute with its terminating zero.
    pub fn text(&mut self, kind: u16, value: &str) {
        let start = self.open(kind);
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
        self.close(start);
    }

    /// Appends an address in network order.
    pub fn address(&mut self, kind: u16, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.bytes(kind, &v4.octets()),
            IpAddr::V6(v6) => self.bytes(kind, &v6.octets()),
        }
    }

    /// Appends an attribute that holds what `fill` writes.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Encoder)) {
        let start = self.open(kind | NESTED);
        fill(self);
        self.close(start);
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// An attribute outgrew its 16-bit length: the message must not be sent.
    pub fn overflowed(&self) -> bool {
        self.overflow
    }

    /// What was written.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Overwrites four bytes in host order, to fill in lengths and numbers known later.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_ne_bytes());
        }
    }

    /// Sets bits of a 16-bit field in host order.
    pub fn set_bits_u16(&mut self, at: usize, bits: u16) {
        for (offset, byte) in bits.to_ne_bytes().into_iter().enumerate() {
            if let Some(place) = self.bytes.get_mut(at + offset) {
                *place |= byte;
            }
        }
    }

    fn open(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn close(&mut self, start: usize) {
        match u16::try_from(self.bytes.len() - start) {
            Ok(length) => self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes()),
            Err(_) => self.overflow = true,
        }
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// Walks over attributes; ends at the first one whose length does not fit.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// The attributes in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Attributes(bytes)
    }

    /// The attributes of `message` behind a fixed header of `header` bytes.
    pub fn after(message: &'a [u8], header: usize) -> Self {
        Attributes(message.get(header..).unwrap_or_default())
    }

    /// The value of the first attribute of this kind.
    pub fn get(self, kind: u16) -> Option<&'a [u8]> {
        { self }
            .find(|(found, _)| *found == kind)
            .map(|(_, value)| value)
    }

    /// The attributes inside the first one of this kind; none when it is missing.
    pub fn nested(self, kind: u16) -> Attributes<'a> {
        Attributes(self.get(kind).unwrap_or_default())
    }

    /// A 32-bit value in host order.
    pub fn get_u32(self, kind: u16) -> Option<u32> {
        self.get(kind)
            .and_then(|value| value.try_into().ok())
            .map(u32::from_ne_bytes)
    }

    /// A 32-bit value in network order.
    pub fn get_be32(self, kind: u16) -> Option<u32> {
        self.get(kind)
            .and_then(|value| value.try_into().ok())
            .map(u32::from_be_bytes)
    }

    /// A text up to its first zero; bytes that are not UTF-8 are replaced.
    pub fn get_text(self, kind: u16) -> Option<String> {
        let value = self.get(kind)?;
        let end = value
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(value.len());
        Some(String::from_utf8_lossy(&value[..end]).into_owned())
    }

    /// An address, by its length.
    pub fn get_address(self, kind: u16) -> Option<IpAddr> {
        let value = self.get(kind)?;
        if let Ok(v4) = <[u8; 4]>::try_from(value) {
            return Some(IpAddr::from(v4));
        }
        <[u8; 16]>::try_from(value).ok().map(IpAddr::from)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16::from_ne_bytes(self.0.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(self.0.get(2..HEADER)?.try_into().ok()?);
        let Some(value) = self.0.get(HEADER..length) else {
            self.0 = &[];
            return None;
        };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & KIND_MASK, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_attributes_read_back_as_written() {
        let mut encoder = Encoder::default();
        encoder.text(3, "eth0");
        encoder.nest(18, |e| {
            e.u16(1, 7);
            e.u32(2, 0x0102_0304);
        });
        encoder.be32(4, 5);
        let all = Attributes::new(encoder.as_slice());
        assert_eq!(all.get_text(3).as_deref(), Some("eth0"));
        assert_eq!(all.nested(18).get_u32(2), Some(0x0102_0304));
        assert_eq!(all.get(4), Some(&[0, 0, 0, 5][..]));
        assert_eq!(all.get(99), None);
        assert!(!encoder.overflowed());
    }

    #[test]
    fn an_attribute_beyond_sixteen_bits_is_noticed() {
        let mut encoder = Encoder::default();
        encoder.nest(1, |e| e.bytes(2, &[0; 70_000]));
        assert!(encoder.overflowed());
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        for bytes in [
            &[][..],
            &[1],
            &[4, 0, 1],
            &[0, 0, 1, 0, 9, 9],
            &[3, 0, 1, 0],
            &[200, 0, 1, 0, 1, 2],
            &[255, 255, 255, 255, 0],
        ] {
            assert_eq!(Attributes::new(bytes).count(), 0, "{bytes:?}");
        }
        let padded_past_the_end = [5, 0, 7, 0, 42];
        assert_eq!(
            Attributes::new(&padded_past_the_end).get(7),
            Some(&[42][..])
        );
    }

    #[test]
    fn a_value_of_another_size_is_no_value() {
        let mut encoder = Encoder::default();
        encoder.bytes(1, &[1, 2, 3]);
        let all = Attributes::new(encoder.as_slice());
        assert_eq!(all.get_u32(1), None);
        assert_eq!(all.get_address(1), None);
    }
}
