//! Events as they come: the file is read on whenever the kernel says that it has changed.
//!
//! ```text
//!  writers ──append──▶ events ──too long──▶ events.1
//!                        │ inotify on the directory (inotify(7))
//!                        ▼
//!  Follower: the file before and the one now, each read to its end in turn
//! ```

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::{Event, log};
use crate::engine::clock;

/// A line that is longer is not one of ours: bytes.
const LONGEST_LINE: usize = 4 << 20;

/// How much is read at once: bytes.
const BLOCK: usize = 64 << 10;

/// One who listens.
pub struct Follower {
    run_root: PathBuf,
    inotify: OwnedFd,
    /// At most two: that before the last change of files may still be written to.
    tails: VecDeque<Tail>,
}

struct Tail {
    file: File,
    inode: u64,
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
    /// That line is too long: its end is waited for, and it is dropped.
    skipping: bool,
}

impl Follower {
    /// Listens from now on, or hears first what is still known (`backlog`).
    ///
    /// # Errors
    /// The run root cannot be watched or its events cannot be read.
    pub fn new(run_root: &Path, backlog: bool) -> io::Result<Follower> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // Before anything is read, so that nothing is missed.
        inotify::add_watch(
            &inotify,
            run_root,
            WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVE | WatchFlags::DELETE_SELF,
        )?;
        let mut tails = VecDeque::new();
        // The newer one first: were it put aside between the two, it would be met twice.
        if let Some(mut tail) = Tail::open(&log::path(run_root))? {
            if !backlog {
                tail.file.seek(SeekFrom::End(0))?;
            }
            tails.push_back(tail);
        }
        if backlog
            && let Some(tail) = Tail::open(&log::older_path(run_root))?
            && tails.iter().all(|known| known.inode != tail.inode)
        {
            tails.push_front(tail);
        }
        Ok(Follower {
            run_root: run_root.to_owned(),
            inotify,
            tails,
        })
    }

    /// Tells what has come since the last time, oldest first. Lines that are no events are left
    /// out.
    pub fn look(&mut self, tell: &mut dyn FnMut(Event)) -> io::Result<()> {
        self.find_newer()?;
        for tail in &mut self.tails {
            tail.read(tell)?;
        }
        Ok(())
    }

    /// Waits until there may be something, at most until `deadline` (nanoseconds since the epoch).
    pub fn wait(&mut self, deadline: Option<i64>) -> io::Result<()> {
        let timeout = deadline.map(|deadline| {
            let nanos = deadline.saturating_sub(clock::unix_nanos()).max(0);
            Timespec {
                tv_sec: nanos / 1_000_000_000,
                tv_nsec: nanos % 1_000_000_000,
            }
        });
        let mut watched = [PollFd::new(&self.inotify, PollFlags::IN)];
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.drain()
    }

    /// What changed does not matter, only that something did.
    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::IGNORED) => {
                    return Err(io::Error::new(
                        io::ErrorKind::NotFound,
                        "the directory was removed",
                    ));
                }
                Ok(_) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn find_newer(&mut self) -> io::Result<()> {
        let Some(tail) = Tail::open(&log::path(&self.run_root))? else {
            return Ok(());
        };
        if self.tails.iter().all(|known| known.inode != tail.inode) {
            self.tails.push_back(tail);
            while self.tails.len() > 2 {
                self.tails.pop_front();
            }
        }
        Ok(())
    }
}

impl Tail {
    fn open(path: &Path) -> io::Result<Option<Tail>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Tail {
                inode: file.metadata()?.ino(),
                file,
                rest: Vec::new(),
                skipping: false,
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, tell: &mut dyn FnMut(Event)) -> io::Result<()> {
        let mut block = vec![0; BLOCK];
        loop {
            let count = self.file.read(&mut block)?;
            if count == 0 {
                return Ok(());
            }
            for piece in block[..count].split_inclusive(|byte| *byte == b'\n') {
                self.take(piece, tell);
            }
        }
    }

