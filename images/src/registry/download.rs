//! Any file by its URL, for `ADD`.

use std::io::{self, Read};

use super::RegistryError;
use super::client::Client;
use super::exchange::Request;
use super::url::Url;

/// A file on its way.
pub struct Download {
    /// Its bytes; one more than allowed is an error.
    pub reader: Box<dyn Read + Send>,
    /// When it was changed last, as the server wrote it (RFC 9110, section 8.8.2).
    pub last_modified: Option<String>,
    /// Bytes, where the server told it.
    pub total: Option<u64>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Download")
            .field("last_modified", &self.last_modified)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// Fails instead of giving more than `left` bytes.
struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX);
        let end = buffer.len().min(most);
        let read = self.inner.read(&mut buffer[..end])?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(io::Error::other(format!(
                    "the file is larger than {} bytes",
                    self.limit
                )));
            }
        }
        Ok(read)
    }
}

impl Client {
    /// The file at an http or https URL, `limit` bytes of it at most. Nobody is told who asks.
    ///
    /// # Errors
    /// When the URL is none, or the server gives something else than the file.
    pub fn download(&self, url: &str, limit: u64) -> Result<Download, RegistryError> {
        let url = Url::parse(url).ok_or_else(|| RegistryError::Setting {
            name: "URL".to_owned(),
            value: url.to_owned(),
            problem: "neither http nor https, or with a user name".to_owned(),
        })?;
        let answer = self.exchange.send(Request::get(url))?;
        if answer.status.as_u16() != 200 {
            return Err(RegistryError::Protocol {
                url: answer.url.shown(),
                problem: format!("invalid response status {}", answer.status_text()),
            });
        }
        let total = answer.length();
        if total.is_some_and(|total| total > limit) {
            return Err(RegistryError::TooLarge {
                what: answer.url.shown(),
                limit,
            });
        }
        Ok(Download {
            last_modified: answer.header("Last-Modified").map(str::to_owned),
            total,
            reader: Box::new(Limited {
                inner: answer.into_reader(),
                left: limit,
                limit,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_lets_itself_through_and_not_more() {
        let read = |text: &'static str, limit| {
            let mut bytes = Vec::new();
            let mut limited = Limited {
                inner: text.as_bytes(),
                left: limit,
                limit,
            };
            limited.read_to_end(&mut bytes).map(|_| bytes)
        };
        assert_eq!(read("abc", 3).unwrap(), b"abc");
        assert_eq!(
            read("abcd", 3).unwrap_err().to_string(),
            "the file is larger than 3 bytes"
        );
        assert_eq!(read("abc", u64::MAX).unwrap(), b"abc");
    }
}
