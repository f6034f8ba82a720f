//! `cp`: files between the host and a container, running or not, and as a tar.
//!
//! ```text
//!  path ──place──▶ pinned file ──┐                            ┌── place ◀── path
//!                                ├─ archive::pack ─ tar ─ archive::place
//!  stdin ────────────────────────┘      │                     └─ plan: what it is called there
//!                                       └─▶ stdout
//! ```
//!
//! The container may be hostile and change its files meanwhile: whatever it does, what is read and
//! written is its own, and what comes out of it is nobody's privilege on the host.

mod files;
mod place;
mod plan;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use rbox_images::archive::{self, Owners, Placed, Placing};
use rbox_images::{IdShift, UnpackError};
use rustix::fs::{Mode, OFlags};

use self::files::Files;
use self::place::Place;
use self::plan::{Plan, Source, Target};
use super::failure::{Context, Failure};
use super::{Engine, event};

/// How files are copied.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopyOptions {
    /// `-a`: owners stay; else all is root's.
    pub archive: bool,
    /// `-L`: a link that is copied from is followed.
    pub follow: bool,
}

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Bytes of the archive in between.
    pub bytes: u64,
    /// What was not made on the host: devices.
    pub placed: Placed,
}

impl Engine {
    /// Copies a file or directory of the host into a container. Relative paths of the host are
    /// those of this process, of a container those of its root.
    ///
    /// # Errors
    /// Docker's texts for paths that are not there or do not fit each other.
    pub fn copy_in(
        &self,
        from: &str,
        container: &str,
        to: &str,
        options: CopyOptions,
    ) -> Result<Copied, Failure> {
        let (source, what) = of_host(from, options.follow)?;
        self.with_files(container, |files| {
            let target = target_in(files, container, to)?;
            let plan = plan::plan(&what, target.kind(to)).map_err(refused)?;
            let name = target.named(&plan, &what);
            let tar = pack(source, &what, name, IdShift::default())?;
            let placing = self.placing(files, options.archive)?;
            let directory = target.directory(&plan)?;
            files.refuse_read_only(&directory)?;
            let copied = self.put(tar, directory, &placing, to);
            event::of_container(&self.dirs, "extract-to-dir", &files.record, &[]);
            copied.map_err(|failure| read_only(failure, files))
        })
    }

    /// Puts a tar, packed or not, into a directory of a container; owners are those of the tar.
    ///
    /// # Errors
    /// As [`Engine::copy_in`], and for a broken tar.
    pub fn copy_tar_in(
        &self,
        tar: impl Read + Send,
        container: &str,
        to: &str,
    ) -> Result<Copied, Failure> {
        self.with_files(container, |files| {
            let target = target_in(files, container, to)?;
            if target.kind(to) != Target::Directory {
                return Err(Failure::new(format!(
                    "destination \"{container}:{to}\" must be a directory"
                )));
            }
            let placing = self.placing(files, true)?;
            let directory = target.directory(&Plan::Merged)?;
            files.refuse_read_only(&directory)?;
            let copied = self.put(tar, directory, &placing, to);
            event::of_container(&self.dirs, "extract-to-dir", &files.record, &[]);
            copied.map_err(|failure| read_only(failure, files))
        })
    }

    /// Copies a file or directory of a container to the host.
    ///
    /// # Errors
    /// As [`Engine::copy_in`].
    pub fn copy_out(
        &self,
        container: &str,
        from: &str,
        to: &str,
        options: CopyOptions,
    ) -> Result<Copied, Failure> {
        self.with_files(container, |files| {
            let (source, what) = in_container(files, container, from, options.follow)?;
            let target = target_on_host(to)?;
            let plan = plan::plan(&what, target.kind(to)).map_err(refused)?;
            let name = target.named(&plan, &what);
            let tar = pack(source, &what, name, files.ids.clone())?;
            let owners = match options.archive {
                true => Owners::OfArchive(IdShift::default()),
                false => Owners::One(
                    rustix::process::geteuid().as_raw(),
                    rustix::process::getegid().as_raw(),
                ),
            };
            let placing = Placing {
                owners,
                devices: false,
            };
            let copied = self.put(tar, target.directory(&plan)?, &placing, to);
            event::of_container(&self.dirs, "archive-path", &files.record, &[]);
            copied
        })
    }

