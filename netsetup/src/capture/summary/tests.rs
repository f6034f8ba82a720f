use super::*;

/// Bytes from hexadecimal digits; blanks are skipped.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const MACS: &str = "0242ac120003 0242ac120002";

fn packet(bytes: &[u8]) -> Packet<'_> {
    Packet {
        time: Duration::new(86_400 * 3 + 6 * 3600 + 41 * 60 + 2, 123_456_789),
        reception: Reception::Outgoing,
        length: 1000,
        bytes,
    }
}

fn told(digits: &str) -> String {
    let bytes = hex(&format!("{MACS} {digits}"));
    let line = summary("eth0", 1, &packet(&bytes));
    line.strip_prefix("06:41:02.123456 eth0 out ")
        .unwrap()
        .to_owned()
}

/// An IPv4 packet from 172.18.0.2 to 172.18.0.3.
fn v4(protocol: u8, body: &str) -> String {
    let length = 20 + hex(body).len();
    format!("0800 4500{length:04x} 0000 4000 40{protocol:02x} 0000 ac120002 ac120003 {body}")
}

/// An IPv6 packet from fd00::2 to fd00::3.
fn v6(next: u8, body: &str) -> String {
    let length = hex(body).len();
    let address = |last: &str| format!("fd00{}{last}", "0".repeat(26));
    format!(
        "86dd 60000000 {length:04x} {next:02x}40 {} {} {body}",
        address("02"),
        address("03")
    )
}

fn dns(flags: &str, answers: u16, rest: &str) -> String {
    format!("1234 {flags} 0001 {answers:04x} 0000 0000 03776562 036c616e 00 0001 0001 {rest}")
}

fn udp(from: u16, to: u16, payload: &str) -> String {
    format!(
        "{from:04x} {to:04x} {:04x} 0000 {payload}",
        8 + hex(payload).len()
    )
}

#[test]
fn each_protocol_has_its_words() {
    let echo = "0800 0000 0007 0001";
    for (digits, text) in [
        (
            "0806 0001 0800 06 04 0001 0242ac120002 ac120002 000000000000 ac120003".to_owned(),
            "ARP who has 172.18.0.3? tell 172.18.0.2",
        ),
        (
            "0806 0001 0800 06 04 0002 0242ac120003 ac120003 0242ac120002 ac120002".to_owned(),
            "ARP 172.18.0.3 is at 02:42:ac:12:00:03",
        ),
        (
            "0806 0001 0800 06 04 0001 0242ac120002 ac120002 000000000000 ac120002".to_owned(),
            "ARP 172.18.0.2 is here, at 02:42:ac:12:00:02",
        ),
        (
            v4(6, "9d82 0050 00000001 00000000 5002 faf0 0000 0000"),
            "172.18.0.2:40322 > 172.18.0.3:80 TCP [SYN] length 0",
        ),
        (
            v4(6, "0050 9d82 00000001 00000002 5018 faf0 0000 0000 68690a"),
            "172.18.0.2:80 > 172.18.0.3:40322 TCP [PSH ACK] length 3",
        ),
        (
            v4(17, &udp(1000, 2000, "00ff")),
            "172.18.0.2:1000 > 172.18.0.3:2000 UDP length 2",
        ),
        (
            v4(1, echo),
            "172.18.0.2 > 172.18.0.3 ICMP echo request id 7 seq 1",
        ),
        (
            v4(1, "0303 0000 00000000"),
            "172.18.0.2 > 172.18.0.3 ICMP port unreachable",
        ),
        (
            v4(132, "00"),
            "172.18.0.2 > 172.18.0.3 protocol 132 length 1",
        ),
        (
            v6(58, "8700 0000 00000000 fd000000000000000000000000000003"),
            "fd00::2 > fd00::3 ICMPv6 who has fd00::3?",
        ),
        (
            v6(6, "9d82 0050 00000001 00000000 5012 faf0 0000 0000"),
            "[fd00::2]:40322 > [fd00::3]:80 TCP [SYN ACK] length 0",
        ),
        // Behind hop-by-hop options and the first of a fragmented packet's parts.
        (
            v6(
                0,
                &format!("2c00 000000000000 1100 0001 00000000 {}", udp(1, 2, "00")),
            ),
            "[fd00::2]:1 > [fd00::3]:2 UDP length 1",
        ),
        (
            v6(44, "1100 0008 00000000 00"),
            "fd00::2 > fd00::3 fragment at 8 length 9",
        ),
        (
            format!("8100 2005 {}", v4(1, echo)),
            "vlan 5 172.18.0.2 > 172.18.0.3 ICMP echo request id 7 seq 1",
        ),
        (
            "88cc 00".to_owned(),
            "02:42:ac:12:00:02 > 02:42:ac:12:00:03 ethertype 0x88cc length 1",
        ),
    ] {
        assert_eq!(told(&digits), text);
    }
}

