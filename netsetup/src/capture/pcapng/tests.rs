use super::*;

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Blocks as type and body; panics unless lengths agree, are padded, and fill the file.
fn blocks(mut file: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut blocks = Vec::new();
    while !file.is_empty() {
        let (kind, length) = (word(file, 0), usize::try_from(word(file, 4)).unwrap());
        assert_eq!(length % 4, 0, "block {kind}");
        assert_eq!(word(file, length - 4), word(file, 4), "block {kind}");
        blocks.push((kind, file[8..length - 4].to_vec()));
        file = &file[length..];
    }
    blocks
}

/// Options as code and value; they end with the end mark and nothing behind it.
fn options(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = Vec::new();
    loop {
        let half = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
        let (code, length) = (half(0), usize::from(half(2)));
        if code == 0 {
            assert_eq!(bytes.len(), 4, "after the end mark");
            return options;
        }
        options.push((code, bytes[4..4 + length].to_vec()));
        bytes = &bytes[4 + length.next_multiple_of(4)..];
    }
}

fn ethernet(name: &str) -> Interface {
    Interface {
        name: name.to_owned(),
        description: "of container web".to_owned(),
        link_type: 1,
    }
}

#[test]
fn a_file_begins_with_its_section_and_interfaces() {
    let mut writer = Writer::default();
    writer.begin(
        &[ethernet("eth0"), ethernet("lo")],
        262_144,
        "container web",
    );
    let blocks = blocks(&writer.buffer);
    assert_eq!(
        blocks.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
        [0x0a0d_0d0a, 1, 1]
    );
    let section = &blocks[0].1;
    assert_eq!(word(section, 0), 0x1a2b_3c4d);
    assert_eq!(
        section[4..16],
        [1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]
    );
    let section = options(&section[16..]);
    assert_eq!(section[0], (1, b"container web".to_vec()));
    assert!(section[2].1.starts_with(b"rbox "), "{section:?}");
    let interface = &blocks[1].1;
    assert_eq!((word(interface, 0), word(interface, 4)), (1, 262_144));
    assert_eq!(
        options(&interface[8..]),
        [
            (2, b"eth0".to_vec()),
            (3, b"of container web".to_vec()),
            (9, vec![9])
        ]
    );
}

#[test]
fn packets_have_their_time_direction_and_both_lengths() {
    let mut writer = Writer::default();
    let packet = Packet {
        time: Duration::new(1_700_000_000, 123_456_789),
        reception: Reception::Outgoing,
        length: 1500,
        bytes: &[1, 2, 3, 4, 5],
    };
    writer.packet(1, &packet, 262_144);
    writer.packet(
        0,
        &Packet {
            reception: Reception::Broadcast,
            ..packet
        },
        3,
    );
    let blocks = blocks(&writer.buffer);
    let (kind, body) = &blocks[0];
    assert_eq!((*kind, word(body, 0)), (6, 1));
    let time = u64::from(word(body, 4)) << 32 | u64::from(word(body, 8));
    assert_eq!(time, 1_700_000_000_123_456_789);
    assert_eq!((word(body, 12), word(body, 16)), (5, 1500));
    assert_eq!(body[20..28], [1, 2, 3, 4, 5, 0, 0, 0]);
    assert_eq!(options(&body[28..]), [(2, vec![2, 0, 0, 0])]);
    let (_, body) = &blocks[1];
    assert_eq!(
        (word(body, 12), word(body, 16)),
        (3, 1500),
        "cut to three bytes"
    );
    assert_eq!(options(&body[24..]), [(2, vec![1 | 3 << 2, 0, 0, 0])]);
}

#[test]
fn statistics_count_what_was_lost() {
    let mut writer = Writer::default();
    let statistics = Statistics {
        received: 10,
        dropped: 3,
        delivered: 7,
    };
    writer.statistics(
        0,
        Duration::from_nanos(1 << 32),
        Duration::from_nanos(2 << 32),
        &statistics,
    );
    let (kind, body) = blocks(&writer.buffer).remove(0);
    assert_eq!((kind, word(&body, 4), word(&body, 8)), (5, 2, 0));
    let count = |n: u64| n.to_le_bytes().to_vec();
    assert_eq!(
        options(&body[12..]),
        [
            (2, vec![1, 0, 0, 0, 0, 0, 0, 0]),
            (3, vec![2, 0, 0, 0, 0, 0, 0, 0]),
            (4, count(10)),
            (7, count(3)),
            (8, count(7)),
        ]
    );
}

#[test]
fn a_text_longer_than_an_option_is_cut() {
    let mut writer = Writer::default();
    writer.begin(&[], 0, &"x".repeat(70_000));
    let (_, body) = blocks(&writer.buffer).remove(0);
    assert_eq!(options(&body[16..])[0].1.len(), 65_535);
}