    /// Writes a file or directory of a container as a tar.
    ///
    /// # Errors
    /// It is not there, or `out` takes no more.
    pub fn copy_tar_out(
        &self,
        container: &str,
        from: &str,
        out: &mut (dyn Write + Send),
        options: CopyOptions,
    ) -> Result<(), Failure> {
        self.with_files(container, |files| {
            let (source, what) = in_container(files, container, from, options.follow)?;
            let name = match what.content {
                true => String::new(),
                false => what.name.clone(),
            };
            let mut tar = pack(source, &what, name, files.ids.clone())?;
            let copied = io::copy(&mut tar, out).context(|| format!("copy {container}:{from}"));
            event::of_container(&self.dirs, "archive-path", &files.record, &[]);
            copied.map(|_| ())
        })
    }

    /// Does something to a container's files, on a thread of its own: that may leave the mount
    /// namespace of the others.
    fn with_files<T: Send>(
        &self,
        container: &str,
        act: impl FnOnce(&Files) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        let work = || act(&files::open(self, container)?);
        thread::scope(|scope| {
            let worker = scope.spawn(work);
            let broken = |_| Failure::new("the copying thread ended early");
            worker.join().map_err(broken)?
        })
    }

    fn placing(&self, files: &Files, archive: bool) -> Result<Placing, Failure> {
        let root = match &files.record.user_namespace {
            Some(mapping) => mapping
                .root()
                .ok_or_else(|| Failure::new("the container has no root user"))?,
            None => (0, 0),
        };
        Ok(Placing {
            owners: match archive {
                true => Owners::OfArchive(files.ids.clone()),
                false => Owners::One(root.0, root.1),
            },
            devices: true,
        })
    }

    fn put(
        &self,
        tar: impl Read,
        directory: OwnedFd,
        placing: &Placing,
        to: &str,
    ) -> Result<Copied, Failure> {
        let mut counted = Counted {
            inner: tar,
            bytes: 0,
        };
        let placed = archive::place(&mut counted, directory, &self.dirs.root, placing)
            .map_err(|error| unpacked(error, to))?;
        Ok(Copied {
            bytes: counted.bytes,
            placed,
        })
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Where files go.
struct Destination {
    place: Place,
}

impl Destination {
    fn kind(&self, path: &str) -> Target {
        match &self.place.found {
            Some(found) if found.is_directory => Target::Directory,
            Some(_) => Target::File,
            None => Target::Absent {
                wants_directory: place::ends_as_directory(path),
            },
        }
    }

    /// What the source is called in the archive.
    fn named(&self, plan: &Plan, source: &Source) -> String {
        match plan {
            Plan::Inside => source.name.clone(),
            Plan::Merged => String::new(),
            Plan::Instead => self.place.name.clone(),
        }
    }

    /// Where the archive is put.
    fn directory(&self, plan: &Plan) -> Result<OwnedFd, Failure> {
        let place = match plan {
            Plan::Inside | Plan::Merged => self.place.found.as_ref().map(|found| &found.file),
            Plan::Instead => self.place.parent.as_ref(),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        place
            .ok_or_else(|| Failure::new("no such directory"))
            .and_then(|place| {
                rustix::fs::openat(place, ".", flags, Mode::empty())
                    .context(|| format!("open the directory of {}", self.place.name))
            })
    }
}

fn target_in(files: &Files, container: &str, to: &str) -> Result<Destination, Failure> {
    let place = place::find(files.root(), to, true).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if place::ends_as_directory(to) => {
            Failure::new("no such directory")
        }
        io::ErrorKind::NotFound => {
            let parent = to.trim_end_matches('/').rsplit_once('/');
            let parent = parent.map_or("/", |(parent, _)| parent);
            Failure::new(format!(
                "Could not find the file {parent} in container {container}"
            ))
        }
        _ => Failure::new(format!("{container}:{to}: {error}")),
    })?;
    if let Some(file) = place
        .found
        .as_ref()
        .map(|found| &found.file)
        .or(place.parent.as_ref())
    {
        files::refuse_kernels(file, &format!("to {container}:{to}"))?;
    }
    Ok(Destination { place })
}

fn target_on_host(to: &str) -> Result<Destination, Failure> {
    let root = host_root()?;
    let place =
        place::find(root.as_fd(), &absolute(to)?, true).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let parent = to.trim_end_matches('/').rsplit_once('/');
                let parent = parent.map_or(".", |(parent, _)| parent);
                Failure::new(format!(
                    "invalid output path: directory {parent:?} does not exist"
                ))
            }
            _ => Failure::new(format!("{to}: {error}")),
        })?;
    if place.found.as_ref().is_some_and(|found| found.is_special) {
        return Err(Failure::new(format!(
            "invalid output path: {to:?} must be a directory or a regular file"
        )));
    }
    Ok(Destination { place })
}

