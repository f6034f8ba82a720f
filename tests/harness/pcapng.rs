//! A strict reader of pcapng files: it takes nothing that the format does not allow.
//!
//! Source: IETF draft-ietf-opsawg-pcapng.

/// An interface block.
#[derive(Debug)]
pub struct Interface {
    pub name: String,
    pub link_type: u16,
    pub snap_length: u32,
}

/// An enhanced packet block.
#[derive(Debug)]
pub struct Packet {
    pub interface: usize,
    /// Nanoseconds since 1970.
    pub time: u64,
    pub length: u32,
    pub flags: u32,
    pub bytes: Vec<u8>,
}

/// An interface statistics block.
#[derive(Debug, PartialEq)]
pub struct Statistics {
    pub interface: usize,
    pub received: u64,
    pub dropped: u64,
    pub delivered: u64,
}

/// A whole file.
#[derive(Debug, Default)]
pub struct Capture {
    pub interfaces: Vec<Interface>,
    pub packets: Vec<Packet>,
    pub statistics: Vec<Statistics>,
    /// The section's comment.
    pub comment: String,
}

impl Capture {
    /// Packets of an interface.
    pub fn of(&self, name: &str) -> Vec<&Packet> {
        let number = self.interfaces.iter().position(|i| i.name == name).unwrap();
        self.packets
            .iter()
            .filter(|p| p.interface == number)
            .collect()
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn size(bytes: &[u8], at: usize) -> usize {
    usize::try_from(word(bytes, at)).unwrap()
}

/// Upper half first.
fn time(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) << 32 | u64::from(word(bytes, at + 4))
}

/// Reads a file; panics where it is not as the format has it, or ends within a block.
pub fn read(mut file: &[u8]) -> Capture {
    let mut capture = Capture::default();
    let mut first = true;
    while !file.is_empty() {
        let (kind, length) = (word(file, 0), size(file, 4));
        assert!(
            length >= 12 && length % 4 == 0 && length <= file.len(),
            "block {kind:#x}"
        );
        assert_eq!(
            size(file, length - 4),
            length,
            "the length at the end of block {kind:#x}"
        );
        let body = &file[8..length - 4];
        assert_eq!(first, kind == 0x0a0d_0d0a, "one section, at the beginning");
        match kind {
            0x0a0d_0d0a => section(body, &mut capture),
            1 => capture.interfaces.push(interface(body)),
            6 => capture.packets.push(packet(body)),
            5 => capture.statistics.push(statistics(body)),
            other => panic!("unknown block {other:#x}"),
        }
        let known = capture.interfaces.len();
        assert!(
            capture
                .packets
                .last()
                .is_none_or(|packet| packet.interface < known)
        );
        assert!(
            capture
                .statistics
                .last()
                .is_none_or(|block| block.interface < known)
        );
        first = false;
        file = &file[length..];
    }
    assert!(!first, "an empty file");
    capture
}

fn options(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = Vec::new();
    while !bytes.is_empty() {
        let (code, length) = (half(bytes, 0), usize::from(half(bytes, 2)));
        if code == 0 {
            assert_eq!(
                (length, bytes.len()),
                (0, 4),
                "the end of options is the end"
            );
            return options;
        }
        let padded = length.next_multiple_of(4);
        assert!(
            bytes[4 + length..4 + padded].iter().all(|byte| *byte == 0),
            "padding"
        );
        options.push((code, bytes[4..4 + length].to_vec()));
        bytes = &bytes[4 + padded..];
    }
    panic!("options without an end");
}

fn option(options: &[(u16, Vec<u8>)], code: u16) -> Vec<u8> {
    let mut found = options.iter().filter(|(known, _)| *known == code);
    let (_, value) = found.next().unwrap_or_else(|| panic!("no option {code}"));
    assert!(found.next().is_none(), "option {code} twice");
    value.clone()
}

fn section(body: &[u8], capture: &mut Capture) {
    assert_eq!(word(body, 0), 0x1a2b_3c4d, "byte order");
    assert_eq!((half(body, 4), half(body, 6)), (1, 0), "version");
    let options = options(&body[16..]);
    capture.comment = String::from_utf8(option(&options, 1)).unwrap();
}

fn interface(body: &[u8]) -> Interface {
    let options = options(&body[8..]);
    assert_eq!(option(&options, 9), [9], "nanoseconds");
    Interface {
        name: String::from_utf8(option(&options, 2)).unwrap(),
        link_type: half(body, 0),
        snap_length: word(body, 4),
    }
}

fn packet(body: &[u8]) -> Packet {
    let captured = size(body, 12);
    let end = 20 + captured.next_multiple_of(4);
    let options = options(&body[end..]);
    let length = word(body, 16);
    assert!(captured <= usize::try_from(length).unwrap());
    Packet {
        interface: size(body, 0),
        time: time(body, 4),
        length,
        flags: word(&option(&options, 2), 0),
        bytes: body[20..20 + captured].to_vec(),
    }
}

fn statistics(body: &[u8]) -> Statistics {
    let options = options(&body[12..]);
    let count = |code: u16| u64::from_le_bytes(option(&options, code).try_into().unwrap());
    assert!(time(&option(&options, 2), 0) <= time(&option(&options, 3), 0));
    Statistics {
        interface: size(body, 0),
        received: count(4),
        dropped: count(7),
        delivered: count(8),
    }
}
