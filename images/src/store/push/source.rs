//! What is sent, counted for the user, and ended when the push is.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::Outgoing;
use super::layer::Job;
use crate::transfer::Transfer;

/// Time between two reports.
const PAUSE: Duration = Duration::from_millis(100);

/// A layer being read.
pub(super) struct Counted<'a, R> {
    inner: R,
    done: u64,
    total: u64,
    reported: Option<Instant>,
    job: &'a Job<'a>,
    layer: &'a Outgoing,
}

impl<'a, R: Read> Counted<'a, R> {
    pub(super) fn new(inner: R, total: u64, job: &'a Job<'a>, layer: &'a Outgoing) -> Self {
        Counted {
            inner,
            done: 0,
            total,
            reported: None,
            job,
            layer,
        }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.job.is_stopped() {
            return Err(io::Error::other("stopped because another layer failed"));
        }
        let read = self.inner.read(buffer)?;
        self.done += read as u64;
        if self.reported.is_none_or(|at| at.elapsed() >= PAUSE) {
            self.reported = Some(Instant::now());
            let state = Transfer::Pushing {
                done: self.done,
                total: Some(self.total),
            };
            self.job.tell(self.layer, &state);
        }
        Ok(read)
    }
}
