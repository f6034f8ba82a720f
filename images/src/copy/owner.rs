//! `--chown`: ids, or names of the image's own `passwd` and `group`, which may be hostile.

use crate::view::{View, ViewReadError};

/// Who a copy belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Why `--chown` names nobody.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// No such name in `/etc/passwd`.
    #[error(
        "unable to convert uid/gid chown string to host mapping: can't find uid for user {0}: no such user: {0}"
    )]
    NoUser(String),
    /// No such name in `/etc/group`.
    #[error(
        "unable to convert uid/gid chown string to host mapping: can't find gid for group {0}: no such group: {0}"
    )]
    NoGroup(String),
    /// Not `user`, `user:group` or `:group`.
    #[error("invalid chown string: {0:?}")]
    Syntax(String),
    /// The file with the names cannot be read.
    #[error(transparent)]
    Read(#[from] ViewReadError),
}

/// More than any `passwd` that is meant to be read.
const LARGEST_FILE: usize = 1 << 20;

/// What `--chown=user:group` means in an image. An id without a group is its own group; a name
/// without one brings the group that `passwd` says.
///
/// # Errors
/// [`OwnerError`], naming who is not there.
pub fn resolve_owner(view: &View, text: &str) -> Result<Owner, OwnerError> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let wrong = || OwnerError::Syntax(text.to_owned());
    if user.is_empty() || group.is_some_and(|group| group.is_empty() || group.contains(':')) {
        return Err(wrong());
    }
    let by_user = match number(user) {
        Some(id) => Owner { uid: id, gid: id },
        None => {
            let passwd = view.read("etc/passwd", LARGEST_FILE)?.unwrap_or_default();
            find_user(&passwd, user).ok_or_else(|| OwnerError::NoUser(user.to_owned()))?
        }
    };
    let gid = match group {
        None => by_user.gid,
        Some(group) => match number(group) {
            Some(id) => id,
            None => {
                let file = view.read("etc/group", LARGEST_FILE)?.unwrap_or_default();
                find_group(&file, group).ok_or_else(|| OwnerError::NoGroup(group.to_owned()))?
            }
        },
    };
    Ok(Owner { gid, ..by_user })
}

/// An id; all ones would mean "leave as it is" to chown(2).
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = digits.then(|| text.parse().ok()).flatten()?;
    (id != u32::MAX).then_some(id)
}

/// `name:password:uid:gid:…`
fn find_user(passwd: &[u8], name: &str) -> Option<Owner> {
    lines_of(passwd, name).find_map(|mut fields| {
        Some(Owner {
            uid: number(fields.nth(1)?)?,
            gid: number(fields.next()?)?,
        })
    })
}

/// `name:password:gid:…`
fn find_group(group: &[u8], name: &str) -> Option<u32> {
    lines_of(group, name).find_map(|mut fields| number(fields.nth(1)?))
}

/// The fields after the name, of each line for it.
fn lines_of<'a>(file: &'a [u8], name: &'a str) -> impl Iterator<Item = std::str::Split<'a, char>> {
    file.split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter_map(move |line| {
            let mut fields = line.trim().split(':');
            (fields.next() == Some(name)).then_some(fields)
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn resolved(text: &str) -> Result<(u32, u32), String> {
        let base = tempfile::tempdir().unwrap();
        let etc = base.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        let passwd = "bad line\nroot:x:0:0::/:/bin/sh\nweb:x:33:44:\nhuge:x:4294967295:0:\n";
        std::fs::write(etc.join("passwd"), passwd).unwrap();
        std::fs::write(etc.join("group"), "root:x:0:\nstaff:x:50:web\n").unwrap();
        let view = View::open(&[], Some((base.path(), Path::new("")))).unwrap();
        resolve_owner(&view, text)
            .map(|owner| (owner.uid, owner.gid))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ids_and_names() {
        assert_eq!(resolved("7"), Ok((7, 7)));
        assert_eq!(resolved("7:8"), Ok((7, 8)));
        assert_eq!(resolved("web"), Ok((33, 44)));
        assert_eq!(resolved("web:staff"), Ok((33, 50)));
        assert_eq!(resolved("web:9"), Ok((33, 9)));
    }

    #[test]
    fn nobody_else() {
        assert!(
            resolved("nosuch")
                .unwrap_err()
                .ends_with("no such user: nosuch")
        );
        assert!(
            resolved("1:nosuch")
                .unwrap_err()
                .ends_with("no such group: nosuch")
        );
        assert!(resolved("huge").unwrap_err().contains("huge"));
        assert!(resolved("4294967295").unwrap_err().contains("no such user"));
        for text in ["", ":", "a:", ":b", "1:2:3"] {
            assert!(
                resolved(text).unwrap_err().starts_with("invalid chown"),
                "{text}"
            );
        }
    }
}
