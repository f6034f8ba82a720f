//! A network's zone: the file `hosts` in its run directory, from which every
//! resolver on that network answers.
//!
//! One line an address, the shape of `/etc/hosts` so that people and tools can
//! read it: `10.241.0.2<TAB>web shared 94e70b50c801`. The first name is the
//! container's own and is what a reverse lookup gives.

use std::fmt::Write as _;
use std::net::IpAddr;

/// One address and the names that lead to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The endpoint's address; an endpoint with both families has two entries.
    pub ip: IpAddr,
    /// The container's name first, then aliases, short id and hostname.
    pub names: Vec<String>,
}

impl Entry {
    /// Its line. Names that could not be read back (blanks, control characters, `#`) are left out,
    /// and an entry without names has no line.
    fn write(&self, text: &mut String) {
        let names = self.names.iter().filter(|name| is_name(name));
        for (index, name) in names.enumerate() {
            if index == 0 {
                // Writing to a String cannot fail.
                let _ = write!(text, "{}\t{name}", self.ip);
            } else {
                let _ = write!(text, " {name}");
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }
}

/// A zone's text with the entries of `gone` taken out and `new` ones at its end; one that was there
/// for the same address is replaced, for an address has one owner.
///
/// All other lines stay as they are, those that are no entry too, so that a file edited by hand
/// keeps its comments; and nothing is taken apart, so that a zone of a thousand names costs
/// little more than its bytes.
pub fn changed(text: &str, gone: &[IpAddr], new: &[Entry]) -> String {
    let goes = |line: &str| {
        let address = address(line);
        address.is_some_and(|ip| gone.contains(&ip) || new.iter().any(|entry| entry.ip == ip))
    };
    let mut result = String::with_capacity(text.len() + 96 * new.len());
    // Lines that stay are copied many at a time.
    let (mut from, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if goes(line) {
            result.push_str(text.get(from..at).unwrap_or_default());
            from = end;
        }
        at = end;
    }
    result.push_str(text.get(from..).unwrap_or_default());
    if !result.is_empty() && !result.ends_with('\n') {
        result.push('\n');
    }
    for entry in new {
        entry.write(&mut result);
    }
    result
}

/// The address that a line is about, whether or not it has names.
fn address(line: &str) -> Option<IpAddr> {
    words(line).next()?.parse().ok()
}

/// The words of a line before its comment.
fn words(line: &str) -> Names<'_> {
    let line = line.split_once('#').map_or(line, |(before, _)| before);
    line.split_ascii_whitespace()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
}

/// The names on one line of a zone, at least one.
pub type Names<'a> = std::str::SplitAsciiWhitespace<'a>;

/// The entries of a zone's text, borrowed from it; lines that are none are skipped.
pub fn lines(text: &str) -> impl Iterator<Item = (IpAddr, Names<'_>)> {
    text.lines().filter_map(|line| {
        let mut words = words(line);
        let ip = words.next()?.parse().ok()?;
        words.clone().next()?;
        Some((ip, words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ip: &str, names: &[&str]) -> Entry {
        Entry {
            ip: ip.parse().unwrap(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn read(text: &str) -> Vec<Entry> {
        lines(text)
            .map(|(ip, names)| Entry {
                ip,
                names: names.map(str::to_owned).collect(),
            })
            .collect()
    }

    #[test]
    fn entries_survive_the_round_trip() {
        let new = [
            entry("10.241.0.2", &["web", "shared", "94e70b50c801"]),
            entry("fd00:aa::99", &["web"]),
        ];
        let text = changed("", &[], &new);
        assert_eq!(
            text,
            "10.241.0.2\tweb shared 94e70b50c801\nfd00:aa::99\tweb\n"
        );
        assert_eq!(read(&text), new);
    }

    #[test]
    fn broken_lines_do_not_hide_the_good_ones() {
        let text = "# made by hand\n\n10.0.0.300 x\n10.0.0.1\n \t\n10.0.0.2  a\tb # c\r\nfe80::1%eth0 z\n\
                    10.0.0.3 d";
        assert_eq!(
            read(text),
            [entry("10.0.0.2", &["a", "b"]), entry("10.0.0.3", &["d"])]
        );
    }

    #[test]
    fn an_address_has_one_entry() {
        let text = "10.0.0.2\told\n10.0.0.3\tother\n10.0.0.2 older\n";
        let text = changed(text, &[], &[entry("10.0.0.2", &["new"])]);
        assert_eq!(text, "10.0.0.3\tother\n10.0.0.2\tnew\n");
        let text = changed(&text, &["10.0.0.3".parse().unwrap()], &[]);
        assert_eq!(text, "10.0.0.2\tnew\n");
        assert_eq!(changed(&text, &["10.0.0.3".parse().unwrap()], &[]), text);
        assert_eq!(changed(&text, &["10.0.0.2".parse().unwrap()], &[]), "");
    }

    #[test]
    fn what_was_written_by_hand_stays() {
        let text = "# ours\n  10.0.0.2 a # first\nFD00::1 b\n#10.0.0.2 c\n10.0.0.22 d";
        let gone = ["10.0.0.2", "fd00::1"].map(|ip| ip.parse().unwrap());
        assert_eq!(
            changed(text, &gone, &[entry("10.0.0.4", &["e"])]),
            "# ours\n#10.0.0.2 c\n10.0.0.22 d\n10.0.0.4\te\n"
        );
    }

    #[test]
    fn reading_and_changing_agree_about_blanks() {
        let text = "\u{a0}10.0.0.1 a\n\u{b}10.0.0.1 b\n\u{c}10.0.0.1 c\n\r10.0.0.1 d\n";
        assert_eq!(read(text).len(), 2);
        let gone = ["10.0.0.1".parse().unwrap()];
        assert!(read(&changed(text, &gone, &[])).is_empty());
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let forged = entry("10.0.0.2", &["a", "x\n10.0.0.9\tevil", "", "b c", "#d"]);
        let nameless = entry("10.0.0.3", &["\n"]);
        assert_eq!(changed("", &[], &[forged, nameless]), "10.0.0.2\ta\n");
    }
}
