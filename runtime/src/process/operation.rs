//! The set-up of a container's process as a list of operations, executed by
//! the child in order. The plan decides, an operation only does.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::process::umask;

use super::attribute::{self, Attribute};
use super::credentials::Credentials;
use super::hooks::HookList;
use super::limits::Limit;
use super::terminal::WindowSize;
use super::time_namespace;
use super::{Failure, FailureKind, Naming, credentials, handshake, procfs, reason, sys, terminal};
use crate::container::{OCI_VERSION, State, Status};
use crate::rootfs::devices::{self, DeviceNode};
use crate::rootfs::mounts::{DIRECTORY_MODE, PlannedMount};
use crate::rootfs::{in_root, masks, pivot};
use crate::security::capabilities::Sets;
use crate::spec::NumberSet;
use crate::spec::mount_options::Propagation;

/// One step of the set-up.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Waits for the parent, who maps the user namespace's ids, or has systemd
    /// make the cgroup.
    AwaitParent,
    /// Becomes root of the user namespace.
    BecomeRoot,
    /// Joins the cgroup v1 hierarchies whose `tasks` files these are.
    JoinCgroup(Vec<OwnedFd>),
    /// Joins the namespace; its kind for the error text.
    JoinNamespace(&'static str, OwnedFd),
    /// Joins all these kinds (`CLONE_NEW*`) of the process behind the descriptor.
    JoinProcess(OwnedFd, i32),
    /// A cgroup namespace whose root is the cgroup joined before.
    NewCgroupNamespace,
    /// A time namespace with these offsets of its clocks, as the kernel's file
    /// takes them.
    EnterTimeNamespace(String),
    /// A session of its own, without a terminal yet.
    NewSession,
    /// An empty session keyring, where the kernel has keyrings.
    NewKeyring,
    SetHostname(String),
    SetDomainname(String),
    /// Writes below /proc/sys: relative path, value.
    SetSysctl(String, String),
    SetOomScore(i32),
    SeparateFromHost,
    AttachRoot,
    Mount(Box<PlannedMount>),
    MakeDevices(Vec<DeviceNode>),
    MakeDeviceLinks,
    /// Opens a terminal in the container's devpts and sends its master side to
    /// the parent; `on_console` mounts the other side on /dev/console.
    OpenTerminal {
        size: WindowSize,
        owner: u32,
        on_console: bool,
    },
    /// Remembers the process id that the host's proc shows.
    NotePid,
    /// Tells the parent that all is mounted, and waits while it runs the hooks
    /// of the runtime's namespaces.
    AwaitHooks,
    /// Runs hooks in the container's namespaces, with the host's files.
    RunHooks(Box<ContainerHooks>),
    PivotRoot,
    /// Instead of the pivot, where the host's root is a ramdisk: the host's
    /// tree stays below the container's, out of reach for its processes.
    ChangeRoot,
    SetPropagation(Propagation),
    MakeWorkingDirectory(PathBuf),
    MakeRootReadOnly,
    ProtectPaths(Vec<String>),
    HidePaths(Vec<String>),
    /// Puts standard input, output and error in place.
    PlaceStdio {
        owner: u32,
    },
    /// Closes everything but standard streams and the handshake.
    CloseDescriptors,
    SetLimits(Vec<Limit>),
    /// Scheduler, I/O priority and the like.
    SetAttribute(Attribute),
    /// The processors to run on.
    SetAffinity(NumberSet),
    SetUmask(u32),
    /// Bounding set, groups, user.
    ChangeUser(Box<Credentials>),
    /// Enters the working directory; where the caller's privileges are not
    /// enough, a later try as the container's user (`last`) decides.
    ChangeDirectory {
        path: PathBuf,
        last: bool,
    },
    /// The capability sets of the process.
    DropCapabilities(Sets),
    NoNewPrivileges,
    /// SIGKILL when the parent dies.
    DieWithParent,
}

