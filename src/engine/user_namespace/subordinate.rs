//! Ranges of ids that a user may give to containers: /etc/subuid and
//! /etc/subgid (subuid(5)), and who is meant, by passwd and group.

use std::fs::File;
use std::io::{self, Read};

use crate::engine::failure::{Context, Failure};

/// The files are read up to here, bytes; hosts with thousands of users have less.
const LIMIT: u64 = 4 << 20;

/// Most ranges that the kernel takes in one map (user_namespaces(7)).
const MOST_RANGES: usize = 340;

/// What the four files say.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/group`.
    pub group: String,
    /// `/etc/subuid`.
    pub subuid: String,
    /// `/etc/subgid`.
    pub subgid: String,
}

/// First id and number of ids.
pub type Range = (u32, u32);

/// A line of subordinate ids that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}: {why}")]
pub struct LineError {
    /// `/etc/subuid` or `/etc/subgid`.
    pub file: &'static str,
    /// From 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Files {
    /// Reads them; what is missing is empty.
    pub fn read() -> Result<Files, Failure> {
        let read = |path: &str| {
            let mut text = Vec::new();
            match File::open(path) {
                Ok(file) => file.take(LIMIT).read_to_end(&mut text).map(drop),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            }
            .context(|| format!("read {path}"))?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        Ok(Files {
            passwd: read("/etc/passwd")?,
            group: read("/etc/group")?,
            subuid: read("/etc/subuid")?,
            subgid: read("/etc/subgid")?,
        })
    }

    /// The ranges of user ids that belong to a user, by name or number.
    pub fn of_user(&self, user: &str) -> Result<Vec<Range>, LineError> {
        ranges("/etc/subuid", &self.subuid, &names(&self.passwd, user))
    }

    /// The ranges of group ids that belong to a user, by name or number.
    pub fn groups_of_user(&self, user: &str) -> Result<Vec<Range>, LineError> {
        ranges("/etc/subgid", &self.subgid, &names(&self.passwd, user))
    }

    /// The ranges of group ids that belong to a group, by name or number.
    pub fn of_group(&self, group: &str) -> Result<Vec<Range>, LineError> {
        ranges("/etc/subgid", &self.subgid, &names(&self.group, group))
    }
}

/// All that a user (or group) is called by a file like passwd: `name:x:number:…`.
fn names(accounts: &str, who: &str) -> Vec<String> {
    let mut all = vec![who.to_owned()];
    for line in accounts.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(_), Some(number)) = (fields.next(), fields.next(), fields.next()) {
            if name == who {
                all.push(number.to_owned());
            } else if number == who {
                all.push(name.to_owned());
            }
        }
    }
    all
}

/// The ranges of one owner, in the order of the file. Lines of others are not judged.
fn ranges(file: &'static str, text: &str, owner: &[String]) -> Result<Vec<Range>, LineError> {
    let mut found: Vec<Range> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.trim().split(':').collect();
        if !owner.iter().any(|name| name == fields[0]) {
            continue;
        }
        let wrong = |why| LineError {
            file,
            line: index + 1,
            why,
        };
        let [_, start, count] = fields[..] else {
            return Err(wrong("not of the form owner:start:count"));
        };
        let (Some(start), Some(count)) = (number(start), number(count)) else {
            return Err(wrong("not a number of 32 bits"));
        };
        if start == 0 {
            return Err(wrong("gives the host's root away"));
        }
        // The last of 32 bits is nobody's id.
        let Some(end) = start.checked_add(count) else {
            return Err(wrong("ends beyond the last id"));
        };
        let overlaps = |&(other, size): &Range| start < other + size && other < end;
        if found.iter().any(overlaps) {
            return Err(wrong("overlaps a range before it"));
        }
        if found.len() == MOST_RANGES {
            return Err(wrong("more ranges than the kernel takes (340)"));
        }
        if count > 0 {
            found.push((start, count));
        }
    }
    Ok(found)
}

/// Digits alone: no sign, no blank.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(subuid: &str) -> Files {
        Files {
            passwd: "root:x:0:0::/:\nme:x:1000:1000::/home/me:/bin/sh\n".into(),
            group: "staff:x:50:me\n".into(),
            subuid: subuid.into(),
            subgid: "me:300000:10\nstaff:400000:20\n".into(),
        }
    }

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        let files = files("# comment\n\nyou:1:2\nme:100000:65536\n1000:500000:7\nmeme:9:9\n");
        let wanted = vec![(100_000, 65_536), (500_000, 7)];
        assert_eq!(files.of_user("me"), Ok(wanted.clone()));
        assert_eq!(files.of_user("1000"), Ok(wanted));
        assert_eq!(files.of_user("nobody"), Ok(vec![]));
        assert_eq!(files.groups_of_user("1000"), Ok(vec![(300_000, 10)]));
        assert_eq!(files.of_group("50"), Ok(vec![(400_000, 20)]));
    }

    #[test]
    fn lines_that_cannot_be_used_are_named() {
        for (line, why) in [
            ("me:100000", "not of the form owner:start:count"),
            ("me:100000:1:2", "not of the form owner:start:count"),
            ("me", "not of the form owner:start:count"),
            ("me:-1:5", "not a number of 32 bits"),
            ("me:+1:5", "not a number of 32 bits"),
            ("me: 1:5", "not a number of 32 bits"),
            ("me:1:", "not a number of 32 bits"),
            ("me:4294967296:5", "not a number of 32 bits"),
            ("me:99999999999999999999999999:5", "not a number of 32 bits"),
            ("me:0:65536", "gives the host's root away"),
            ("me:4294967295:1", "ends beyond the last id"),
            ("me:1:4294967295", "ends beyond the last id"),
            ("me:10:10\nme:19:1", "overlaps a range before it"),
        ] {
            let error = files(line).of_user("me").unwrap_err();
            assert_eq!((error.file, error.why), ("/etc/subuid", why), "{line}");
        }
        let error = files("x:y\nme:0:1").of_user("me").unwrap_err();
        assert_eq!(
            error.to_string(),
            "/etc/subuid line 2: gives the host's root away"
        );
        let many: String = (1..=341u32).map(|n| format!("me:{}:1\n", n * 10)).collect();
        assert!(files(&many).of_user("me").is_err());
    }

    #[test]
    fn other_peoples_lines_and_odd_bytes_do_no_harm() {
        let text = "you:nonsense\n\u{fffd}\u{fffd}:::\n:::\nme:5:5\r\n";
        assert_eq!(files(text).of_user("me"), Ok(vec![(5, 5)]));
        assert_eq!(files("me:7:0").of_user("me"), Ok(vec![]));
    }
}
