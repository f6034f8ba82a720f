//! A DNS message in a few words: what is asked, and the first answers.
//!
//! Source: RFC 1035, section 4. Names in messages are hostile: what is not a plain host name's
//! character is shown as `\nnn`, and a name is cut after 255 bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::summary::half;

const A: u16 = 1;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const AAAA: u16 = 28;
/// Answers that are shown.
const SHOWN: u16 = 3;
/// Jumps that one name may take.
const JUMPS: usize = 8;

/// `query A web`, `answer A web 172.18.0.2`; `None` for what is no DNS message.
pub(super) fn told(bytes: &[u8]) -> Option<String> {
    let (flags, questions, answers) = (half(bytes, 2)?, half(bytes, 4)?, half(bytes, 6)?);
    if questions != 1 {
        return None;
    }
    let (name, after) = name(bytes, 12)?;
    let kind = type_name(half(bytes, after)?);
    if flags & 0x8000 == 0 {
        return Some(format!("query {kind} {name}"));
    }
    let mut text = format!("answer {kind} {name}");
    match flags & 0xf {
        0 if answers == 0 => text.push_str(" nothing"),
        0 => {}
        3 => text.push_str(" NXDOMAIN"),
        2 => text.push_str(" SERVFAIL"),
        5 => text.push_str(" REFUSED"),
        code => text.push_str(&format!(" error {code}")),
    }
    let mut at = after + 4;
    for _ in 0..answers.min(SHOWN) {
        // A message that is cut, or lies, ends here.
        let Some((value, next)) = record(bytes, at) else {
            break;
        };
        text.push(' ');
        text.push_str(&value);
        at = next;
    }
    if answers > SHOWN {
        text.push_str(" …");
    }
    Some(text)
}

/// The value of the record at `at`, and where the next one begins.
fn record(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let (_, at) = name(bytes, at)?;
    let (kind, length) = (half(bytes, at)?, usize::from(half(bytes, at + 8)?));
    let start = at + 10;
    let value = bytes.get(start..start + length)?;
    let text = match kind {
        A => Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?).to_string(),
        AAAA => Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?).to_string(),
        PTR | CNAME => name(bytes, start)?.0,
        kind => type_name(kind),
    };
    Some((text, start + length))
}

/// The name at `at`, and where what follows it begins.
fn name(bytes: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut after = None;
    let mut jumps = 0;
    loop {
        let length = usize::from(*bytes.get(at)?);
        match length {
            0 => break,
            1..=63 => {
                let label = bytes.get(at + 1..at + 1 + length)?;
                if !text.is_empty() {
                    text.push('.');
                }
                for byte in label {
                    match byte {
                        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                            text.push(char::from(*byte));
                        }
                        other => text.push_str(&format!("\\{other:03}")),
                    }
                }
                at += 1 + length;
            }
            // A pointer to the rest of the name, somewhere before.
            _ if length >= 0xc0 => {
                after = after.or(Some(at + 2));
                at = usize::from(half(bytes, at)? & 0x3fff);
                jumps += 1;
                if jumps > JUMPS {
                    return None;
                }
            }
            _ => return None,
        }
        if text.len() > 255 * 4 {
            return None;
        }
    }
    if text.is_empty() {
        text.push('.');
    }
    Some((text, after.unwrap_or(at + 1)))
}

fn type_name(kind: u16) -> String {
    match kind {
        A => "A",
        2 => "NS",
        CNAME => "CNAME",
        6 => "SOA",
        PTR => "PTR",
        15 => "MX",
        16 => "TXT",
        AAAA => "AAAA",
        33 => "SRV",
        65 => "HTTPS",
        255 => "ANY",
        other => return format!("TYPE{other}"),
    }
    .to_owned()
}