/// What operations share while they run in the child.
pub(crate) struct Context {
    /// The handshake's end; another number after `CloseDescriptors`.
    pub(crate) socket: BorrowedFd<'static>,
    /// The detached, then attached, root of the container.
    pub(crate) root: Option<BorrowedFd<'static>>,
    /// Where the start is waited for; as `socket`.
    pub(crate) listener: Option<BorrowedFd<'static>>,
    /// The files that take the process's labels, in the order of those.
    pub(crate) labels: Vec<BorrowedFd<'static>>,
    /// How many descriptors after the standard ones stay open.
    pub(crate) preserved: u32,
    /// This process's id outside, once noted.
    pub(crate) host_pid: Option<i32>,
    /// Standard streams that the parent gave.
    pub(crate) stdio: Option<[BorrowedFd<'static>; 3]>,
    /// The container's side of the terminal, once opened.
    pub(crate) terminal: Option<OwnedFd>,
    /// The working directory was reached before the change of user.
    pub(crate) in_directory: bool,
}

impl Operation {
    /// Does it. An error names the step and its object.
    pub(crate) fn run(&self, context: &mut Context) -> Result<(), Failure> {
        match self {
            Self::AwaitParent => await_parent(context),
            Self::BecomeRoot => become_root(),
            Self::JoinCgroup(tasks) => join_cgroup(tasks),
            Self::JoinNamespace(kind, fd) => {
                rustix::thread::move_into_link_name_space(fd.as_fd(), None)
                    .naming(|| format!("joining the {kind} namespace"))
            }
            Self::JoinProcess(process, kinds) => join_process(process.as_fd(), *kinds),
            Self::NewCgroupNamespace => sys::unshare_namespaces(libc::CLONE_NEWCGROUP)
                .naming(|| "making a cgroup namespace"),
            Self::EnterTimeNamespace(offsets) => time_namespace::enter(offsets),
            Self::NewSession => rustix::process::setsid().map(drop).naming(|| "setsid"),
            Self::NewKeyring => new_keyring(),
            Self::SetHostname(name) => {
                rustix::system::sethostname(name.as_bytes()).naming(|| "sethostname")
            }
            Self::SetDomainname(name) => {
                rustix::system::setdomainname(name.as_bytes()).naming(|| "setdomainname")
            }
            Self::SetSysctl(path, value) => procfs::set_sysctl(context.root, path, value),
            Self::SetOomScore(value) => procfs::own("oom_score_adj", &value.to_string()),
            Self::SeparateFromHost => pivot::separate_from_host(),
            Self::AttachRoot => pivot::attach(context.root()?),
            Self::Mount(mount) => mount.make(context.root()?),
            Self::MakeDevices(nodes) => devices::make_nodes(context.root()?, nodes),
            Self::MakeDeviceLinks => devices::make_links(context.root()?),
            Self::OpenTerminal {
                size,
                owner,
                on_console,
            } => open_terminal(context, *size, *owner, *on_console),
            Self::NotePid => note_pid(context),
            Self::AwaitHooks => {
                handshake::send_mounted(context.socket).naming(|| "reporting to the parent")?;
                await_parent(context)
            }
            Self::RunHooks(hooks) => hooks.run(Status::Creating, context.host_pid),
            Self::PivotRoot => pivot::pivot(context.root()?),
            Self::ChangeRoot => pivot::change_root(context.root()?),
            Self::SetPropagation(propagation) => {
                pivot::set_propagation(context.root()?, *propagation)
            }
            Self::MakeWorkingDirectory(path) => make_directory(context.root()?, path),
            Self::MakeRootReadOnly => pivot::make_read_only(context.root()?),
            Self::ProtectPaths(paths) => masks::protect(context.root()?, paths),
            Self::HidePaths(paths) => masks::hide(context.root()?, paths),
            Self::PlaceStdio { owner } => place_stdio(context, *owner),
            Self::CloseDescriptors => close_descriptors(context),
            Self::SetLimits(limits) => limits.iter().try_for_each(Limit::apply),
            Self::SetAttribute(attribute) => attribute.set(),
            Self::SetAffinity(processors) => attribute::set_affinity(processors),
            Self::SetUmask(mask) => {
                umask(Mode::from_raw_mode(*mask));
                Ok(())
            }
            Self::ChangeUser(credentials) => credentials.change_user(),
            Self::ChangeDirectory { path, last } => change_directory(context, path, *last),
            Self::DropCapabilities(sets) => credentials::apply(sets),
            Self::NoNewPrivileges => {
                rustix::thread::set_no_new_privs(true).naming(|| "setting no_new_privs")
            }
            Self::DieWithParent => {
                let signal = Some(rustix::process::Signal::KILL);
                rustix::process::set_parent_process_death_signal(signal)
                    .naming(|| "setting the parent death signal")
            }
        }
    }

