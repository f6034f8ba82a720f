//! Several netlink requests in one buffer, each with the words that an error will use.

use rustix::io::Errno;

use super::attr::Encoder;

/// NLM_F_REQUEST.
pub(in crate::kernel) const REQUEST: u16 = 0x1;
/// NLM_F_ACK.
pub(in crate::kernel) const ACK: u16 = 0x4;
/// NLM_F_DUMP.
pub(in crate::kernel) const DUMP: u16 = 0x300;
/// NLM_F_REPLACE.
pub(in crate::kernel) const REPLACE: u16 = 0x100;
/// NLM_F_EXCL.
pub(in crate::kernel) const EXCL: u16 = 0x200;
/// NLM_F_CREATE.
pub(in crate::kernel) const CREATE: u16 = 0x400;

/// Length of `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;

/// Requests to be sent together. The kernel carries them out in order; NETLINK_ROUTE goes on
/// after a failed one, so what depends on another request's success belongs in a later batch.
#[derive(Debug, Default)]
pub(in crate::kernel) struct Batch {
    pub(super) encoder: Encoder,
    pub(super) requests: Vec<Request>,
}

/// One request of a batch.
#[derive(Debug)]
pub(super) struct Request {
    pub label: String,
    /// Offset of its header in the batch.
    pub start: usize,
    /// An acknowledgement was asked for.
    pub acknowledged: bool,
    /// Codes that count as success.
    pub tolerated: &'static [Errno],
}

impl Batch {
    /// Appends a request; `flags` beside NLM_F_REQUEST, `fill` writes the fixed header and
    /// the attributes.
    pub fn request(
        &mut self,
        label: impl Into<String>,
        kind: u16,
        flags: u16,
        fill: impl FnOnce(&mut Encoder),
    ) {
        self.tolerant(label, kind, flags, &[], fill);
    }

    /// As [`Batch::request`], with codes that count as success.
    pub fn tolerant(
        &mut self,
        label: impl Into<String>,
        kind: u16,
        flags: u16,
        tolerated: &'static [Errno],
        fill: impl FnOnce(&mut Encoder),
    ) {
        let start = self.encoder.len();
        let flags = flags | REQUEST;
        let mut header = [0u8; HEADER];
        header[4..6].copy_from_slice(&kind.to_ne_bytes());
        header[6..8].copy_from_slice(&flags.to_ne_bytes());
        self.encoder.raw(&header);
        fill(&mut self.encoder);
        // Beyond u32 the send fails anyway; saturation keeps the arithmetic honest.
        let length = u32::try_from(self.encoder.len() - start).unwrap_or(u32::MAX);
        self.encoder.patch_u32(start, length);
        let acknowledged = flags & ACK != 0;
        self.requests.push(Request {
            label: label.into(),
            start,
            acknowledged,
            tolerated,
        });
    }

    /// Asks for an acknowledgement of the last request.
    pub fn acknowledge_last(&mut self) {
        if let Some(last) = self.requests.last_mut() {
            last.acknowledged = true;
            self.encoder.set_bits_u16(last.start + 6, ACK);
        }
    }

    /// An attribute outgrew its length: the batch must not be sent.
    pub fn overflowed(&self) -> bool {
        self.encoder.overflowed()
    }

    /// Number of requests.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Numbers the requests from `first` on.
    pub(super) fn number(&mut self, first: u32) {
        let mut sequence = first;
        for request in &self.requests {
            self.encoder.patch_u32(request.start + 8, sequence);
            sequence = sequence.wrapping_add(1);
        }
    }

    /// Text for an error that concerns the batch as a whole.
    pub(super) fn label(&self) -> String {
        match self.requests.as_slice() {
            [] => "empty batch".to_owned(),
            [only] => only.label.clone(),
            [first, rest @ ..] => format!("{} and {} more", first.label, rest.len()),
        }
    }
}

/// One received message.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub kind: u16,
    pub flags: u16,
    pub sequence: u32,
    pub body: &'a [u8],
}

/// Walks over received messages; ends at the first one whose length does not fit.
pub(super) struct Messages<'a>(pub &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let header = self.0.get(..HEADER)?;
        let word = |at: usize| -> Option<u32> {
            Some(u32::from_ne_bytes(header.get(at..at + 4)?.try_into().ok()?))
        };
        let half = |at: usize| -> Option<u16> {
            Some(u16::from_ne_bytes(header.get(at..at + 2)?.try_into().ok()?))
        };
        let length = usize::try_from(word(0)?).ok()?;
        let (kind, flags, sequence) = (half(4)?, half(6)?, word(8)?);
        let Some(body) = self.0.get(HEADER..length) else {
            self.0 = &[];
            return None;
        };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind,
            flags,
            sequence,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_get_their_lengths_and_numbers() {
        let mut batch = Batch::default();
        batch.request("a", 16, ACK, |e| e.raw(&[1; 16]));
        batch.request("b", 20, 0, |e| e.text(3, "x"));
        batch.number(7);
        let messages: Vec<_> = Messages(batch.encoder.as_slice()).collect();
        assert_eq!(messages.len(), 2);
        assert_eq!((messages[0].kind, messages[0].sequence), (16, 7));
        assert_eq!(messages[0].body.len(), 16);
        assert_eq!((messages[1].kind, messages[1].sequence), (20, 8));
        assert_eq!(messages[1].flags, REQUEST);
        assert_eq!(batch.label(), "a and 1 more");
    }

    #[test]
    fn short_and_lying_messages_end_the_walk() {
        assert_eq!(Messages(&[]).count(), 0);
        assert_eq!(Messages(&[16, 0, 0]).count(), 0);
        for length in [0u32, 4, 15, 17, 4096, u32::MAX] {
            let mut bytes = [0u8; 16];
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Messages(&bytes).count(), 0, "length {length}");
        }
        let mut bytes = [0u8; 16];
        bytes[0] = 16;
        assert_eq!(Messages(&bytes).count(), 1);
    }
}
