//! The start of a container, from its record to a running process.
//!
//! The order: root filesystem and user, leases, files, then the process (which
//! sets its own mounts up while we build its network), then names and ports,
//! and last the program itself. A step that fails undoes all before it.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rbox_runtime::rootfs::overlay::{self, OverlayError, Writable};
use rbox_runtime::{CreateRequest, Created, FailureKind, Running, Stdio};
use rustix::pipe::{PipeFlags, pipe_with};

use super::configuration::{self, Prepared};
use super::network::Network;
use super::teardown;
use super::{files, image_mounts};
use crate::engine::connection::SOCKET;
use crate::engine::containers::{self, cgroup_path};
use crate::engine::exec::user_in;
use crate::engine::failure::{Context, Failure};
use crate::engine::health::Check;
use crate::engine::lower;
use crate::engine::record::{BuildRoot, Health, LastState, Record};
use crate::engine::recover::netns_path;
use crate::engine::user_namespace::mapping::{Mapping, to_oci};
use crate::engine::user_namespace::{check, lease};
use crate::engine::{Engine, clock, json_file, links, lock, undo, volume};

/// Docker's prefix for what the runtime says.
const RUNTIME: &str = "failed to create task for container: failed to create shim task: OCI \
                       runtime create failed: runc create failed: unable to start container \
                       process: ";

/// A container that runs, and what its monitor holds for it.
pub struct Live {
    /// State roots, images and networks.
    pub engine: Engine,
    /// What was asked.
    pub record: Record,
    /// How the run before this one ended.
    pub previous: LastState,
    /// RFC 3339.
    pub started_at: String,
    /// The process.
    pub running: Running,
    /// Its cgroup, relative to the hierarchies.
    pub cgroup: String,
    /// Its sandbox.
    pub network: Network,
    /// Closed when others know that it has ended.
    pub held: Option<Held>,
    /// Our ends of its streams, until the event loop takes them.
    pub streams: Streams,
    /// Where clients connect, until the event loop takes it.
    pub listener: Option<UnixListener>,
    /// What is left to delete of a container that was to remove itself.
    pub retired: Option<PathBuf>,
    /// `pause`: it stands still.
    pub paused: bool,
    /// What probes have found, where the container has a health check.
    pub health: Option<Health>,
    /// Whether there is a process.
    pub phase: Phase,
    /// Restarts since a person started it.
    pub restarts: u32,
    /// Nothing of the last run is left to undo.
    pub undone: bool,
}

/// What is not to end with the process, because its end would take longer.
pub struct Held {
    /// The mounts of the container go with the last reference to their namespace, and the kernel
    /// waits until no processor looks at them.
    _mounts: Option<File>,
    /// With the last reference to the overlay it may write out a whole filesystem.
    _root: OwnedFd,
}

/// See [`Live::phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It runs.
    Runs,
    /// It has ended, what it had is given back, and it is started again.
    Rests,
    /// It has ended for good, and what it had is given back.
    Over,
}

impl Live {
    /// Serves the resolver and the ports, on the event loop.
    pub fn serve(&mut self) {
        self.network.serve(&self.engine, &self.record);
    }
}

/// Our ends of the container's streams.
#[derive(Debug, Default)]
pub struct Streams {
    /// The terminal's master.
    pub console: Option<OwnedFd>,
    /// Write end.
    pub stdin: Option<OwnedFd>,
    /// Read end.
    pub stdout: Option<OwnedFd>,
    /// Read end.
    pub stderr: Option<OwnedFd>,
}

/// What the client that starts the container says beside its id.
#[derive(Debug)]
pub struct Asked {
    /// Rows and columns of its terminal.
    pub size: Option<(u16, u16)>,
    /// Whether it feeds the container's stdin.
    pub stdin_attached: bool,
    /// Path of our binary, which `--init` mounts.
    pub program: PathBuf,
    /// Environment that is written down nowhere.
    pub secrets: Vec<String>,
}

