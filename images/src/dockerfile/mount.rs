//! `RUN --mount=type=…,key=value`.

use super::ast::{MountFlag, MountKind};
use super::error::suggestion;
use super::suggest;

/// What is wrong with a `--mount`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MountProblem {
    /// `type=x`.
    #[error("unsupported mount type {name:?}{}", suggestion(.nearest))]
    Type {
        /// As written.
        name: String,
        /// One that looks like it.
        nearest: Option<String>,
    },
    /// `type=ssh`.
    #[error("mount type \"ssh\" is not supported")]
    Ssh,
    /// A key of no mount.
    #[error("unexpected key '{key}' in '{field}'{}", suggestion(.nearest))]
    Key {
        /// Lower case.
        key: String,
        /// As written.
        field: String,
        /// One that looks like it.
        nearest: Option<String>,
    },
    /// A key of other mounts.
    #[error("unexpected key '{0}' for mount type '{1}'")]
    KeyOfOther(&'static str, MountKind),
    /// A key without its value.
    #[error("invalid field '{0}' must be a key=value pair")]
    NoValue(String),
    /// A value that is none.
    #[error("invalid value for {0}: {1}")]
    Value(&'static str, String),
    /// `from=$x`, `type=$x`.
    #[error("'{0}' doesn't support variable expansion, define alias stage instead")]
    Variable(&'static str),
    /// `sharing=x`.
    #[error("unsupported sharing value {0:?}")]
    Sharing(String),
    /// A secret that is none.
    #[error("invalid secret mount. one of source, target required")]
    NoSecret,
    /// Its id twice.
    #[error("both source and id can't be set")]
    TwoIds,
    /// No `target`.
    #[error("target is required for mount type '{0}'")]
    NoTarget(MountKind),
    /// A quote without its end.
    #[error("failed to parse csv mounts: {0}")]
    Quote(String),
}

impl std::fmt::Display for MountKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            MountKind::Bind => "bind",
            MountKind::Cache => "cache",
            MountKind::Tmpfs => "tmpfs",
            MountKind::Secret => "secret",
        })
    }
}

use MountKind::{Bind, Cache, Secret, Tmpfs};

/// The keys, and whose they are.
const KEYS: &[(&str, &[MountKind])] = &[
    ("target", &[Bind, Cache, Tmpfs, Secret]),
    ("readonly", &[Bind, Cache, Tmpfs, Secret]),
    ("source", &[Bind, Cache, Secret]),
    ("from", &[Bind, Cache]),
    ("id", &[Cache, Secret]),
    ("sharing", &[Cache]),
    ("mode", &[Cache, Secret]),
    ("uid", &[Cache, Secret]),
    ("gid", &[Cache, Secret]),
    ("required", &[Secret]),
    ("env", &[Secret]),
    ("size", &[Tmpfs]),
];

/// Other names of keys.
const ALIASES: &[(&str, &str)] = &[
    ("dst", "target"),
    ("destination", "target"),
    ("src", "source"),
    ("ro", "readonly"),
];

impl MountFlag {
    /// Understands the flag's value. Values with variables are checked by [`MountFlag::check`] once
    /// they are expanded.
    ///
    /// # Errors
    /// [`MountProblem`] with BuildKit's texts.
    pub(super) fn parse(text: &str) -> Result<MountFlag, MountProblem> {
        let fields = fields(text)?;
        let mut kind = MountKind::Bind;
        for field in &fields {
            if let Some(("type", value)) = lower_key(field).as_ref().map(|(k, v)| (k.as_str(), *v))
            {
                kind = kind_of(value)?;
            }
        }
        let mut options: Vec<(String, String)> = Vec::new();
        for field in &fields {
            let Some((key, value)) = option(field, kind)? else {
                continue;
            };
            options.retain(|(known, _)| known != key);
            options.push((key.to_owned(), value));
        }
        let mount = MountFlag { kind, options };
        mount.check()?;
        Ok(mount)
    }