    /// Whether a failure reads as one of the container's init: what comes
    /// after belongs to the process that was asked for.
    pub(crate) fn is_init(&self) -> bool {
        !matches!(
            self,
            Self::SetLimits(_)
                | Self::SetUmask(_)
                | Self::ChangeUser(_)
                | Self::ChangeDirectory { .. }
                | Self::DropCapabilities(_)
                | Self::NoNewPrivileges
        )
    }
}

impl Context {
    fn root(&self) -> Result<BorrowedFd<'static>, Failure> {
        self.root
            .ok_or(rustix::io::Errno::BADF)
            .naming(|| "root filesystem")
    }
}

/// Hooks that run in the container's namespaces, and the container they are of.
#[derive(Debug)]
pub(crate) struct ContainerHooks {
    pub(crate) list: HookList,
    pub(crate) id: String,
    pub(crate) bundle: PathBuf,
    pub(crate) annotations: Option<HashMap<String, String>>,
}

impl ContainerHooks {
    /// Runs them.
    pub(crate) fn run(&self, status: Status, pid: Option<i32>) -> Result<(), Failure> {
        let state = State {
            oci_version: OCI_VERSION,
            id: &self.id,
            status,
            pid: pid.unwrap_or(0),
            bundle: &self.bundle,
            annotations: self.annotations.as_ref(),
        };
        // The set-up's mask is 0, so that it can give exact modes.
        let mask = umask(Mode::from_raw_mode(0o022));
        let result = self.list.run(&state.json());
        umask(mask);
        result.map_err(|error| Failure::new(FailureKind::Other, error.to_string()))
    }
}

/// Ends this process when the parent is gone.
fn await_parent(context: &Context) -> Result<(), Failure> {
    if handshake::wait_for_go(context.socket).naming(|| "waiting for the parent")? {
        Ok(())
    } else {
        sys::exit(1)
    }
}

/// Its capabilities in the namespace are all there already; its ids are not yet.
fn become_root() -> Result<(), Failure> {
    sys::set_group(0).naming(|| "setgid to the user namespace's root")?;
    sys::set_user(0).naming(|| "setuid to the user namespace's root")
}

/// The host's proc, still in sight, shows the pid that the host knows.
fn note_pid(context: &mut Context) -> Result<(), Failure> {
    let title = || "reading /proc/self";
    let link = rustix::fs::readlink("/proc/self", Vec::new()).naming(title)?;
    let number = link.to_str().ok().and_then(|text| text.parse().ok());
    context.host_pid = Some(number.ok_or(rustix::io::Errno::INVAL).naming(title)?);
    Ok(())
}

/// A task that writes 0 moves itself, which spares the kernel's wait for all
/// processors that a move from outside costs.
fn join_cgroup(tasks: &[OwnedFd]) -> Result<(), Failure> {
    for file in tasks {
        rustix::io::write(file, b"0").naming(|| "joining the cgroup")?;
    }
    Ok(())
}

fn join_process(process: BorrowedFd<'_>, kinds: i32) -> Result<(), Failure> {
    let kinds = rustix::thread::ThreadNameSpaceType::from_bits_retain(kinds.cast_unsigned());
    rustix::thread::move_into_thread_name_spaces(process, kinds)
        .naming(|| "joining the container's namespaces")
}

/// Without a keyring of its own the container would find the caller's keys, so
/// that a used up quota is a failure. No name: the kernel would join a keyring
/// of that name that somebody else made and left open.
fn new_keyring() -> Result<(), Failure> {
    match sys::new_session_keyring() {
        Ok(()) => Ok(()),
        // There are none, or a filter that the container inherits refuses them.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => Ok(()),
        Err(error) => Err(error).naming(|| "joining a new session keyring"),
    }
}