/// Starts the container, or leaves nothing but the reason in its state.
pub fn start(
    engine: Engine,
    id: &str,
    asked: &Asked,
    prepared: Option<Prepared>,
) -> Result<Live, Failure> {
    let dir = engine.dirs.container(id);
    let run_dir = engine.dirs.run(id);
    let mut record =
        containers::read_record(&dir)?.ok_or_else(|| Failure::no_such_container(id))?;
    rbox_timing::mark("record read");
    // `run -i`: stdin ends with the client that feeds it.
    record.config.stdin_once |= asked.stdin_attached && record.config.open_stdin;
    let previous = containers::read_last(&dir)?;
    let auto_remove = record.host.auto_remove;
    let kept = (record.clone(), previous.clone());
    let dirs = engine.dirs.clone();
    attempt(engine, record, previous, asked, prepared).inspect_err(|failure| {
        let (record, previous) = kept;
        if auto_remove {
            let _ = containers::remove_files(&dirs, id);
        } else {
            let code = teardown::code_of(failure);
            let state = teardown::failed_start(code, &failure.message, &previous);
            let _ = json_file::write(&dir.join("state.json"), &state);
        }
        // What cannot be undone stays in the journal, for the next one who looks. The
        // run directory goes last: with it others may start the container.
        let netns = record
            .owns_network_namespace()
            .then(|| netns_path(&record.name));
        volume::mounted::release(&dirs, &record, id);
        if undo::journal(&dirs, id, netns.as_deref()).is_ok() {
            let _ = lock::remove_run_dir(&run_dir);
        }
    })
}

fn attempt(
    engine: Engine,
    record: Record,
    previous: LastState,
    asked: &Asked,
    prepared: Option<Prepared>,
) -> Result<Live, Failure> {
    // Who asks meanwhile waits for an answer.
    let listener = listen(&engine.dirs.run(&record.id))?;
    let parts = process(&engine, &record, &previous.addresses, asked, prepared)?;
    let live = Live {
        health: Check::of(&record.config).map(|_| Health::starting()),
        paused: false,
        engine,
        record,
        previous,
        started_at: clock::now(),
        running: parts.running,
        cgroup: parts.cgroup,
        network: parts.network,
        held: Some(parts.held),
        streams: parts.streams,
        listener: Some(listener),
        retired: None,
        phase: Phase::Runs,
        restarts: 0,
        undone: false,
    };
    write_down(&live)?;
    live.has_started();
    rbox_timing::mark("state and events written");
    Ok(live)
}

/// Says that it runs; kills it where that cannot be said.
fn write_down(live: &Live) -> Result<(), Failure> {
    teardown::write_run_state(live)
        .and_then(|()| teardown::write_ahead(live))
        .map_err(|error| {
            let _ = live.running.cgroup.kill_all();
            let _ = live.running.cgroup.delete();
            Failure::new(format!("write the container's state: {error}"))
        })
}

/// Starts it once more, as its record is now, after so many restarts. A start that fails leaves
/// nothing behind.
pub fn again(live: &mut Live, asked: &Asked, restarts: u32) -> Result<(), Failure> {
    let dirs = live.engine.dirs.clone();
    let id = live.record.id.clone();
    let undo = |record: &Record| {
        let netns = record
            .owns_network_namespace()
            .then(|| netns_path(&record.name));
        undo::journal(&dirs, &id, netns.as_deref())
    };
    // What could not be undone when the last run ended.
    if !live.undone {
        undo(&live.record)?;
        live.undone = true;
    }
    let dir = dirs.container(&id);
    let record = containers::read_record(&dir)?.ok_or_else(|| Failure::no_such_container(&id))?;
    let previous = containers::read_last(&dir)?;
    let began =
        process(&live.engine, &record, &previous.addresses, asked, None).and_then(|parts| {
            live.health = Check::of(&record.config).map(|_| Health::starting());
            live.paused = false;
            live.record = record.clone();
            live.previous = previous;
            live.started_at = clock::now();
            live.running = parts.running;
            live.cgroup = parts.cgroup;
            live.network = parts.network;
            live.held = Some(parts.held);
            live.streams = parts.streams;
            live.restarts = restarts;
            write_down(live)
        });
    match began {
        Ok(()) => {
            live.phase = Phase::Runs;
            live.undone = false;
            live.has_started();
        }
        Err(_) => live.undone = undo(&record).is_ok(),
    }
    began
}

