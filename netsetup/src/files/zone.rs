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

/// All names of one network.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Zone {
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

impl Zone {
    /// Reads a zone. Comments, blank lines and lines that are no entry are skipped, so that a
    /// file edited by hand never takes the other names down with it.
    pub fn parse(text: &str) -> Zone {
        Zone {
            entries: lines(text)
                .map(|(ip, names)| Entry {
                    ip,
                    names: names.map(str::to_owned).collect(),
                })
                .collect(),
        }
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(self.entries.len() * 64);
        for entry in &self.entries {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}\t", entry.ip);
            for (index, name) in entry.names.iter().enumerate() {
                if index > 0 {
                    text.push(' ');
                }
                text.push_str(name);
            }
            text.push('\n');
        }
        text
    }

    /// Adds an entry; one that was there for the same address is replaced, for an address has
    /// one owner. Names that could not be read back (blanks, control characters, `#`) are left
    /// out, and an entry without names is not added.
    pub fn add(&mut self, entry: Entry) {
        self.remove(entry.ip);
        let names: Vec<String> = entry
            .names
            .into_iter()
            .filter(|name| is_name(name))
            .collect();
        if !names.is_empty() {
            self.entries.push(Entry {
                ip: entry.ip,
                names,
            });
        }
    }

    /// Takes out the entry of an address; whether there was one.
    pub fn remove(&mut self, ip: IpAddr) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.ip != ip);
        self.entries.len() != before
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
}

/// The names on one line of a zone, at least one.
pub type Names<'a> = std::str::SplitWhitespace<'a>;

/// The entries of a zone's text, borrowed from it; lines that are none are skipped.
pub fn lines(text: &str) -> impl Iterator<Item = (IpAddr, Names<'_>)> {
    text.lines().filter_map(|line| {
        let line = line.split_once('#').map_or(line, |(before, _)| before);
        let mut words = line.split_whitespace();
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

    #[test]
    fn a_zone_survives_the_round_trip() {
        let mut zone = Zone::default();
        zone.add(entry("10.241.0.2", &["web", "shared", "94e70b50c801"]));
        zone.add(entry("fd00:aa::99", &["web"]));
        let text = zone.render();
        assert_eq!(
            text,
            "10.241.0.2\tweb shared 94e70b50c801\nfd00:aa::99\tweb\n"
        );
        assert_eq!(Zone::parse(&text), zone);
    }

    #[test]
    fn broken_lines_do_not_hide_the_good_ones() {
        let text = "# made by hand\n\n10.0.0.300 x\n10.0.0.1\n \t\n10.0.0.2  a\tb # c\r\nfe80::1%eth0 z\n\
                    10.0.0.3 d";
        let zone = Zone::parse(text);
        assert_eq!(
            zone.entries,
            [entry("10.0.0.2", &["a", "b"]), entry("10.0.0.3", &["d"])]
        );
    }

    #[test]
    fn an_address_has_one_entry() {
        let mut zone = Zone::default();
        zone.add(entry("10.0.0.2", &["old"]));
        zone.add(entry("10.0.0.3", &["other"]));
        zone.add(entry("10.0.0.2", &["new"]));
        assert_eq!(
            zone.entries,
            [entry("10.0.0.3", &["other"]), entry("10.0.0.2", &["new"])]
        );
        assert!(zone.remove("10.0.0.3".parse().unwrap()));
        assert!(!zone.remove("10.0.0.3".parse().unwrap()));
        assert_eq!(zone.render(), "10.0.0.2\tnew\n");
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let mut zone = Zone::default();
        zone.add(entry(
            "10.0.0.2",
            &["a", "x\n10.0.0.9\tevil", "", "b c", "#d"],
        ));
        zone.add(entry("10.0.0.3", &["\n"]));
        assert_eq!(zone.render(), "10.0.0.2\ta\n");
    }
}