#[test]
fn names_are_told() {
    let address = "c00c 0001 0001 00000000 0004 ac120003";
    for (payload, text) in [
        (dns("0100", 0, ""), "UDP DNS query A web.lan length 25"),
        (
            dns("8180", 1, address),
            "UDP DNS answer A web.lan 172.18.0.3 length 41",
        ),
        (
            dns("8183", 0, ""),
            "UDP DNS answer A web.lan NXDOMAIN length 25",
        ),
        (
            dns("8180", 0, ""),
            "UDP DNS answer A web.lan nothing length 25",
        ),
    ] {
        let line = told(&v4(17, &udp(40_000, 53, &payload)));
        assert_eq!(line, format!("172.18.0.2:40000 > 172.18.0.3:53 {text}"));
    }
    // The embedded resolver's port is any.
    let bytes = hex(&v4(17, &udp(40_000, 33_333, &dns("0100", 0, ""))).replacen("0800", "", 1));
    let mut bytes = bytes;
    bytes[16..20].copy_from_slice(&[127, 0, 0, 11]);
    let line = summary("lo", LINKTYPE_RAW, &packet(&bytes));
    assert!(
        line.ends_with("> 127.0.0.11:33333 UDP DNS query A web.lan length 25"),
        "{line}"
    );
}

#[test]
fn hostile_names_are_escaped_and_loops_end() {
    let ask = |name: &str| {
        told(&v4(
            17,
            &udp(
                1,
                53,
                &format!("0000 0100 0001 0000 0000 0000 {name} 0001 0001"),
            ),
        ))
    };
    assert!(
        ask("04 1b5b324a 00").contains("query A \\027\\0912J "),
        "{}",
        ask("04 1b5b324a 00")
    );
    assert!(ask("00").contains(" query A . "));
    for loops in ["c00c", "01 61 c00c", "c00e c00c", "40 00", "3f 00"] {
        assert!(!ask(loops).contains("DNS"), "{loops}");
    }
}

#[test]
fn a_packet_that_is_cut_anywhere_is_told_without_reading_beyond() {
    let whole = [
        v4(6, "9d82 0050 00000001 00000000 5002 faf0 0000 0000"),
        v4(
            17,
            &udp(
                1,
                53,
                &dns("8180", 1, "c00c 0001 0001 00000000 0004 ac120003"),
            ),
        ),
        v6(
            0,
            &format!("2c00 000000000000 1100 0001 00000000 {}", udp(1, 2, "00")),
        ),
        v6(58, "8700 0000 00000000 fd000000000000000000000000000003"),
        "0806 0001 0800 06 04 0001 0242ac120002 ac120002 000000000000 ac120003".to_owned(),
    ];
    for digits in whole {
        let bytes = hex(&format!("{MACS} {digits}"));
        for length in 0..bytes.len() {
            let line = summary("eth0", 1, &packet(&bytes[..length]));
            if length < 14 {
                assert!(line.ends_with("cut off, 1000 bytes"), "{line}");
            }
            for at in 12..length {
                let mut twisted = bytes[..length].to_vec();
                twisted[at] ^= 0xff;
                let line = summary("eth0", 1, &packet(&twisted));
                assert!(!line.contains(['\n', '\x1b']), "{line}");
            }
        }
    }
}