/// Those that link to it are told where it is now, by a thread of their own: one of them may be
/// waiting for an answer of ours.
pub fn tell_consumers(live: &Live) {
    if links::has_consumers(&live.engine.dirs, &live.record.id) {
        let (dirs, id) = (live.engine.dirs.clone(), live.record.id.clone());
        // Whom it does not reach asks when he starts.
        std::thread::spawn(move || links::tell_consumers(&dirs, &id));
    }
}

struct Parts {
    running: Running,
    cgroup: String,
    network: Network,
    held: Held,
    streams: Streams,
}

fn process(
    engine: &Engine,
    record: &Record,
    previous: &[IpAddr],
    asked: &Asked,
    prepared: Option<Prepared>,
) -> Result<Parts, Failure> {
    let dirs = &engine.dirs;
    let dir = dirs.container(&record.id);
    let run_dir = dirs.run(&record.id);
    lease::renew(dirs, record)?;
    let cgroup = configuration::begin_cgroup(record, prepared)?;
    let rootfs = match &record.build {
        Some(BuildRoot {
            layers,
            upper,
            work,
        }) => overlay::detached(
            layers,
            &Writable {
                upper,
                work,
                volatile: true,
            },
        ),
        None => {
            let layers = engine
                .images
                .root_trees(&record.image_id)
                .map_err(|error| Failure::new(error.to_string()))?;
            let volatile = record.host.auto_remove;
            root_filesystem(&layers, &dir, record.user_namespace.as_ref(), volatile)
        }
    }
    .map_err(|error| Failure::new(format!("mount the root filesystem: {error}")))?;
    rbox_timing::mark("root filesystem mounted");
    let root = rootfs
        .try_clone()
        .context(|| "keep the root filesystem open".into())?;
    let user = user_in(&rootfs, &record.config.user, &record.host.group_add)?;
    check::user(record, &user)?;
    rbox_timing::mark("user looked up");
    let links = links::resolve(dirs, record)?;
    let mut network = Network::prepare(engine, record, previous)?;
    rbox_timing::mark("network planned, addresses leased");
    let mut facts = configuration::facts(engine, record, &asked.program, user, &network, &links)?;
    facts.files = files::write(engine, record, &network, &links)?;
    rbox_timing::mark("files of /etc written");
    sources(record)?;
    let volumes = volume::source::open(&engine.dirs, record)?;
    facts.volumes.clone_from(&volumes.paths);
    let mut trees = Vec::new();
    for (target, tree) in image_mounts::open(engine, record, &dir)? {
        let name = PathBuf::from(format!("/proc/self/fd/{}", tree.as_raw_fd()));
        facts.volumes.insert(target, name.clone());
        trees.push((name, tree));
    }
    rbox_timing::mark("volumes opened");
    let spec = lower::spec(record, &facts)?;
    let bundle = run_dir.join("bundle");
    let secret = configuration::with_secrets(&spec, &asked.secrets);
    rbox_timing::mark("configuration planned");

    let (stdio, mut streams) = stdio(record, asked.size)?;
    let mut created = rbox_runtime::create(CreateRequest {
        rootfs: Some(rootfs),
        trees,
        die_with_parent: true,
        cgroup,
        ..CreateRequest::new(&record.id, &bundle, secret.as_ref().unwrap_or(&spec), stdio)
    })
    .map_err(|error| runtime(&error, None))?;
    drop(volumes);
    // The process makes its mounts meanwhile.
    let built = network.build(created.pid());
    rbox_timing::mark("network built");
    // First, because a process that failed took its network namespace with it.
    created.wait_ready().map_err(|error| {
        let kind = error.kind();
        runtime(&error, Some(kind))
    })?;
    built?;
    let held = Held {
        // Its end only takes longer without.
        _mounts: File::open(format!("/proc/{}/ns/mnt", created.pid())).ok(),
        _root: root,
    };
    rbox_timing::mark("process is ready");
    streams.console = created.take_console();
    network.publish(engine, record)?;
    let running = begin(created, || configuration::write(&bundle, &spec))?;
    rbox_timing::mark("program executed");
    Ok(Parts {
        running,
        cgroup: cgroup_path(&record.host.cgroup_parent, &record.id),
        network,
        held,
        streams,
    })
}

