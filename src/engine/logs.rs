//! `logs`: reads a container's json-file log, from the end and as it grows.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify;
use serde::Deserialize;

use super::failure::{Context, Failure};
use super::{Engine, clock, containers, dirs};

/// What to print.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// Go on as the log grows, until the container ends.
    pub follow: bool,
    /// Only the last so many lines.
    pub tail: Option<u64>,
    /// Prefix every line with its time.
    pub timestamps: bool,
    /// Nanoseconds since the epoch, inclusive.
    pub since: Option<i64>,
    /// Nanoseconds since the epoch, inclusive.
    pub until: Option<i64>,
}

/// Where a line belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

#[derive(Deserialize)]
struct Line {
    log: String,
    stream: String,
    time: String,
}

impl Engine {
    /// Whether a container's output is written down where [`Engine::logs`] can read it.
    pub fn keeps_log(&self, name: &str) -> Result<bool, Failure> {
        let container = containers::find(&self.dirs, name)?;
        Ok(container.record.host.log_driver != "none")
    }

    /// Calls `out` with every line asked for.
    pub fn logs(
        &self,
        name: &str,
        options: &LogOptions,
        out: &mut dyn FnMut(LogStream, &[u8]),
    ) -> Result<(), Failure> {
        let container = containers::find(&self.dirs, name)?;
        let record = &container.record;
        if record.host.log_driver == "none" {
            return Err(Failure::new(
                "configured logging driver does not support reading",
            ));
        }
        let dir = self.dirs.container(&record.id);
        let path = dirs::log_path(&dir, &record.id);
        let what = || format!("read the log of {name}");
        // Watched before the first read, so that nothing falls between.
        let watch = options
            .follow
            .then(|| Watch::new(&dir, &self.dirs.run(&record.id)))
            .transpose()
            .context(what)?;
        let mut follower = Follower::default();
        if options.tail == Some(0) {
            follower.skip_to_end(&path).context(what)?;
        } else {
            let keep = options
                .tail
                .map(|count| usize::try_from(count).unwrap_or(usize::MAX));
            let mut kept: VecDeque<Line> = VecDeque::new();
            let mut take = |line: Line| match keep {
                None => emit(&line, options, out),
                Some(keep) => {
                    if kept.len() == keep {
                        kept.pop_front();
                    }
                    kept.push_back(line);
                }
            };
            for older in rotated(&path) {
                read_all(&older, &mut take).context(what)?;
            }
            follower.read(&path, &mut take).context(what)?;
            for line in kept {
                emit(&line, options, out);
            }
        }
        let Some(watch) = watch else { return Ok(()) };
        loop {
            // Asked before reading: what was written before the end is then read.
            let running =
                containers::load(&self.dirs, &record.id)?.is_some_and(|c| c.run.is_some());
            follower
                .read(&path, &mut |line| emit(&line, options, out))
                .context(what)?;
            let over = options
                .until
                .is_some_and(|until| clock::unix_nanos() > until);
            if !running || over {
                return Ok(());
            }
            watch.wait(options.until).context(what)?;
        }
    }
}

fn emit(line: &Line, options: &LogOptions, out: &mut dyn FnMut(LogStream, &[u8])) {
    if options.since.is_some() || options.until.is_some() {
        let time = clock::parse_nanos(&line.time).unwrap_or(0);
        if options.since.is_some_and(|since| time < since)
            || options.until.is_some_and(|until| time > until)
        {
            return;
        }
    }
    let stream = if line.stream == "stderr" {
        LogStream::Stderr
    } else {
        LogStream::Stdout
    };
    if options.timestamps {
        out(
            stream,
            format!("{} {}", padded(&line.time), line.log).as_bytes(),
        );
    } else {
        out(stream, line.log.as_bytes());
    }
}

/// Nine digits of fraction, so that lines stay aligned as Docker's do.
fn padded(time: &str) -> String {
    let body = time.trim_end_matches('Z');
    let (seconds, fraction) = body.split_once('.').unwrap_or((body, ""));
    format!("{seconds}.{fraction:0<9}Z")
}

/// Rotated logs, oldest first.
fn rotated(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for number in 1.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        let name = PathBuf::from(name);
        if !name.exists() {
            break;
        }
        found.insert(0, name);
    }
    found
}

fn read_all(path: &Path, take: &mut dyn FnMut(Line)) -> io::Result<()> {
    Follower::default().read(path, take)
}

/// Reads a log from where it stopped last time.
#[derive(Default)]
struct Follower {
    file: Option<(u64, BufReader<File>)>,
    partial: Vec<u8>,
}

impl Follower {
    fn read(&mut self, path: &Path, take: &mut dyn FnMut(Line)) -> io::Result<()> {
        loop {
            if let Some((_, reader)) = &mut self.file {
                drain(reader, &mut self.partial, take)?;
            }
            // Not there yet, or rotated away: go on with the file of that name now.
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
            let inode = file.metadata()?.ino();
            if let Some((open, reader)) = &mut self.file {
                if *open == inode {
                    return Ok(());
                }
                // What came in between the last read and the rotation.
                drain(reader, &mut self.partial, take)?;
            }
            self.partial.clear();
            self.file = Some((inode, BufReader::new(file)));
        }
    }

    fn skip_to_end(&mut self, path: &Path) -> io::Result<()> {
        self.read(path, &mut |_| {})
    }
}

fn drain(
    reader: &mut BufReader<File>,
    partial: &mut Vec<u8>,
    take: &mut dyn FnMut(Line),
) -> io::Result<()> {
    loop {
        if reader.read_until(b'\n', partial)? == 0 || !partial.ends_with(b"\n") {
            return Ok(());
        }
        // A line that is not ours is left out rather than ending the log.
        if let Ok(line) = serde_json::from_slice(partial) {
            take(line);
        }
        partial.clear();
    }
}

/// Wakes when the container's log grows or its run state goes.
struct Watch(std::os::fd::OwnedFd);

impl Watch {
    fn new(dir: &Path, run_dir: &Path) -> io::Result<Watch> {
        let fd = inotify::init(inotify::CreateFlags::CLOEXEC)?;
        let events = inotify::WatchFlags::MODIFY
            | inotify::WatchFlags::CREATE
            | inotify::WatchFlags::MOVED_TO
            | inotify::WatchFlags::DELETE_SELF;
        inotify::add_watch(&fd, dir, events)?;
        // The monitor's files there are closed when it dies, however it does.
        let events = inotify::WatchFlags::DELETE
            | inotify::WatchFlags::DELETE_SELF
            | inotify::WatchFlags::CLOSE_WRITE;
        match inotify::add_watch(&fd, run_dir, events) {
            // It does not run: there is nothing to wait for.
            Ok(_) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Watch(fd))
    }

    /// Until something changes, or until that time (nanoseconds since the epoch).
    fn wait(&self, until: Option<i64>) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let left = until.map(|until| Timespec {
            tv_sec: until.saturating_sub(clock::unix_nanos()).max(0) / 1_000_000_000 + 1,
            tv_nsec: 0,
        });
        if poll(&mut [PollFd::new(&self.0, PollFlags::IN)], left.as_ref())? == 0 {
            return Ok(());
        }
        let mut buffer = [MaybeUninit::uninit(); 4096];
        inotify::Reader::new(&self.0, &mut buffer).next()?;
        Ok(())
    }
}
