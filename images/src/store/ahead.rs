//! Reading ahead: one thread reads, another one uses what was read. Between them flow a few
//! buffers, so memory does not depend on what is read.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

const CHUNK: usize = 256 * 1024;
const BUFFERS: usize = 8;

/// Reads `source` on the calling thread while `consume` uses what was read before on another one.
/// When `consume` has enough, the rest stays unread. What fits into one buffer needs no thread.
pub(super) fn apart<T: Send>(
    source: &mut dyn Read,
    consume: impl FnOnce(Ahead) -> T + Send,
) -> io::Result<T> {
    let (filled, to_consume) = sync_channel(BUFFERS);
    let (emptied, to_fill) = channel();
    let ahead = Ahead {
        filled: to_consume,
        emptied,
        chunk: Vec::new(),
        at: 0,
    };
    if !pump(source, &filled, &to_fill, 1) {
        drop(filled);
        return Ok(consume(ahead));
    }
    std::thread::scope(|scope| {
        let consuming = scope.spawn(move || consume(ahead));
        pump(source, &filled, &to_fill, usize::MAX);
        drop(filled);
        consuming
            .join()
            .map_err(|_| io::Error::other("what reads a stream stopped unexpectedly"))
    })
}

/// Sends what `source` yields until it ends, fails, or nobody listens any more: then there is no
/// more to be sent. At most so many `chunks`.
fn pump(
    source: &mut dyn Read,
    filled: &SyncSender<io::Result<Vec<u8>>>,
    to_fill: &Receiver<Vec<u8>>,
    chunks: usize,
) -> bool {
    for _ in 0..chunks {
        let mut chunk = to_fill.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        match fill(source, &mut chunk) {
            Ok(0) => return false,
            Ok(read) => {
                chunk.truncate(read);
                if filled.send(Ok(chunk)).is_err() || read < CHUNK {
                    return false;
                }
            }
            Err(error) => {
                // Who consumes reports it, with what it was doing.
                let _ = filled.send(Err(error));
                return false;
            }
        }
    }
    true
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What came before the error is of no use without the rest.
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What was read.
pub(super) struct Ahead {
    filled: Receiver<io::Result<Vec<u8>>>,
    emptied: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            match self.filled.recv() {
                Ok(next) => {
                    let old = std::mem::replace(&mut self.chunk, next?);
                    self.at = 0;
                    // At the end nobody takes it back.
                    let _ = self.emptied.send(old);
                }
                Err(_) => return Ok(0),
            }
        }
        let rest = &self.chunk[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut ahead: Ahead) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        ahead.read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn nothing_is_lost_at_the_ends_of_buffers() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 20 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert!(apart(&mut &bytes[..], all).unwrap().unwrap() == bytes);
        }
    }

    #[test]
    fn small_streams_are_used_where_they_are_read() {
        let here = std::thread::current().id();
        let thread = |_: Ahead| std::thread::current().id();
        assert_eq!(apart(&mut &[1][..], thread).unwrap(), here);
        let long = vec![0; CHUNK + 1];
        assert_ne!(apart(&mut &long[..], thread).unwrap(), here);
    }

    #[test]
    fn an_error_arrives_at_who_consumes() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let error = apart(&mut Broken, all).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "broken");
        let start = vec![0; 2 * CHUNK];
        let error = apart(&mut (&start[..]).chain(Broken), all)
            .unwrap()
            .unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }

    #[test]
    fn who_has_enough_stops_the_reading() {
        let mut endless = io::repeat(7);
        let first = |mut ahead: Ahead| ahead.read(&mut [0; 16]).unwrap();
        assert_eq!(apart(&mut endless, first).unwrap(), 16);
    }
}
