//! `ADD` of something on the network: to a file first, which is then copied like any other.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::digest::{Digest, Hashing};
use crate::registry::{Client, RegistryError};

/// Where a source of `ADD` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// In the context.
    Local,
    /// At an http or https URL.
    Http,
    /// In a git repository, which is not supported.
    Git,
}

/// A file that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Its name in the directory that it was downloaded to, from the URL.
    pub name: String,
    /// Of its content.
    pub digest: Digest,
    /// Seconds since 1970; what the server says, else 0. The cache's key must speak of it.
    pub modified: i64,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server, or the way to it.
    #[error(transparent)]
    Server(#[from] RegistryError),
    /// The connection broke.
    #[error("failed to download {url}: {source}")]
    Broken {
        /// Of what.
        url: String,
        /// How.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not what `--checksum` says.
    #[error("digest mismatch {found}: {wanted}")]
    Digest {
        /// What came.
        found: Digest,
        /// What was asked for.
        wanted: Digest,
    },
}

/// Most bytes of one file.
pub const MOST_DOWNLOAD: u64 = 16 << 30;

const UNNAMED: &str = "__unnamed__";

impl SourceKind {
    /// What a word of `ADD` is, variables replaced.
    pub fn of(source: &str) -> SourceKind {
        let starts = |scheme: &str| {
            source
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let http = starts("http://") || starts("https://");
        let path = source.split(['#', '?']).next().unwrap_or_default();
        if starts("git://")
            || starts("ssh://")
            || starts("git@")
            || (http && path.ends_with(".git"))
        {
            return SourceKind::Git;
        }
        match http {
            true => SourceKind::Http,
            false => SourceKind::Local,
        }
    }
}

/// Downloads into an empty directory of the caller's: mode 0600, and the server's time.
///
/// # Errors
/// [`DownloadError`]; what was written stays for the caller to delete.
pub fn download(
    client: &Client,
    url: &str,
    checksum: Option<&Digest>,
    directory: &Path,
) -> Result<Downloaded, DownloadError> {
    let answer = client.download(url, MOST_DOWNLOAD)?;
    let name = name_of(url);
    let path = directory.join(&name);
    let writing = |source| DownloadError::Write {
        path: path.clone(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&path).map_err(writing)?;
    let mut reader = Hashing::new(answer.reader);
    pump(&mut reader, &mut file).map_err(|(side, source)| match side {
        Side::Source => DownloadError::Broken {
            url: url.to_owned(),
            source,
        },
        Side::Target => writing(source),
    })?;
    let (digest, _) = reader.finish();
    if let Some(wanted) = checksum
        && *wanted != digest
    {
        return Err(DownloadError::Digest {
            found: digest,
            wanted: wanted.clone(),
        });
    }
    let modified = answer.last_modified.as_deref().and_then(seconds);
    let modified = modified.unwrap_or(0);
    let since = Duration::from_secs(u64::try_from(modified).unwrap_or(0));
    file.set_modified(SystemTime::UNIX_EPOCH + since)
        .map_err(writing)?;
    Ok(Downloaded {
        name,
        digest,
        modified,
    })
}

enum Side {
    Source,
    Target,
}

fn pump(from: &mut impl io::Read, to: &mut File) -> Result<(), (Side, io::Error)> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => to
                .write_all(&buffer[..read])
                .map_err(|e| (Side::Target, e))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((Side::Source, error)),
        }
    }
}

/// The last part of the URL's path, when it can be a file's name.
fn name_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let Some((_, path)) = rest.split_once('/') else {
        return UNNAMED.to_owned();
    };
    let path = unescaped(path);
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    let usable = !matches!(name, "" | "." | "..") && name.len() <= 255 && !name.contains('\0');
    if usable { name } else { UNNAMED }.to_owned()
}

/// Replaces `%41`; what is no text then stays as it is.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let code = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
fn seconds(date: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(parsed.timestamp().as_second().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_path() {
        for (url, name) in [
            ("https://example.com/a/big.tar.xz", "big.tar.xz"),
            ("http://example.com/x?y=/z#w", "x"),
            ("http://example.com/dir/", "dir"),
            ("http://example.com/a%20b", "a b"),
            ("http://example.com/a%2Fb", "b"),
            ("http://example.com/%2e%2e", UNNAMED),
            ("http://example.com/..", UNNAMED),
            ("http://example.com", UNNAMED),
            ("http://example.com/", UNNAMED),
            ("http://example.com/a%00b", UNNAMED),
            ("http://example.com/100%", "100%"),
        ] {
            assert_eq!(name_of(url), name, "{url}");
        }
    }

    #[test]
    fn dates_are_of_mail_and_http() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Fri, 01 Jan 1960 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn sources_are_told_apart() {
        for (source, kind) in [
            ("a.txt", SourceKind::Local),
            ("http/x", SourceKind::Local),
            ("HTTPS://example.com/x", SourceKind::Http),
            ("https://example.com/x.git", SourceKind::Git),
            ("https://example.com/x.git#main", SourceKind::Git),
            ("git@example.com:x", SourceKind::Git),
            ("git://example.com/x", SourceKind::Git),
            ("x.git", SourceKind::Local),
        ] {
            assert_eq!(SourceKind::of(source), kind, "{source}");
        }
    }
}
