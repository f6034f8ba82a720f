//! Texts in a terminal: how wide they are, and published ports in few words.

/// Columns of a terminal: ideographs take two, combining marks none.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text in at most `columns`; what is cut off its end is an ellipsis.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += char_width(c);
        if used > columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// The text with blanks behind it up to `columns`.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Published ports in few words: `8080 → 80/tcp` where all addresses of both families are
/// meant, `127.0.0.1:8080 → 80/tcp` otherwise. Host port 0 is none: the port is open where the
/// container itself is.
pub(super) fn published(ports: &[crate::model::port::PublishedPort]) -> Vec<String> {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    let both = |port: u16, container| {
        [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ]
        .iter()
        .all(|ip| {
            ports.iter().any(|other| {
                other.host_ip == *ip && other.host_port == port && other.container == container
            })
        })
    };
    let mut texts = Vec::new();
    for port in ports {
        if port.host_port == 0 {
            let text = format!("{} at its own address", port.container);
            if !texts.contains(&text) {
                texts.push(text);
            }
            continue;
        }
        let everywhere = port.host_ip.is_unspecified() && both(port.host_port, port.container);
        let from = match (everywhere, port.host_ip) {
            (true, IpAddr::V6(_)) => continue,
            (true, IpAddr::V4(_)) => port.host_port.to_string(),
            (false, ip) => SocketAddr::new(ip, port.host_port).to_string(),
        };
        texts.push(format!("{from} → {}", port.container));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_columns_not_bytes() {
        assert_eq!((width("Ünï"), width("網路"), width("e\u{301}")), (3, 4, 1));
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("網路路路", 4), "網…");
        assert_eq!(fit("abcd", 4), "abcd");
        assert_eq!(pad("網", 4), "網  ");
    }

    #[test]
    fn one_port_at_all_addresses_is_one_text() {
        let port = |ip: &str, host: u16| crate::model::port::PublishedPort {
            container: "80/tcp".parse().unwrap(),
            host_ip: ip.parse().unwrap(),
            host_port: host,
        };
        assert_eq!(
            published(&[port("0.0.0.0", 8080), port("::", 8080), port("::1", 9090)]),
            ["8080 → 80/tcp", "[::1]:9090 → 80/tcp"]
        );
        assert_eq!(published(&[port("::", 1)]), ["[::]:1 → 80/tcp"]);
        assert_eq!(
            published(&[port("0.0.0.0", 0), port("::", 0)]),
            ["80/tcp at its own address"]
        );
    }
}