fn of_host(from: &str, follow: bool) -> Result<(OwnedFd, Source), Failure> {
    let root = host_root()?;
    let missing = || Failure::new(format!("lstat {from}: no such file or directory"));
    let place = place::find(root.as_fd(), &absolute(from)?, follow).map_err(|error| match error
        .kind()
    {
        io::ErrorKind::NotFound => missing(),
        _ => Failure::new(format!("{from}: {error}")),
    })?;
    source(place, from).ok_or_else(missing)
}

fn in_container(
    files: &Files,
    container: &str,
    from: &str,
    follow: bool,
) -> Result<(OwnedFd, Source), Failure> {
    let missing = || {
        Failure::new(format!(
            "Could not find the file {from} in container {container}"
        ))
    };
    let place = place::find(files.root(), from, follow).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing(),
        _ => Failure::new(format!("{container}:{from}: {error}")),
    })?;
    let (file, source) = source(place, from).ok_or_else(missing)?;
    files::refuse_kernels(&file, &format!("{container}:{from}"))?;
    Ok((file, source))
}

fn source(place: Place, path: &str) -> Option<(OwnedFd, Source)> {
    let found = place.found?;
    let source = Source {
        is_directory: found.is_directory,
        content: place.parent.is_none() || place::means_content(path),
        name: place.name,
    };
    Some((found.file, source))
}

fn pack(file: OwnedFd, source: &Source, name: String, ids: IdShift) -> Result<impl Read, Failure> {
    archive::pack(archive::Source {
        file,
        is_directory: source.is_directory,
        name: name.into_bytes(),
        ids,
    })
    .map_err(|error| Failure::new(error.to_string()))
}

fn host_root() -> Result<File, Failure> {
    File::open("/").context(|| "open /".into())
}

fn absolute(path: &str) -> Result<String, Failure> {
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let here = std::env::current_dir().context(|| "find the working directory".into())?;
    Ok(format!("{}/{path}", here.display()))
}

fn refused(refused: plan::Refused) -> Failure {
    Failure::new(refused.to_string())
}

fn unpacked(error: UnpackError, to: &str) -> Failure {
    match error {
        UnpackError::NoRoom => Failure::new(format!("no space left for that at {to}")),
        UnpackError::TooLarge(most) => Failure::new(format!("{to}: more than {most} GiB at once")),
        UnpackError::Io { name, source } => {
            let name = name.trim_end_matches('/');
            match source.raw_os_error() {
                Some(code) if code == rustix::io::Errno::ISDIR.raw_os_error() => Failure::new(
                    format!("cannot overwrite directory {name:?} with non-directory"),
                ),
                Some(code) if code == rustix::io::Errno::NOTDIR.raw_os_error() => Failure::new(
                    format!("cannot overwrite non-directory {name:?} with directory"),
                ),
                _ => Failure::new(format!("{name}: {source}")),
            }
        }
        error => Failure::new(error.to_string()),
    }
}

/// Docker's text where the container may not write either.
fn read_only(failure: Failure, files: &Files) -> Failure {
    let refused = failure.message.contains("Read-only file system");
    match (refused, files.record.host.readonly_rootfs) {
        (true, true) => Failure::new("container rootfs is marked read-only"),
        (true, false) => Failure::new("mounted volume is marked read-only"),
        _ => failure,
    }
}
