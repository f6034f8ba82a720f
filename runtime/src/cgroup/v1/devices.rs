//! Device rules as lines for `devices.deny` and `devices.allow`.

#[cfg(test)]
mod tests;

use super::super::CgroupError;
use super::super::device_rule::{ANY_ACCESS, DeviceRule, Kind, MKNOD, READ, WRITE};
use super::super::setting::{Setting, unsupported};

const WHAT: &str = "device rule";

/// The lines to write into a fresh group, in order.
///
/// The kernel keeps a default (allow or deny) and exceptions to it. A rule that
/// agrees with the default only takes out an exception for exactly its devices,
/// so a rule that should cut a hole into a wider exception cannot be had: it is
/// refused instead of being quietly without effect.
pub(super) fn settings(rules: &[DeviceRule]) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::with_capacity(rules.len());
    let mut state = State::default();
    for rule in rules {
        state.add(rule)?;
        settings.push(setting(rule));
    }
    Ok(settings)
}

/// The lines to write into a group whose `devices.list` is `list`, so that no
/// device that is allowed before and afterwards is denied in between.
pub(super) fn changes(list: &str, rules: &[DeviceRule]) -> Result<Vec<Setting>, CgroupError> {
    let mut wanted = State::default();
    for rule in rules {
        wanted.add(rule)?;
    }
    let Some(now) = listed(list).filter(|_| !wanted.allows) else {
        // The kernel does not list what is denied: begin anew.
        let mut settings = settings(rules)?;
        if wanted.allows && !rules.is_empty() {
            settings.insert(0, setting(&ALL));
        }
        return Ok(settings);
    };
    let lacking = |has: &[DeviceRule], wants: &[DeviceRule], allow: bool| {
        let mut lacking = Vec::new();
        for one in wants {
            let had = has.iter().filter(|other| is_same(one, other));
            let access = had.fold(one.access, |left, other| left & !other.access);
            if access != 0 {
                let rule = DeviceRule {
                    allow,
                    access,
                    ..*one
                };
                lacking.push(setting(&rule));
            }
        }
        lacking
    };
    let mut settings = lacking(&now, &wanted.exceptions, true);
    settings.extend(lacking(&wanted.exceptions, &now, false));
    Ok(settings)
}

/// The devices that `rules` allow, when they deny all others.
pub(in super::super) fn allowed(rules: &[DeviceRule]) -> Option<Vec<DeviceRule>> {
    let mut state = State::default();
    for rule in rules {
        // What cannot be said was refused before.
        state.add(rule).ok()?;
    }
    (!state.allows).then_some(state.exceptions)
}

/// What some rules come to.
struct State {
    /// Whether what is no exception is allowed.
    allows: bool,
    /// Each about other devices, or other access.
    exceptions: Vec<DeviceRule>,
}

impl Default for State {
    fn default() -> State {
        State {
            allows: true,
            exceptions: Vec::new(),
        }
    }
}

impl State {
    fn add(&mut self, rule: &DeviceRule) -> Result<(), CgroupError> {
        if rule.kind == Kind::All {
            self.allows = rule.allow;
            self.exceptions.clear();
        } else if rule.allow == self.allows {
            if self.exceptions.iter().any(|other| overlaps(other, rule)) {
                return Err(unsupported(
                    &format!("the device rule {:?}", line(rule)),
                    "cgroup v1 cannot take it out of the wider rule before it",
                ));
            }
            for other in &mut self.exceptions {
                if is_same(other, rule) {
                    other.access &= !rule.access;
                }
            }
            self.exceptions.retain(|other| other.access != 0);
        } else {
            match self.exceptions.iter_mut().find(|one| is_same(one, rule)) {
                Some(known) => known.access |= rule.access,
                None => self.exceptions.push(*rule),
            }
        }
        Ok(())
    }
}

/// A rule for everything.
const ALL: DeviceRule = DeviceRule {
    allow: true,
    kind: Kind::All,
    major: None,
    minor: None,
    access: ANY_ACCESS,
};

/// The devices of a `devices.list`; `None` when the group allows what is not
/// listed, which is then not listed.
fn listed(list: &str) -> Option<Vec<DeviceRule>> {
    let mut rules = Vec::new();
    for line in list.lines() {
        let mut words = line.split_whitespace();
        let kind = match words.next()? {
            "b" => Kind::Block,
            "c" => Kind::Character,
            _ => return None,
        };
        let (major, minor) = words.next()?.split_once(':')?;
        let number = |text: &str| match text {
            "*" => Some(None),
            text => text.parse().ok().map(Some),
        };
        let access = words
            .next()?
            .chars()
            .fold(0, |access, letter| match letter {
                'r' => access | READ,
                'w' => access | WRITE,
                'm' => access | MKNOD,
                _ => access,
            });
        rules.push(DeviceRule {
            allow: true,
            kind,
            major: number(major)?,
            minor: number(minor)?,
            access,
        });
    }
    Some(rules)
}

fn setting(rule: &DeviceRule) -> Setting {
    let file = if rule.allow {
        "devices.allow"
    } else {
        "devices.deny"
    };
    Setting::new(WHAT, file, line(rule))
}

/// Whether they are about exactly the same devices.
fn is_same(one: &DeviceRule, other: &DeviceRule) -> bool {
    (one.kind, one.major, one.minor) == (other.kind, other.major, other.minor)
}

/// Whether they have devices in common, but are not for exactly the same ones.
fn overlaps(one: &DeviceRule, other: &DeviceRule) -> bool {
    let meets =
        |left: Option<u32>, right: Option<u32>| left.is_none() || right.is_none() || left == right;
    one.kind == other.kind
        && meets(one.major, other.major)
        && meets(one.minor, other.minor)
        && (one.major, one.minor) != (other.major, other.minor)
        && one.access & other.access != 0
}

fn line(rule: &DeviceRule) -> String {
    let kind = match rule.kind {
        Kind::All => return "a".to_owned(),
        Kind::Block => 'b',
        Kind::Character => 'c',
    };
    let number = |value: Option<u32>| value.map_or("*".to_owned(), |value| value.to_string());
    let access: String = [(READ, 'r'), (WRITE, 'w'), (MKNOD, 'm')]
        .iter()
        .filter(|(bit, _)| rule.access & bit != 0)
        .map(|(_, letter)| *letter)
        .collect();
    format!(
        "{kind} {}:{} {access}",
        number(rule.major),
        number(rule.minor)
    )
}
