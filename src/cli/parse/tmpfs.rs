//! `--tmpfs path[:options]`.

use super::{Invalid, volume};
use crate::output::go_text::quote;

/// Options without a value.
const FLAGS: [&str; 32] = [
    "defaults",
    "ro",
    "rw",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "exec",
    "noexec",
    "sync",
    "async",
    "dirsync",
    "remount",
    "mand",
    "nomand",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "bind",
    "rbind",
    "unbindable",
    "runbindable",
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "relatime",
    "norelatime",
    "strictatime",
];

/// Options that need one.
const VALUES: [&str; 7] = [
    "mode",
    "uid",
    "gid",
    "nr_inodes",
    "nr_blocks",
    "size",
    "mpol",
];

/// Path and options of one tmpfs.
pub fn tmpfs(text: &str) -> Result<(String, String), Invalid> {
    let (path, options) = text.split_once(':').unwrap_or((text, ""));
    volume::target_path(path)?;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        let known = match option.split_once('=') {
            Some((name, _)) => VALUES.contains(&name),
            None => FLAGS.contains(&option) || option == "nostrictatime",
        };
        if !known {
            return Err(Invalid(format!("invalid tmpfs option [{}]", quote(option))));
        }
    }
    Ok((path.to_owned(), options.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::tmpfs;

    #[test]
    fn options_are_those_of_mount() {
        assert_eq!(
            tmpfs("/run:rw,size=64k,mode=1777,uid=5"),
            Ok(("/run".into(), "rw,size=64k,mode=1777,uid=5".into()))
        );
        assert_eq!(tmpfs("/tmp"), Ok(("/tmp".into(), String::new())));
        for (text, error) in [
            (
                "relative",
                "invalid mount path: 'relative' mount path must be absolute",
            ),
            ("/t:bogus", "invalid tmpfs option [\"bogus\"]"),
            (
                "/t:rw,huge=always",
                "invalid tmpfs option [\"huge=always\"]",
            ),
        ] {
            assert_eq!(tmpfs(text).unwrap_err().0, error);
        }
    }
}
