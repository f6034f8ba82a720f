//! Blobs: read from any place on, so that a broken connection costs only what was under way.

use std::io::Read;

use ureq::http::Method;

use super::client::{Call, Client, Target, scope};
use super::exchange::{Answer, Payload};
use super::{RegistryError, denial};
use crate::digest::Digest;
use crate::reference::Reference;

/// A blob on its way. Nothing about it is checked.
pub struct BlobBody {
    /// The bytes from `offset` on; an early end is an error.
    pub reader: Box<dyn Read + Send>,
    /// Where the bytes begin, which is 0 where the registry cannot begin elsewhere.
    pub offset: u64,
    /// Bytes of the whole blob, where the registry told it.
    pub total: Option<u64>,
}

impl std::fmt::Debug for BlobBody {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("BlobBody")
            .field("offset", &self.offset)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A blob of the name's repository from byte `offset` on.
    ///
    /// # Errors
    /// When there is none, or the registry cannot be asked.
    pub fn blob(
        &self,
        reference: &Reference,
        digest: &Digest,
        offset: u64,
    ) -> Result<BlobBody, RegistryError> {
        let mut headers = Vec::new();
        if offset > 0 {
            headers.push(("Range", format!("bytes={offset}-")));
        }
        let answer = self.ask_blob(reference, digest, Method::GET, "pull", headers)?;
        let (offset, total) = match answer.status.as_u16() {
            206 => answer
                .header("Content-Range")
                .and_then(content_range)
                .filter(|(start, _)| *start <= offset)
                .ok_or_else(|| RegistryError::Protocol {
                    url: answer.url.shown(),
                    problem: "sends a part of a blob and does not say which".to_owned(),
                })?,
            200 => (0, answer.length()),
            404 => return Err(unknown(reference, digest, answer)),
            _ => return Err(denial::reading(reference, answer)),
        };
        Ok(BlobBody {
            reader: Box::new(answer.into_reader()),
            offset,
            total,
        })
    }

    /// Bytes of a blob that the name's repository has; `None` where it has it not, or does not
    /// tell how large it is.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub fn blob_size(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Option<u64>, RegistryError> {
        let answer = self.ask_blob(reference, digest, Method::HEAD, "pull", Vec::new())?;
        match answer.status.as_u16() {
            200 => Ok(answer.length()),
            404 => Ok(None),
            _ => Err(denial::reading(reference, answer)),
        }
    }

    /// Whether the name's repository has a blob already, asked by one who is about to write there:
    /// a repository that does not exist yet has none.
    ///
    /// # Errors
    /// When the registry cannot be asked, or lets nobody write.
    pub fn has_blob(&self, reference: &Reference, digest: &Digest) -> Result<bool, RegistryError> {
        let answer = self.ask_blob(reference, digest, Method::HEAD, "pull,push", Vec::new())?;
        match answer.status.as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(denial::writing(reference, answer)),
        }
    }

    fn ask_blob(
        &self,
        reference: &Reference,
        digest: &Digest,
        method: Method,
        actions: &str,
        headers: Vec<(&'static str, String)>,
    ) -> Result<Answer, RegistryError> {
        let call = Call {
            method,
            target: Target::Path(format!("{}/blobs/{digest}", reference.path())),
            scopes: vec![scope(reference.path(), actions)],
            headers,
            payload: Payload::None,
        };
        self.call(reference.domain(), call)
            .map_err(|error| denial::without_token(reference, error))
    }
}

fn unknown(reference: &Reference, digest: &Digest, answer: Answer) -> RegistryError {
    RegistryError::BlobUnknown {
        repository: reference.repository_familiar(),
        digest: digest.to_string(),
        refusal: answer
            .refusal()
            .or("BLOB_UNKNOWN", "blob unknown to registry"),
    }
}

/// `bytes 100-199/200`, `bytes 100-199/*` (RFC 9110, section 14.4): the first byte and the total.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((start.trim().parse().ok()?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 0-9/*"), Some((0, None)));
        for bad in [
            "",
            "bytes */10",
            "5-9/10",
            "bytes 5/10",
            "bytes -9/10",
            "bytes 5-9/x",
        ] {
            assert_eq!(content_range(bad), None, "{bad:?}");
        }
    }
}
