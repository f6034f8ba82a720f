//! The child's way from clone3 to execve.

use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, set_dumpable_behavior, umask};

use super::command::{Command, exec_failure};
use super::operation::{ContainerHooks, Context, Operation};
use super::{Failure, FailureKind, Naming, credentials, handshake, stage, sys};
use crate::container::Status;
use crate::security::{capabilities::Sets, lsm::ExecLabel, seccomp};

/// What a child that reported its failure exits with; nobody looks at it.
const FAILED: i32 = 1;

/// Everything that a child needs, made by its parent.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) operations: Vec<Operation>,
    pub(crate) command: Command,
    /// When to execute the program.
    pub(crate) start: Start,
    /// Hooks to run right before that, in the container.
    pub(crate) start_hooks: Option<ContainerHooks>,
    /// How many descriptors after the standard ones the program inherits.
    pub(crate) preserved: u32,
    /// Labels of the kernel's security modules.
    pub(crate) labels: Vec<ExecLabel>,
    pub(crate) seccomp: Option<seccomp::Program>,
    /// Sets to apply after the filter, which needs CAP_SYS_ADMIN without
    /// no_new_privs; with it they are among the operations.
    pub(crate) drop_after_filter: Option<Sets>,
    /// Whether that privilege is permitted only, after a change of user.
    pub(crate) raise_for_filter: bool,
    /// The container's root, detached; `None` inside a running container.
    pub(crate) root: Option<OwnedFd>,
    /// Standard streams; `None` for a terminal.
    pub(crate) stdio: Option<[OwnedFd; 3]>,
}

/// What a child waits for between set-up and exec.
#[derive(Debug)]
pub(crate) enum Start {
    /// Nothing.
    AtOnce,
    /// The parent's word.
    OnWord,
    /// The parent's word that the container is kept; then that of whoever
    /// connects to this socket and says it.
    OnConnection(OwnedFd),
}

/// Runs in the child. Owns nothing and drops nothing: all descriptors belong to
/// the parent's copy of `setup`, and are closed by number.
pub(crate) fn main(setup: &Setup, socket: &OwnedFd) -> Infallible {
    rbox_timing::speak_as(rbox_timing::Part::Process);
    rbox_timing::mark("born");
    let mut context = Context {
        socket: borrow(socket.as_fd()),
        root: setup.root.as_ref().map(|root| borrow(root.as_fd())),
        listener: None,
        preserved: setup.preserved,
        host_pid: None,
        stdio: None,
        terminal: None,
        labels: Vec::new(),
        in_directory: false,
    };
    let Err(failure) = run(setup, &mut context);
    // If even this fails the parent reads the end of the socket.
    let _ = handshake::send_failure(context.socket, &failure);
    sys::exit(FAILED)
}

fn run(setup: &Setup, context: &mut Context) -> Result<Infallible, Failure> {
    sys::reset_signals();
    umask(Mode::empty());
    // Processes of a container that is being joined must not trace this one
    // while it still has the host in its hands. Exec makes it dumpable again.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).naming(|| "prctl PR_SET_DUMPABLE")?;
    clear_standard_numbers(setup, context)?;
    for label in &setup.labels {
        let file = sys::borrow_number(label.open()?.into_raw_fd());
        context.labels.push(above_standard(file)?);
    }
    for (index, operation) in setup.operations.iter().enumerate() {
        operation.run(context).map_err(|failure| {
            if !matches!(setup.start, Start::AtOnce) && operation.is_init() {
                let message = format!("error during container init: {}", failure.message);
                Failure { message, ..failure }
            } else {
                failure
            }
        })?;
        stage::mark(&setup.operations, index);
    }
    let path = setup.command.find()?;
    rbox_timing::mark("program found");
    wait_for_start(setup, context)?;
    rbox_timing::mark("told to start");
    for (label, file) in setup.labels.iter().zip(&context.labels) {
        label.request(*file)?;
    }
    install_filter(setup, context)?;
    rbox_timing::mark("seccomp filter installed");
    // Their programs are the image's: they have no more rights than it.
    if let Some(hooks) = &setup.start_hooks {
        hooks.run(Status::Created, context.host_pid)?;
    }
    let (args, env) = setup.command.strings();
    let error = sys::execve(&path, args, env);
    Err(exec_failure(&path, &error))
}

/// Reports that all is done, and waits for the start. Whoever started it, by a
/// connection, is told over that how it went.
fn wait_for_start(setup: &Setup, context: &mut Context) -> Result<(), Failure> {
    if matches!(setup.start, Start::AtOnce) {
        return Ok(());
    }
    handshake::send_ready(context.socket).naming(|| "reporting to the parent")?;
    if !handshake::wait_for_go(context.socket).naming(|| "waiting for the parent")? {
        sys::exit(FAILED);
    }
    let Some(listener) = context.listener else {
        return Ok(());
    };
    loop {
        let flags = rustix::net::SocketFlags::CLOEXEC;
        let connection = match rustix::net::accept_with(listener, flags) {
            Ok(connection) => connection,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => continue,
            Err(error) => return Err(error).naming(|| "waiting for the start"),
        };
        // One that only looked whether somebody waits here says nothing.
        if handshake::wait_for_go(connection.as_fd()).unwrap_or(false) {
            // Open until exec closes it, or the report of a failure is sent.
            context.socket = sys::borrow_number(connection.into_raw_fd());
            return Ok(());
        }
    }
}

/// The filter comes as late as possible: it need not allow what the set-up
/// does, only execve, capset where its privilege is dropped after it, what
/// hooks inside take, and sendmsg where it asks somebody.
fn install_filter(setup: &Setup, context: &Context) -> Result<(), Failure> {
    if let Some(program) = &setup.seccomp {
        if setup.drop_after_filter.is_some() && setup.raise_for_filter {
            credentials::raise_permitted()?;
        }
        let listener = program.install().map_err(|error| {
            Failure::new(
                FailureKind::Other,
                format!("unable to init seccomp: {error}"),
            )
        })?;
        if let Some(listener) = listener {
            handshake::send_listener(context.socket, listener.as_fd())
                .naming(|| "handing the seccomp listener over")?;
        }
    }
    setup
        .drop_after_filter
        .as_ref()
        .map_or(Ok(()), credentials::apply)
}

/// Moves descriptors away from 0, 1 and 2, where the parent may have had none
/// open and got them: placing the streams would overwrite them.
fn clear_standard_numbers(setup: &Setup, context: &mut Context) -> Result<(), Failure> {
    context.socket = above_standard(context.socket)?;
    if let Start::OnConnection(listener) = &setup.start {
        context.listener = Some(above_standard(listener.as_fd())?);
    }
    if let Some([stdin, stdout, stderr]) = &setup.stdio {
        context.stdio = Some([
            above_standard(stdin.as_fd())?,
            above_standard(stdout.as_fd())?,
            above_standard(stderr.as_fd())?,
        ]);
    }
    Ok(())
}

fn above_standard(fd: BorrowedFd<'_>) -> Result<BorrowedFd<'static>, Failure> {
    use std::os::fd::AsRawFd;
    if fd.as_raw_fd() > 2 {
        return Ok(borrow(fd));
    }
    let copy = rustix::io::fcntl_dupfd_cloexec(fd, 3).naming(|| "moving descriptors")?;
    Ok(sys::borrow_number(copy.into_raw_fd()))
}

/// The parent's owners never run in this process.
fn borrow(fd: BorrowedFd<'_>) -> BorrowedFd<'static> {
    use std::os::fd::AsRawFd;
    sys::borrow_number(fd.as_raw_fd())
}