fn open_terminal(
    context: &mut Context,
    size: WindowSize,
    owner: u32,
    on_console: bool,
) -> Result<(), Failure> {
    let root;
    let top = match context.root {
        Some(root) => root,
        // Inside a running container its root is this process's already.
        None => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            root = rustix::fs::open("/", flags, Mode::empty()).naming(|| "open /")?;
            root.as_fd()
        }
    };
    let terminal = terminal::Terminal::open(top, size, owner)?;
    if on_console {
        terminal.mount_on_console(top)?;
    }
    handshake::send_console(context.socket, terminal.master.as_fd())
        .naming(|| "sending the terminal")?;
    context.terminal = Some(terminal.slave);
    Ok(())
}

fn make_directory(root: BorrowedFd<'_>, path: &Path) -> Result<(), Failure> {
    in_root::mkdir_all(root, path, DIRECTORY_MODE)
        .map(drop)
        .naming(|| format!("mkdir {}", path.display()))
}

fn place_stdio(context: &mut Context, owner: u32) -> Result<(), Failure> {
    let title = || "placing standard streams";
    if let Some(terminal) = &context.terminal {
        return terminal::take_over(terminal.as_fd()).naming(|| "taking over the terminal");
    }
    for (number, stream) in (0..).zip(context.stdio.iter().flatten()) {
        sys::duplicate_to(*stream, number, false).naming(title)?;
        terminal::give_pipe_to(*stream, owner);
    }
    Ok(())
}

/// Closed now and not on exec: a working directory or a program given as
/// /proc/self/fd/N must not find the host there.
fn close_descriptors(context: &mut Context) -> Result<(), Failure> {
    const FIRST: i32 = 3;
    let title = || "closing descriptors";
    context.terminal = None;
    context.root = None;
    context.stdio = None;
    let preserved = i32::try_from(context.preserved)
        .map_err(|_| rustix::io::Errno::BADF)
        .naming(title)?;
    let mut next = FIRST + preserved;
    // Out of the way of the numbers that they shall have.
    let connections = [Some(context.socket), context.listener];
    let open = connections.into_iter().flatten();
    let open: Vec<_> = open.chain(context.labels.iter().copied()).collect();
    let above = i32::try_from(open.len()).map_or(i32::MAX, |count| next + count);
    let mut kept = Vec::with_capacity(open.len());
    for fd in open {
        let copy = rustix::io::fcntl_dupfd_cloexec(fd, above).naming(title)?;
        kept.push(sys::borrow_number(copy.into_raw_fd()));
    }
    for fd in &mut kept {
        sys::duplicate_to(*fd, next, true).naming(title)?;
        *fd = sys::borrow_number(next);
        next += 1;
    }
    let mut kept = kept.into_iter();
    if let Some(socket) = kept.next() {
        context.socket = socket;
    }
    context.listener = context.listener.and_then(|_| kept.next());
    context.labels = kept.collect();
    sys::close_from(next.cast_unsigned()).naming(title)?;
    // What the caller did not give, but this runtime opened there.
    for number in FIRST..FIRST + preserved {
        sys::close_private(number);
    }
    Ok(())
}

/// Tried before and after the change of user: each may be allowed where the
/// other is not.
fn change_directory(context: &mut Context, path: &Path, last: bool) -> Result<(), Failure> {
    use rustix::io::Errno;
    if context.in_directory {
        return Ok(());
    }
    match rustix::process::chdir(path) {
        Ok(()) => context.in_directory = true,
        Err(Errno::ACCESS | Errno::PERM) if !last => return Ok(()),
        Err(error) => {
            let error = io::Error::from(error);
            let what = format!(
                "chdir to cwd ({:?}) set in config.json failed: {}",
                path.display().to_string(),
                reason(&error)
            );
            return Err(Failure::new(FailureKind::of_exec(&error), what));
        }
    }
    // A directory outside of the root has no path here; the kernel says so by
    // a path that does not start with a slash.
    let inside = rustix::process::getcwd(Vec::new())
        .is_ok_and(|path| path.to_bytes().first() == Some(&b'/'));
    if inside {
        Ok(())
    } else {
        Err(Failure::new(
            FailureKind::Other,
            "current working directory is outside of container mount namespace root -- \
             possible container breakout detected"
                .to_owned(),
        ))
    }
}