    /// A key's value.
    pub fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.options.iter().find(|(known, _)| known == key)?;
        Some(value)
    }

    /// Whether `readonly` or `required` is on, when it is given.
    pub fn is_on(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(boolean)
    }

    /// Checks the values; those that still hold a variable are passed over.
    ///
    /// # Errors
    /// [`MountProblem`] with BuildKit's texts.
    pub fn check(&self) -> Result<(), MountProblem> {
        for (key, value) in &self.options {
            if !value.contains('$') {
                check_value(key, value)?;
            } else if key == "from" {
                return Err(MountProblem::Variable("from"));
            }
        }
        let has = |key| self.get(key).is_some_and(|value| !value.is_empty());
        match self.kind {
            Secret if has("source") && has("id") => Err(MountProblem::TwoIds),
            Secret if !(has("source") || has("id") || has("target")) => Err(MountProblem::NoSecret),
            Bind | Cache | Tmpfs if !has("target") => Err(MountProblem::NoTarget(self.kind)),
            _ => Ok(()),
        }
    }
}

fn lower_key(field: &str) -> Option<(String, &str)> {
    let (key, value) = field.split_once('=')?;
    Some((key.to_ascii_lowercase(), value))
}

fn kind_of(value: &str) -> Result<MountKind, MountProblem> {
    match value.to_ascii_lowercase().as_str() {
        "bind" => Ok(Bind),
        "cache" => Ok(Cache),
        "tmpfs" => Ok(Tmpfs),
        "secret" => Ok(Secret),
        "ssh" => Err(MountProblem::Ssh),
        value if value.contains('$') => Err(MountProblem::Variable("type")),
        _ => Err(MountProblem::Type {
            name: value.to_owned(),
            nearest: suggest::nearest(value, &["bind", "cache", "tmpfs", "secret"])
                .map(str::to_owned),
        }),
    }
}

/// Key and value in their canonical form; `None` for `type`.
fn option(field: &str, kind: MountKind) -> Result<Option<(&'static str, String)>, MountProblem> {
    let (key, value) = match lower_key(field) {
        Some((key, value)) => (key, Some(value)),
        None => (field.to_ascii_lowercase(), None),
    };
    let key = match ALIASES.iter().find(|(alias, _)| *alias == key) {
        Some((_, key)) => key,
        None => key.as_str(),
    };
    if key == "type" && value.is_some() {
        return Ok(None);
    }
    if matches!(key, "readwrite" | "rw") {
        let written = value.unwrap_or("true");
        let value = match boolean(written) {
            Some(value) => (!value).to_string(),
            None => return Err(MountProblem::Value("readwrite", written.to_owned())),
        };
        return Ok(Some(("readonly", value)));
    }
    let Some((key, kinds)) = KEYS.iter().find(|(known, _)| *known == key) else {
        let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).chain(["type"]).collect();
        return match value {
            None => Err(MountProblem::NoValue(field.to_owned())),
            Some(_) => Err(MountProblem::Key {
                key: key.to_owned(),
                field: field.to_owned(),
                nearest: suggest::nearest(key, &known).map(str::to_owned),
            }),
        };
    };
    if !kinds.contains(&kind) {
        return Err(MountProblem::KeyOfOther(key, kind));
    }
    match value {
        Some(value) => Ok(Some((key, value.to_owned()))),
        None if matches!(*key, "readonly" | "required") => Ok(Some((key, "true".to_owned()))),
        None => Err(MountProblem::NoValue(field.to_owned())),
    }
}

/// As Go's `strconv.ParseBool`.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn check_value(key: &str, value: &str) -> Result<(), MountProblem> {
    let wrong = |key| Err(MountProblem::Value(key, value.to_owned()));
    let digits = |radix| u32::from_str_radix(value, radix).is_ok() && !value.starts_with('+');
    match key {
        "readonly" if boolean(value).is_none() => wrong("readonly"),
        "required" if boolean(value).is_none() => wrong("required"),
        "sharing" if !matches!(value, "shared" | "private" | "locked") => {
            Err(MountProblem::Sharing(value.to_owned()))
        }
        "mode" if !digits(8) => wrong("mode"),
        "uid" if !digits(10) => wrong("uid"),
        "gid" if !digits(10) => wrong("gid"),
        _ => Ok(()),
    }
}

/// One line of CSV (RFC 4180): commas in double quotes do not separate.
fn fields(text: &str) -> Result<Vec<String>, MountProblem> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                quoted_field(quoted).ok_or_else(|| MountProblem::Quote(text.to_owned()))?
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(fields),
            None => return Err(MountProblem::Quote(text.to_owned())),
        }
    }
}

