//! apk's database of installed packages: which files a package brought, and their checksums.

use anyhow::{Context, Result, bail};

/// One installed package.
pub struct Package<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version with the release, such as `1.2.5-r23`.
    pub version: &'a str,
    /// Its own checksum, which triggers refer to.
    pub checksum: &'a str,
    /// Its record as it stands in the database, without the empty line that ends it.
    pub record: &'a str,
    /// Its directories.
    pub dirs: Vec<Dir<'a>>,
    /// Its files and symbolic links.
    pub files: Vec<File>,
}

/// A directory of a package.
pub struct Dir<'a> {
    /// Path without a leading slash.
    pub path: &'a str,
    /// Owner and permissions.
    pub access: Access,
}

/// A file or symbolic link of a package.
pub struct File {
    /// Path without a leading slash.
    pub path: String,
    /// Owner and permissions.
    pub access: Access,
    /// `Q1` and the base64 of the SHA-1 of the content, or of the link's target.
    pub checksum: String,
}

/// Owner and permission bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// What apk does not write down because it is the rule.
const DIR: Access = Access {
    uid: 0,
    gid: 0,
    mode: 0o755,
};
const FILE: Access = Access {
    uid: 0,
    gid: 0,
    mode: 0o644,
};

/// Parses `lib/apk/db/installed`.
pub fn parse(database: &str) -> Result<Vec<Package<'_>>> {
    let records = database
        .split("\n\n")
        .map(|record| record.trim_matches('\n'));
    records
        .filter(|record| !record.is_empty())
        .map(parse_record)
        .collect()
}

fn parse_record(record: &str) -> Result<Package<'_>> {
    let mut package = Package {
        name: "",
        version: "",
        checksum: "",
        record,
        dirs: Vec::new(),
        files: Vec::new(),
    };
    for line in record.lines() {
        let (key, value) = line
            .split_once(':')
            .with_context(|| format!("not a field of apk's: {line}"))?;
        match key {
            "P" => package.name = value,
            "V" => package.version = value,
            "C" => package.checksum = value,
            "F" => package.dirs.push(Dir {
                path: value,
                access: DIR,
            }),
            "M" => package.dirs.last_mut().context("M: without F:")?.access = parse_access(value)?,
            "R" => {
                let dir = package.dirs.last().context("R: without F:")?.path;
                let path = if dir.is_empty() {
                    value.to_owned()
                } else {
                    format!("{dir}/{value}")
                };
                package.files.push(File {
                    path,
                    access: FILE,
                    checksum: String::new(),
                });
            }
            "a" => {
                package.files.last_mut().context("a: without R:")?.access = parse_access(value)?;
            }
            "Z" => {
                value.clone_into(&mut package.files.last_mut().context("Z: without R:")?.checksum);
            }
            _ => {}
        }
    }
    if package.name.is_empty() || package.version.is_empty() {
        bail!("a record of apk's database has no name or version");
    }
    Ok(package)
}

/// `uid:gid:mode`, with more fields after it that do not matter here.
fn parse_access(value: &str) -> Result<Access> {
    let wrong = || format!("not an owner and mode of apk's: {value}");
    let mut fields = value.split(':');
    let mut next = || fields.next().with_context(wrong);
    Ok(Access {
        uid: next()?.parse().with_context(wrong)?,
        gid: next()?.parse().with_context(wrong)?,
        mode: u32::from_str_radix(next()?, 8).with_context(wrong)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str = "C:Q1one=\nP:one\nV:1.0-r0\nF:\nR:top\nZ:Q1t=\nF:tmp\nM:0:0:1777\n\
                            F:etc\nR:shadow\na:0:42:640\nZ:Q1s=\nR:motd\nZ:Q1m=\n\nP:two\nV:2-r1\n\n";

    #[test]
    fn files_have_their_directory_owner_mode_and_checksum() {
        let packages = parse(DATABASE).unwrap();
        assert_eq!(
            packages.iter().map(|p| p.name).collect::<Vec<_>>(),
            ["one", "two"]
        );
        let one = &packages[0];
        assert_eq!((one.version, one.checksum), ("1.0-r0", "Q1one="));
        let paths: Vec<_> = one.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["top", "etc/shadow", "etc/motd"]);
        assert_eq!(
            one.files[1].access,
            Access {
                uid: 0,
                gid: 42,
                mode: 0o640
            }
        );
        assert_eq!(one.files[2].access, FILE);
        assert_eq!(one.files[2].checksum, "Q1m=");
        assert_eq!(one.dirs[1].access.mode, 0o1777);
    }

    #[test]
    fn a_record_keeps_its_text() {
        assert_eq!(parse(DATABASE).unwrap()[1].record, "P:two\nV:2-r1");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(parse("nonsense").is_err());
        assert!(parse("P:x\nV:1\nR:file-without-directory").is_err());
        assert!(parse("P:x\nV:1\nF:d\nM:a:b:c").is_err());
        assert!(parse("V:1").is_err());
    }
}
