//! Downloads from a registry that behaves badly.

use std::sync::Mutex;

use super::*;
use crate::registry::{BlobBody, Fetched, RegistryError};
use crate::transfer::Silent;

/// How one answer goes wrong.
#[derive(Clone, Copy)]
enum Answer {
    /// Ends after so many bytes, as if it were all.
    Ends(usize),
    /// Breaks after so many bytes.
    Breaks(usize),
    /// Starts at the beginning whatever was asked, then goes on to the end.
    FromTheStart,
    /// Says that the blob has another size.
    Sized(u64),
    Whole,
}

struct Scripted {
    bytes: Vec<u8>,
    answers: Vec<Answer>,
    offsets: Mutex<Vec<u64>>,
}

impl Origin for Scripted {
    fn manifest(&self, _: &Reference) -> Result<Fetched, RegistryError> {
        unreachable!("only blobs are asked for")
    }

    fn manifest_at(&self, _: &Reference, _: &Digest) -> Result<Fetched, RegistryError> {
        unreachable!("only blobs are asked for")
    }

    fn blob(&self, _: &Reference, _: &Digest, offset: u64) -> Result<BlobBody, RegistryError> {
        let mut offsets = self.offsets.lock().unwrap();
        let answer = self.answers.get(offsets.len()).copied();
        offsets.push(offset);
        let from_start = matches!(answer, Some(Answer::FromTheStart));
        let offset = if from_start { 0 } else { offset };
        let rest = self.bytes[offset as usize..].to_vec();
        let mut total = Some(self.bytes.len() as u64);
        let reader: Box<dyn Read + Send> = match answer.unwrap_or(Answer::Whole) {
            Answer::Ends(count) => Box::new(io::Cursor::new(rest).take(count as u64)),
            Answer::Breaks(count) => Box::new(Breaking(io::Cursor::new(rest).take(count as u64))),
            Answer::Sized(size) => {
                total = Some(size);
                Box::new(io::Cursor::new(rest))
            }
            Answer::FromTheStart | Answer::Whole => Box::new(io::Cursor::new(rest)),
        };
        Ok(BlobBody {
            reader,
            offset,
            total,
        })
    }
}

struct Breaking<R>(R);

impl<R: Read> Read for Breaking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::ConnectionReset.into()),
            read => Ok(read),
        }
    }
}

/// What is read, where the answers started, and the failure.
fn download(size: usize, answers: &[Answer]) -> (Option<Vec<u8>>, Vec<u64>, Option<String>) {
    let bytes: Vec<u8> = (0..size).map(|number| (number % 251) as u8).collect();
    let origin = Scripted {
        bytes: bytes.clone(),
        answers: answers.to_vec(),
        offsets: Mutex::default(),
    };
    let name = "reg.test/a".parse().unwrap();
    let downloads = Downloads {
        origin: &origin,
        name: &name,
        observer: &Silent,
        stop: Stop::default(),
        waits: &[0, 0, 0],
    };
    let digest = Digest::of(&bytes);
    let mut blob = Blob::new(&downloads, &digest, size as u64);
    let mut read = Vec::new();
    let whole = blob.read_to_end(&mut read).is_ok();
    if whole {
        assert!(read == bytes);
    }
    let failure = blob.failure.take().map(|failure| failure.to_string());
    let offsets = origin.offsets.lock().unwrap().clone();
    (whole.then_some(read), offsets, failure)
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let answers = [Answer::Breaks(10), Answer::Ends(5), Answer::Breaks(0)];
    let (read, offsets, _) = download(1000, &answers);
    assert!(read.is_some());
    assert_eq!(offsets, [0, 10, 15, 15]);
}

#[test]
fn a_registry_without_ranges_is_heard_again_and_skipped() {
    let answers = [Answer::Breaks(600), Answer::FromTheStart];
    let (read, offsets, _) = download(1000, &answers);
    assert!(read.is_some());
    assert_eq!(offsets, [0, 600]);
}

#[test]
fn tries_are_bounded_and_begin_anew_with_progress() {
    let (read, offsets, failure) = download(1000, &[Answer::Breaks(1); 9]);
    assert!(read.is_none());
    assert_eq!(offsets, [0, 1, 2, 3]);
    let failure = failure.unwrap();
    assert!(
        failure.ends_with("the connection broke 4 times: connection reset"),
        "{failure}"
    );
    let (read, offsets, _) = download(9 << 20, &[Answer::Breaks(1 << 20); 8]);
    assert!(read.is_some());
    assert_eq!(offsets.len(), 9);
}

#[test]
fn a_blob_of_another_size_is_refused_at_once() {
    let (read, offsets, failure) = download(1000, &[Answer::Sized(999)]);
    assert!(read.is_none());
    assert_eq!(offsets, [0]);
    let failure = failure.unwrap();
    assert!(
        failure.starts_with("filesystem layer verification failed for digest sha256:"),
        "{failure}"
    );
}