/// Up to the closing quote; a doubled one stands for itself.
fn quoted_field(quoted: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some((field, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> MountFlag {
        MountFlag::parse(text).unwrap()
    }

    fn options(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect()
    }

    #[test]
    fn every_kind_with_its_keys() {
        let bind = parsed("from=web,src=/a,dst=/b,rw");
        assert_eq!(bind.kind, Bind);
        assert_eq!(
            bind.options,
            options(&[
                ("from", "web"),
                ("source", "/a"),
                ("target", "/b"),
                ("readonly", "false")
            ])
        );
        let cache = parsed("target=/c,type=cache,sharing=locked,id=x,mode=0755,uid=1,gid=2,ro");
        assert_eq!((cache.kind, cache.get("mode")), (Cache, Some("0755")));
        assert_eq!(cache.get("readonly"), Some("true"));
        assert_eq!(
            parsed("type=tmpfs,target=/t,size=64m").get("size"),
            Some("64m")
        );
        let secret = parsed("type=secret,id=token,env=TOKEN,required,readwrite=false");
        assert_eq!(secret.get("required"), Some("true"));
        assert_eq!(secret.get("readonly"), Some("true"));
        assert_eq!(parsed("TYPE=Cache,Target=/x").kind, Cache);
        assert_eq!(
            parsed("target=/a,target=/b").options,
            options(&[("target", "/b")])
        );
        assert_eq!(parsed("\"target=/a,b\",ro=0").get("target"), Some("/a,b"));
        assert_eq!(parsed("\"target=/a\"\"b\"").get("target"), Some("/a\"b"));
    }

    #[test]
    fn values_with_variables_are_checked_when_they_are_known() {
        let mut flag = parsed("type=cache,target=$x,uid=$y");
        flag.options[1].1 = "nobody".into();
        assert_eq!(
            flag.check(),
            Err(MountProblem::Value("uid", "nobody".into()))
        );
    }

    #[test]
    fn wrong_mounts_are_told() {
        for (text, error) in [
            (
                "type=cash",
                "unsupported mount type \"cash\" (did you mean cache?)",
            ),
            ("type=ssh", "mount type \"ssh\" is not supported"),
            (
                "type=$x",
                "'type' doesn't support variable expansion, define alias stage instead",
            ),
            (
                "from=$x,target=/a",
                "'from' doesn't support variable expansion, define alias stage instead",
            ),
            (
                "type=bind,sharing=shared,target=/a",
                "unexpected key 'sharing' for mount type 'bind'",
            ),
            (
                "tarket=/a",
                "unexpected key 'tarket' in 'tarket=/a' (did you mean target?)",
            ),
            ("nonsense=/a", "unexpected key 'nonsense' in 'nonsense=/a'"),
            ("target", "invalid field 'target' must be a key=value pair"),
            ("bogus", "invalid field 'bogus' must be a key=value pair"),
            ("", "invalid field '' must be a key=value pair"),
            ("target=/a,ro=maybe", "invalid value for readonly: maybe"),
            ("target=/a,rw=maybe", "invalid value for readwrite: maybe"),
            (
                "type=cache,target=/a,sharing=x",
                "unsupported sharing value \"x\"",
            ),
            ("type=cache,target=/a,mode=9", "invalid value for mode: 9"),
            ("type=cache,target=/a,uid=-1", "invalid value for uid: -1"),
            ("type=cache,target=/a,gid=+1", "invalid value for gid: +1"),
            (
                "type=secret",
                "invalid secret mount. one of source, target required",
            ),
            (
                "type=secret,source=a,id=b",
                "both source and id can't be set",
            ),
            (
                "type=tmpfs,size=1m",
                "target is required for mount type 'tmpfs'",
            ),
            ("\"target=/a", "failed to parse csv mounts: \"target=/a"),
            (
                "\"target=/a\"b",
                "failed to parse csv mounts: \"target=/a\"b",
            ),
        ] {
            assert_eq!(
                MountFlag::parse(text).unwrap_err().to_string(),
                error,
                "{text}"
            );
        }
    }
}
