//! Who `--user` means, by the passwd and group files of the container's root.
//!
//! Pure. The files are hostile input: lines that are not understood are passed
//! over, and a number that is none never becomes 0.

use thiserror::Error;

/// The largest id that docker takes.
const MAX_ID: u32 = i32::MAX as u32;

/// A user with all that a process needs of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedUser {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids, in file order, then those asked for.
    pub additional_gids: Vec<u32>,
    /// Home directory; `/` when none is known.
    pub home: String,
}

/// A user or group that does not exist; docker's texts.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UserError {
    /// A name that is not in passwd.
    #[error("unable to find user {0}: no matching entries in passwd file")]
    NoUser(String),
    /// A name that is not in group.
    #[error("unable to find group {0}: no matching entries in group file")]
    NoGroup(String),
    /// A number that is no id.
    #[error("uids and gids must be in range 0-2147483647")]
    Range,
}

/// A line of passwd.
struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// A line of group.
struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Resolves `""`, `user`, `uid`, `user:group`, `uid:gid` and `:group`; files that
/// the image lacks are `None`. An explicit group leaves out the user's
/// supplementary groups; `additional` (names or numbers) are always appended.
///
/// # Errors
/// A name that is in neither file, or a number out of range.
pub fn resolve_user(
    spec: &str,
    passwd: Option<&[u8]>,
    group: Option<&[u8]>,
    additional: &[String],
) -> Result<ResolvedUser, UserError> {
    let passwd = String::from_utf8_lossy(passwd.unwrap_or_default());
    let group = String::from_utf8_lossy(group.unwrap_or_default());
    let (user, group_part) = spec.split_once(':').unwrap_or((spec, ""));
    let number = numeric(user);

    let account = accounts(&passwd).find(|account| match (user, number) {
        ("", _) => account.uid == 0,
        (_, Some(number)) => i64::from(account.uid) == number,
        (name, None) => account.name == name,
    });
    let uid = match (&account, number) {
        (Some(account), _) => account.uid,
        (None, _) if user.is_empty() => 0,
        (None, Some(number)) => id(number)?,
        (None, None) => return Err(UserError::NoUser(user.to_owned())),
    };
    let mut additional_gids = Vec::new();
    let gid = if group_part.is_empty() {
        if let Some(account) = &account {
            let member = |group: &Group<'_>| group.members.split(',').any(|m| m == account.name);
            additional_gids.extend(groups(&group).filter(member).map(|group| group.gid));
        }
        account.as_ref().map_or(0, |account| account.gid)
    } else {
        find_group(group_part, &group)?
    };
    for wanted in additional {
        let gid = find_group(wanted, &group)?;
        if !additional_gids.contains(&gid) {
            additional_gids.push(gid);
        }
    }
    let home = account
        .map(|account| account.home)
        .filter(|home| !home.is_empty());
    Ok(ResolvedUser {
        uid,
        gid,
        additional_gids,
        home: home.unwrap_or("/").to_owned(),
    })
}

/// A group by number, else by name; a number need not be in the file.
fn find_group(wanted: &str, group: &str) -> Result<u32, UserError> {
    if let Some(number) = numeric(wanted) {
        return id(number);
    }
    groups(group)
        .find(|group| group.name == wanted)
        .map(|group| group.gid)
        .ok_or_else(|| UserError::NoGroup(wanted.to_owned()))
}

fn accounts(passwd: &str) -> impl Iterator<Item = Account<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (field_id(fields.next()?)?, field_id(fields.next()?)?);
        let _comment = fields.next();
        Some(Account {
            name,
            uid,
            gid,
            home: fields.next().unwrap_or_default(),
        })
    })
}

fn groups(group: &str) -> impl Iterator<Item = Group<'_>> {
    group.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let gid = field_id(fields.next()?)?;
        Some(Group {
            name,
            gid,
            members: fields.next().unwrap_or_default(),
        })
    })
}

fn field_id(text: &str) -> Option<u32> {
    numeric(text).and_then(|number| id(number).ok())
}

