//! A blob as one stream, however often its connection breaks.
//!
//! ```text
//!  GET blob ─────▶ ████████▒▒ broken          read so far: n bytes
//!  wait 1 s, GET blob, Range: bytes=n- ─▶ ██████ broken         … waits of 2, 4, 8 s
//!                                                   └ the waits begin anew after a megabyte
//! ```
//!
//! Whoever reads sees every byte once. What a registry without ranges sends again is skipped.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::PullError;
use super::origin::Origin;
use super::stop::Stop;
use crate::digest::{Digest, short};
use crate::reference::Reference;
use crate::transfer::{Observer, Transfer};

/// Seconds before each new try; after the last the download has failed.
pub(super) const WAITS: [u64; 4] = [1, 2, 4, 8];
/// Bytes after which a connection counts as having worked.
const PROGRESS: u64 = 1 << 20;
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What all downloads of a pull share.
pub(super) struct Downloads<'a> {
    pub(super) origin: &'a dyn Origin,
    pub(super) name: &'a Reference,
    pub(super) observer: &'a dyn Observer,
    pub(super) stop: Stop,
    pub(super) waits: &'a [u64],
}

/// A blob of `size` bytes on its way.
pub(super) struct Blob<'a> {
    downloads: &'a Downloads<'a>,
    digest: &'a Digest,
    size: u64,
    at: u64,
    body: Option<Box<dyn Read + Send>>,
    /// Tries since it last worked, and from where it counts as working.
    tries: usize,
    works_from: u64,
    told: Option<Instant>,
    /// Whether its bytes came in several answers.
    pub(super) pieced: bool,
    /// Why reading failed, where it is more than an I/O error.
    pub(super) failure: Option<PullError>,
}

impl<'a> Blob<'a> {
    pub(super) fn new(downloads: &'a Downloads<'a>, digest: &'a Digest, size: u64) -> Blob<'a> {
        Blob {
            downloads,
            digest,
            size,
            at: 0,
            body: None,
            tries: 0,
            works_from: PROGRESS,
            told: None,
            pieced: false,
            failure: None,
        }
    }

    fn tell(&self, state: &Transfer) {
        let id = short(self.digest.as_str());
        self.downloads.observer.layer(id, state);
    }

    /// An answer that goes on where the last one ended.
    fn open(&mut self) -> io::Result<()> {
        let downloads = self.downloads;
        let opened = downloads.origin.blob(downloads.name, self.digest, self.at);
        let body = match opened {
            Ok(body) => body,
            // It worked before: the registry may come back later than a request waits for it.
            Err(error) if self.at > 0 && error.is_transient() => {
                return self.broken(io::Error::other(error));
            }
            Err(error) => return Err(self.fail(error.into())),
        };
        if body.total.is_some_and(|total| total != self.size) || body.offset > self.at {
            return Err(self.fail(PullError::Damaged {
                what: "filesystem layer",
                digest: self.digest.clone(),
            }));
        }
        self.pieced |= self.at > 0;
        let mut reader = body.reader;
        let again = self.at - body.offset;
        match io::copy(&mut (&mut reader).take(again), &mut io::sink()) {
            Ok(skipped) if skipped == again => self.body = Some(reader),
            Ok(_) => self.broken(io::ErrorKind::UnexpectedEof.into())?,
            Err(error) => self.broken(error)?,
        }
        Ok(())
    }

    /// Waits for the next try, or fails.
    fn broken(&mut self, source: io::Error) -> io::Result<()> {
        self.body = None;
        if self.at >= self.works_from {
            self.tries = 0;
        }
        self.works_from = self.at.saturating_add(PROGRESS);
        let Some(wait) = self.downloads.waits.get(self.tries) else {
            let digest = self.digest.clone();
            let tries = self.tries + 1;
            return Err(self.fail(PullError::Broken {
                digest,
                tries,
                source,
            }));
        };
        self.tries += 1;
        for seconds in (1..=*wait).rev() {
            self.tell(&Transfer::Retrying { seconds });
            self.downloads.stop.wait(Duration::from_secs(1));
            self.check_stop()?;
        }
        Ok(())
    }

    fn check_stop(&mut self) -> io::Result<()> {
        if self.downloads.stop.is_set() {
            return Err(self.fail(PullError::Stopped));
        }
        Ok(())
    }

    fn fail(&mut self, failure: PullError) -> io::Error {
        self.failure = Some(failure);
        io::Error::other("the download failed")
    }

    fn advance(&mut self, read: usize) {
        self.at += read as u64;
        if self.at == self.size {
            self.body = None;
            self.tell(&Transfer::Verifying);
            return;
        }
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            self.tell(&Transfer::Downloading {
                done: self.at,
                total: Some(self.size),
            });
        }
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::Error::other("the download failed"));
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.at < self.size {
            self.check_stop()?;
            let Some(body) = &mut self.body else {
                self.open()?;
                continue;
            };
            let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
            let most = buffer.len().min(left);
            match body.read(&mut buffer[..most]) {
                Ok(0) => self.broken(io::ErrorKind::UnexpectedEof.into())?,
                Ok(read) => {
                    self.advance(read);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.broken(error)?,
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