    fn take(&mut self, piece: &[u8], tell: &mut dyn FnMut(Event)) {
        let ends = piece.ends_with(b"\n");
        if !self.skipping {
            self.rest.extend_from_slice(piece);
            self.skipping = self.rest.len() > LONGEST_LINE;
        }
        if ends
            && !self.skipping
            && let Ok(event) = serde_json::from_slice(&self.rest)
        {
            tell(event);
        }
        if ends || self.skipping {
            self.rest.clear();
        }
        if ends {
            self.skipping = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn heard(follower: &mut Follower) -> Vec<String> {
        let mut ids = Vec::new();
        follower.look(&mut |event| ids.push(event.id)).unwrap();
        ids
    }

    fn happen(dir: &Path, id: &str) {
        log::append(dir, &Event::new(Kind::Volume, "create", id));
    }

    #[test]
    fn one_who_listens_hears_what_comes_and_the_past_only_if_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let mut early = Follower::new(dir.path(), false).unwrap();
        happen(dir.path(), "a");
        let mut late = Follower::new(dir.path(), false).unwrap();
        let mut all = Follower::new(dir.path(), true).unwrap();
        happen(dir.path(), "b");
        assert_eq!(heard(&mut early), ["a", "b"]);
        assert_eq!(heard(&mut late), ["b"]);
        assert_eq!(heard(&mut all), ["a", "b"]);
        assert!(heard(&mut all).is_empty());
        // Told of by the kernel, so that this returns.
        early.wait(None).unwrap();
    }

    #[test]
    fn a_change_of_files_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut follower = Follower::new(dir.path(), false).unwrap();
        happen(dir.path(), "a");
        assert_eq!(heard(&mut follower), ["a"]);
        std::fs::rename(log::path(dir.path()), log::older_path(dir.path())).unwrap();
        happen(dir.path(), "b");
        // A writer that had opened the file before.
        use std::io::Write as _;
        let mut older = std::fs::OpenOptions::new()
            .append(true)
            .open(log::older_path(dir.path()))
            .unwrap();
        let mut line = serde_json::to_vec(&Event::new(Kind::Volume, "create", "c")).unwrap();
        line.push(b'\n');
        older.write_all(&line).unwrap();
        assert_eq!(heard(&mut follower), ["c", "b"]);
        assert_eq!(
            heard(&mut Follower::new(dir.path(), true).unwrap()),
            ["a", "c", "b"]
        );
    }

    #[test]
    fn half_a_line_waits_for_its_other_half_and_a_broken_one_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut follower = Follower::new(dir.path(), false).unwrap();
        let line = serde_json::to_string(&Event::new(Kind::Volume, "create", "a")).unwrap();
        let (first, second) = line.split_at(9);
        use std::io::Write as _;
        let mut file = File::create(log::path(dir.path())).unwrap();
        write!(file, "{{\"kind\":\n{first}").unwrap();
        assert!(heard(&mut follower).is_empty());
        writeln!(file, "{second}").unwrap();
        assert_eq!(heard(&mut follower), ["a"]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let dir = tempfile::tempdir().unwrap();
        let mut follower = Follower::new(dir.path(), false).unwrap();
        std::fs::write(log::path(dir.path()), vec![b'x'; LONGEST_LINE + BLOCK]).unwrap();
        assert!(heard(&mut follower).is_empty());
        assert!(follower.tails[0].rest.is_empty());
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(log::path(dir.path()))
            .unwrap();
        writeln!(file).unwrap();
        happen(dir.path(), "a");
        assert_eq!(heard(&mut follower), ["a"]);
    }

    #[test]
    fn waiting_ends_with_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut follower = Follower::new(dir.path(), false).unwrap();
        follower.wait(Some(clock::unix_nanos())).unwrap();
        assert!(heard(&mut follower).is_empty());
    }
}