/// As Go's Atoi: an optional sign and digits.
fn numeric(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn id(number: i64) -> Result<u32, UserError> {
    u32::try_from(number)
        .ok()
        .filter(|&id| id <= MAX_ID)
        .ok_or(UserError::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/sbin/nologin\n\
        nobody:x:65534:65534:nobody:/:/sbin/nologin\nbroken:x:zero:0::/:\nshort\n";
    const GROUP: &[u8] = b"root:x:0:root\nbin:x:1:root,bin,daemon\ntty:x:5:\nvideo:x:27:root\n\
        users:x:100:games\nnobody:x:65534:\n";

    fn resolve(spec: &str, additional: &[&str]) -> Result<ResolvedUser, UserError> {
        let additional: Vec<_> = additional.iter().map(|&name| name.to_owned()).collect();
        resolve_user(spec, Some(PASSWD), Some(GROUP), &additional)
    }

    fn ids(spec: &str) -> (u32, u32, Vec<u32>, String) {
        let user = resolve(spec, &[]).unwrap();
        (user.uid, user.gid, user.additional_gids, user.home)
    }

    #[test]
    fn nothing_means_root_with_its_groups() {
        assert_eq!(ids(""), (0, 0, vec![0, 1, 27], "/root".into()));
        assert_eq!(ids("root"), ids(""));
        assert_eq!(ids("0"), ids(""));
    }

    #[test]
    fn an_unknown_number_has_group_0_and_no_home() {
        assert_eq!(ids("1000"), (1000, 0, vec![], "/".into()));
        assert_eq!(ids("1000:1000"), (1000, 1000, vec![], "/".into()));
    }

    #[test]
    fn an_explicit_group_leaves_out_the_supplementary_ones() {
        assert_eq!(ids("nobody"), (65534, 65534, vec![], "/".into()));
        assert_eq!(ids("nobody:tty"), (65534, 5, vec![], "/".into()));
        assert_eq!(ids("root:users"), (0, 100, vec![], "/root".into()));
        assert_eq!(ids(":tty"), (0, 5, vec![], "/root".into()));
    }

    #[test]
    fn additional_groups_are_appended_once() {
        let user = resolve("0:100", &["5", "video", "27"]).unwrap();
        assert_eq!((user.gid, user.additional_gids), (100, vec![5, 27]));
    }

    #[test]
    fn unknown_names_and_bad_numbers_have_dockers_texts() {
        let text = |spec| resolve(spec, &[]).unwrap_err().to_string();
        assert_eq!(
            text("nosuch"),
            "unable to find user nosuch: no matching entries in passwd file"
        );
        assert_eq!(
            text("1234:nosuch"),
            "unable to find group nosuch: no matching entries in group file"
        );
        assert_eq!(text("-1"), "uids and gids must be in range 0-2147483647");
        assert_eq!(
            text("4294967295"),
            "uids and gids must be in range 0-2147483647"
        );
    }

    #[test]
    fn a_line_with_a_bad_number_is_no_root_account() {
        assert!(resolve("broken", &[]).is_err());
        assert!(resolve("short", &[]).is_err());
    }

    #[test]
    fn images_without_the_files_know_numbers_only() {
        let user = resolve_user("7:8", None, None, &[]).unwrap();
        assert_eq!((user.uid, user.gid), (7, 8));
        assert_eq!(resolve_user("", None, None, &[]).unwrap().home, "/");
        assert!(resolve_user("root", None, None, &[]).is_err());
    }

    #[test]
    fn hostile_lines_make_nobody_root() {
        let passwd = b"wrap:x:4294967296:4294967296::/:\nminus:x:-1:-1::/:\nbig:x:2147483648:0::/:\n\
            float:x:0.5:0::/:\nhex:x:0x0:0::/:\nspace:x: 0:0::/:\nnul\0:x:0:0::/:\n\
            arab:x:\xd9\xa0:0::/:\nempty:x:::::\n:x:0:0::/:\nmiddle\rx:x:0:0::/:\n\xff\xfe:x:0:0::/:";
        let group = b"wrap:x:4294967296:\nminus:x:-1:wrap\nlist:x:0:,,,\n";
        let resolve = |spec: &str| resolve_user(spec, Some(passwd), Some(group), &[]);
        for name in [
            "wrap", "minus", "big", "float", "hex", "space", "nul", "arab", "empty", "middle", "x",
        ] {
            assert_eq!(
                resolve(name),
                Err(UserError::NoUser(name.to_owned())),
                "{name}"
            );
            let as_group = resolve(&format!("1:{name}"));
            assert_eq!(as_group, Err(UserError::NoGroup(name.to_owned())), "{name}");
        }
        for number in [
            "-1",
            "2147483648",
            "4294967296",
            "9223372036854775807",
            "-0x1",
        ] {
            assert!(resolve(number).is_err(), "{number}");
            assert!(resolve(&format!("1:{number}")).is_err(), "{number}");
        }
        // A name of digits is a number, whatever the file says of that name.
        let passwd = b"1000:x:0:0::/:\n";
        let user = resolve_user("1000", Some(passwd), None, &[]).unwrap();
        assert_eq!((user.uid, user.gid), (1000, 0));
    }

    #[test]
    fn endless_lines_and_many_entries_are_read_in_one_pass() {
        let mut passwd = vec![b'x'; 1 << 20];
        passwd.extend_from_slice(b"\n:::::\nreal:x:7:8::/home/real:\n");
        let mut group = b"a:x:1:".to_vec();
        group.extend(b"real,".repeat(200_000));
        let user = resolve_user("real", Some(&passwd), Some(&group), &[]).unwrap();
        assert_eq!((user.uid, user.gid), (7, 8));
        assert_eq!(user.additional_gids, [1]);
        let group: Vec<u8> = (0..70_000)
            .flat_map(|number| format!("g{number}:x:{number}:real\n").into_bytes())
            .collect();
        // The kernel takes 65,536 groups, and refuses more.
        let user = resolve_user("real", Some(&passwd), Some(&group), &[]).unwrap();
        assert_eq!(user.additional_gids.len(), 70_000);
    }
}
