//! Writing: blobs in one stream each, then the manifest that names them.

use std::io::{self, Read};

use ureq::http::Method;

use super::client::{Call, Client, Target, scope};
use super::exchange::{Answer, Payload};
use super::url::Url;
use super::{RegistryError, denial};
use crate::digest::{Digest, Hasher};
use crate::reference::Reference;

/// Hashes what is sent and keeps apart why it could not be read.
struct Source<'a> {
    inner: &'a mut dyn Read,
    hasher: Hasher,
    count: u64,
    error: Option<io::Error>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(read) => {
                self.hasher.update(&buffer[..read]);
                self.count += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.error = Some(error);
                Err(io::Error::other("what is uploaded cannot be read"))
            }
        }
    }
}

impl Client {
    /// Makes a blob of another repository of the same registry one of this one, too; false where
    /// the registry would rather have it sent.
    ///
    /// # Errors
    /// When the registry cannot be asked, or lets nobody write.
    pub fn mount(
        &self,
        reference: &Reference,
        digest: &Digest,
        from: &str,
    ) -> Result<bool, RegistryError> {
        let answer = self.start(
            reference,
            format!("?mount={}&from={from}", super::url::encode(digest.as_str())),
            vec![writing(reference), scope(from, "pull")],
        )?;
        match answer.status.as_u16() {
            201 => Ok(true),
            202 => {
                self.cancel(reference, &answer);
                Ok(false)
            }
            _ => Err(denial::writing(reference, answer)),
        }
    }

    /// Sends a blob whose digest is known when it is sent. There is one attempt: what was read is
    /// gone.
    ///
    /// # Errors
    /// [`RegistryError::Source`] when it cannot be read; those of the registry.
    pub fn upload(
        &self,
        reference: &Reference,
        blob: &mut dyn Read,
    ) -> Result<(Digest, u64), RegistryError> {
        let answer = self.start(reference, String::new(), vec![writing(reference)])?;
        if answer.status.as_u16() != 202 {
            return Err(denial::writing(reference, answer));
        }
        let place = location(&answer)?;
        let mut source = Source {
            inner: blob,
            hasher: Hasher::default(),
            count: 0,
            error: None,
        };
        let sent = self.call(
            reference.domain(),
            Call {
                method: Method::PATCH,
                target: Target::Url(place),
                scopes: vec![writing(reference)],
                headers: vec![("Content-Type", "application/octet-stream".to_owned())],
                payload: Payload::Stream(&mut source),
            },
        );
        if let Some(error) = source.error {
            return Err(RegistryError::Source(error));
        }
        let answer = sent?;
        if !matches!(answer.status.as_u16(), 202 | 204) {
            return Err(denial::writing(reference, answer));
        }
        let (digest, size) = (source.hasher.finish(), source.count);
        let place = location(&answer)?;
        let place = place
            .with("digest", digest.as_str())
            .ok_or_else(|| nowhere(&answer))?;
        let answer = self.call(
            reference.domain(),
            Call {
                method: Method::PUT,
                target: Target::Url(place),
                scopes: vec![writing(reference)],
                headers: vec![("Content-Type", "application/octet-stream".to_owned())],
                payload: Payload::Bytes(&[]),
            },
        )?;
        match answer.status.as_u16() {
            201 | 204 => Ok((digest, size)),
            _ => Err(denial::writing(reference, answer)),
        }
    }

    /// Stores a manifest under the name's tag, or under its digest where it has none.
    ///
    /// # Errors
    /// When the registry does not take it, for instance because a blob is missing.
    pub fn put_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest, RegistryError> {
        let digest = Digest::of(bytes);
        let at = reference.tag().unwrap_or(digest.as_str());
        let answer = self.call(
            reference.domain(),
            Call {
                method: Method::PUT,
                target: Target::Path(format!("{}/manifests/{at}", reference.path())),
                scopes: vec![writing(reference)],
                headers: vec![("Content-Type", media_type.to_owned())],
                payload: Payload::Bytes(bytes),
            },
        )?;
        match answer.status.as_u16() {
            201 | 200 => Ok(digest),
            _ => Err(denial::writing(reference, answer)),
        }
    }

    fn start(
        &self,
        reference: &Reference,
        query: String,
        scopes: Vec<String>,
    ) -> Result<Answer, RegistryError> {
        let call = Call {
            method: Method::POST,
            target: Target::Path(format!("{}/blobs/uploads/{query}", reference.path())),
            scopes,
            headers: Vec::new(),
            payload: Payload::Bytes(&[]),
        };
        self.call(reference.domain(), call)
    }

    /// Ends an upload that a mount turned into. One that stays is swept by the registry.
    fn cancel(&self, reference: &Reference, answer: &Answer) {
        if let Ok(place) = location(answer) {
            let _ = self.call(
                reference.domain(),
                Call {
                    method: Method::DELETE,
                    target: Target::Url(place),
                    scopes: vec![writing(reference)],
                    headers: Vec::new(),
                    payload: Payload::None,
                },
            );
        }
    }
}

fn writing(reference: &Reference) -> String {
    scope(reference.path(), "pull,push")
}

fn location(answer: &Answer) -> Result<Url, RegistryError> {
    answer
        .header("Location")
        .and_then(|location| answer.url.join(location))
        .ok_or_else(|| nowhere(answer))
}

fn nowhere(answer: &Answer) -> RegistryError {
    RegistryError::Protocol {
        url: answer.url.shown(),
        problem: "does not say where to upload to".to_owned(),
    }
}
