//! The `create` operation.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;

use super::container::Container;
use super::errors::CreateError;
use super::identity;
use super::record::{Directory, Record};
use super::root::{Root, check_id};
use super::streams::{self, Streams};
use crate::container::{self, CreateRequest};

/// What a container is made from. [`CreateOptions::new`] has the defaults.
#[derive(Debug)]
pub struct CreateOptions {
    /// Its id: letters, digits, `_`, `+`, `-`, `.`.
    pub id: String,
    /// Its bundle's directory, absolute.
    pub bundle: PathBuf,
    /// Its configuration.
    pub spec: Spec,
    /// The standard streams, unless the configuration wants a terminal.
    pub streams: Streams,
    /// Rows and columns of the terminal, before the configuration's own.
    pub console_size: Option<(u16, u16)>,
    /// A detached mount to use as `/` instead of `root.path`.
    pub rootfs: Option<OwnedFd>,
    /// Whether to change the root without pivot_root.
    pub no_pivot: bool,
    /// Whether to stay in the caller's session keyring.
    pub no_new_keyring: bool,
    /// How many descriptors from 3 on the container inherits.
    pub preserve_fds: u32,
    /// Whether systemd makes the cgroup, as `cgroupsPath` `slice:prefix:name` says.
    pub systemd_cgroup: bool,
    /// Where to write the process's id.
    pub pid_file: Option<PathBuf>,
}

impl CreateOptions {
    /// A container on its bundle's own root, with the caller's streams.
    pub fn new(id: &str, bundle: &Path, spec: Spec) -> Self {
        Self {
            id: id.to_owned(),
            bundle: bundle.to_owned(),
            spec,
            streams: Streams::Inherit,
            console_size: None,
            rootfs: None,
            no_pivot: false,
            no_new_keyring: false,
            preserve_fds: 0,
            systemd_cgroup: false,
            pid_file: None,
        }
    }
}

impl Root {
    /// Makes a container and leaves it waiting for its start.
    ///
    /// # Errors
    /// [`CreateError`]; nothing is left behind.
    pub fn create(&self, options: CreateOptions) -> Result<Container, CreateError> {
        check_id(&options.id).map_err(|_| CreateError::InvalidId)?;
        if let Some(number) = streams::missing(options.preserve_fds) {
            return Err(CreateError::NotOpen(number));
        }
        // Before the id is taken: most mistakes are found here.
        crate::spec::validate(&options.spec).map_err(container::CreateError::from)?;
        let path = self.directory(&options.id);
        let directory = self
            .make(&options.id)
            .map_err(state("the directory", &path))?
            .ok_or(CreateError::Exists)?;
        // Somebody who removes what is unfinished may have been faster.
        let lock = directory
            .try_lock()
            .map_err(state("the directory", &path))?;
        let Some(lock) = lock.filter(|_| !directory.is_gone()) else {
            return Err(CreateError::Exists);
        };
        match attempt(&path, &directory, options) {
            Ok((record, console, warnings)) => {
                drop(lock);
                let id = record.id.clone();
                let mut container = Container::new(path, &id, directory, Some(record));
                container.console = console;
                container.warnings = warnings.into();
                Ok(container)
            }
            Err(error) => {
                // The first error is the one to tell.
                let _ = directory.clear();
                let _ = std::fs::remove_dir(&path);
                drop(lock);
                Err(error)
            }
        }
    }
}

fn attempt(
    path: &Path,
    directory: &Directory,
    options: CreateOptions,
) -> Result<(Record, Option<OwnedFd>, Vec<String>), CreateError> {
    let spec = &options.spec;
    let mut record = record(&options)?;
    let text = serde_json::to_vec(spec).map_err(CreateError::Encode)?;
    directory
        .write_config(&text)
        .map_err(state("the configuration", path))?;
    // With the cgroup's name in it, so that what a killed create leaves is found.
    directory.write(&record).map_err(state("the state", path))?;
    let starter = directory.listen().map_err(state("the socket", path))?;
    let process = spec.process().clone().unwrap_or_default();
    let stdio = options
        .streams
        .of(&process, options.console_size)
        .map_err(state("the streams", path))?;
    let mut created = container::create(CreateRequest {
        rootfs: options.rootfs,
        starter: Some(starter),
        no_pivot: options.no_pivot,
        no_new_keyring: options.no_new_keyring,
        preserved: options.preserve_fds,
        systemd_cgroup: options.systemd_cgroup,
        ..CreateRequest::new(&options.id, &options.bundle, spec, stdio)
    })?;
    created.wait_ready()?;
    let console = created.take_console();
    let warnings = created.take_warnings();
    record.pid = created.pid();
    record.start_time = identity::start_time(record.pid).unwrap_or_default();
    directory.write(&record).map_err(state("the state", path))?;
    if let Some(file) = &options.pid_file {
        write_pid(file, record.pid).map_err(state("the pid file", file))?;
    }
    if let Err(error) = created.leave() {
        if let Some(file) = &options.pid_file {
            let _ = std::fs::remove_file(file);
        }
        return Err(error.into());
    }
    Ok((record, console, warnings))
}

fn record(options: &CreateOptions) -> Result<Record, CreateError> {
    let root = options.spec.root().as_ref();
    let root = root.map(|root| root.path().clone()).unwrap_or_default();
    let cgroup = container::cgroup_path(&options.spec, &options.id, options.systemd_cgroup)
        .map_err(container::CreateError::from)?;
    Ok(Record {
        id: options.id.clone(),
        bundle: options.bundle.clone(),
        rootfs: options.bundle.join(root),
        created: jiff::Timestamp::now().to_string(),
        owner: rustix::process::geteuid().as_raw(),
        annotations: options.spec.annotations().clone(),
        cgroup,
        no_new_keyring: options.no_new_keyring,
        pid: 0,
        start_time: 0,
    })
}

/// Writes a pid file; whoever waits for it never sees it half written.
///
/// # Errors
/// As open, write and rename; nothing is left behind.
pub fn write_pid(file: &Path, pid: i32) -> io::Result<()> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    let new = file.with_file_name(hidden);
    let written = std::fs::File::create(&new)
        .and_then(|mut open| open.write_all(pid.to_string().as_bytes()))
        .and_then(|()| std::fs::rename(&new, file));
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&new);
    })
}

/// For `map_err`: what could not be written, and where.
fn state(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CreateError {
    let path = path.to_owned();
    move |source| CreateError::State { what, path, source }
}