/// The image's layers and the container's own. Files of the layers, which all
/// containers share, are seen with the owners that this one's ids are. `volatile`: see [`Writable`].
pub fn root_filesystem(
    layers: &[PathBuf],
    dir: &Path,
    mapping: Option<&Mapping>,
    volatile: bool,
) -> Result<OwnedFd, OverlayError> {
    let (upper, work) = (dir.join("upper"), dir.join("work"));
    let writable = Writable {
        upper: &upper,
        work: &work,
        volatile,
    };
    match mapping.filter(|mapping| !mapping.is_identity()) {
        None => overlay::detached(layers, &writable),
        Some(mapping) => {
            let (uids, gids) = (to_oci(&mapping.uids), to_oci(&mapping.gids));
            overlay::detached_mapped(layers, &writable, &uids, &gids)
        }
    }
}

/// Lets the prepared process execute its program, and does the rest `meanwhile`; if that fails, the
/// process has ended.
fn begin(
    created: Created,
    meanwhile: impl FnOnce() -> Result<(), Failure>,
) -> Result<Running, Failure> {
    let (running, done) = created.start_and(meanwhile).map_err(|error| {
        let kind = error.kind();
        runtime(&error, Some(kind))
    })?;
    done.inspect_err(|_| {
        let _ = running.cgroup.kill_all();
        let _ = running.cgroup.delete();
    })?;
    Ok(running)
}

/// The runtime's words as Docker wraps them; the exit code by what failed.
fn runtime(error: &dyn std::fmt::Display, kind: Option<FailureKind>) -> Failure {
    let failure = Failure::new(format!("{RUNTIME}{error}: unknown"));
    match kind {
        Some(FailureKind::NotFound) => failure.code(127),
        Some(FailureKind::Denied) => failure.code(126),
        _ => failure,
    }
}

/// The socket's path goes through a descriptor: it may be longer than sun_path.
fn listen(run_dir: &Path) -> Result<UnixListener, Failure> {
    let what = || format!("listen on {}", run_dir.join(SOCKET).display());
    let dir = fs::File::open(run_dir).context(what)?;
    let path = format!(
        "/proc/self/fd/{}/{SOCKET}",
        std::os::fd::AsRawFd::as_raw_fd(&dir)
    );
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context(what);
        }
        _ => {}
    }
    UnixListener::bind(path).context(what)
}

/// Makes missing sources of `-v`, refuses those of `--mount`.
fn sources(record: &Record) -> Result<(), Failure> {
    use crate::engine::request::MountKind;
    for mount in record
        .host
        .mounts
        .iter()
        .filter(|mount| mount.kind == MountKind::Bind)
    {
        let source = Path::new(&mount.source);
        if source.exists() {
            continue;
        }
        if !mount.create_source {
            return Err(Failure::new(format!(
                "invalid mount config for type \"bind\": bind source path does not exist: {}",
                mount.source
            )));
        }
        let missing: Vec<&Path> = source
            .ancestors()
            .take_while(|path| !path.exists())
            .collect();
        let failed = |error| {
            Failure::new(format!(
                "error while creating mount source path '{}': mkdir {}: {error}",
                mount.source, mount.source
            ))
        };
        fs::create_dir_all(source).map_err(failed)?;
        // As in Docker: what is made for the container is its root's.
        let root = record.user_namespace.as_ref().and_then(Mapping::root);
        if let Some((uid, gid)) = root.filter(|_| !mount.id_mapped) {
            for path in missing {
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(failed)?;
            }
        }
    }
    Ok(())
}

fn stdio(record: &Record, size: Option<(u16, u16)>) -> Result<(Stdio, Streams), Failure> {
    let mut streams = Streams::default();
    if record.config.tty {
        let (rows, cols) = size.unwrap_or(record.host.console_size);
        return Ok((Stdio::Terminal { rows, cols }, streams));
    }
    let pipe = || pipe_with(PipeFlags::CLOEXEC).context(|| "make a pipe".into());
    let stdin = if record.config.open_stdin {
        let (read, write) = pipe()?;
        streams.stdin = Some(write);
        read
    } else {
        fs::File::open("/dev/null")
            .context(|| "open /dev/null".into())?
            .into()
    };
    let (out_read, stdout) = pipe()?;
    let (err_read, stderr) = pipe()?;
    streams.stdout = Some(out_read);
    streams.stderr = Some(err_read);
    Ok((
        Stdio::Fds {
            stdin,
            stdout,
            stderr,
        },
        streams,
    ))
}
