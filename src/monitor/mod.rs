//! The monitor: one small process a container, its parent and its keeper.
//!
//! It is our own binary under the name `rbox-monitor`, started by the client
//! with one end of a socket as stdin; the container's lock, its stdout from then
//! on, comes through that. It never touches the client's terminal and outlives
//! the client.
//!
//! ```text
//!  employment ─▶ Start request ─▶ start (rootfs, leases, process, network) ─▶ supervise ─▶ teardown
//!                       │ failure: undo the journal, record why
//!                                       supervise ⇄ restart, where its policy says so
//! ```

pub mod attachment;
pub mod configuration;
mod employment;
pub mod files;
pub mod freeze;
mod happened;
pub mod health;
pub mod hub;
mod image_mounts;
pub mod init;
pub mod kernel;
pub mod live_network;
pub mod log_file;
pub mod network;
pub mod patience;
pub mod ports;
mod probe;
pub mod reload;
pub mod restart;
pub mod serve;
pub mod start;
pub mod supervise;
pub mod teardown;
pub mod update;

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use rbox_timing::Part;
use rustix::fs::Mode;

use crate::engine::Engine;
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::protocol::{Frame, Request};
use employment::Employed;

/// Entry point; `arguments` are the roots, the container's id and the path of
/// our binary.
pub fn main(arguments: &[OsString]) -> ExitCode {
    // A lock or a pipe that the user's shell had open is not ours to keep.
    if let Err(error) = rbox_runtime::process::inherited::close() {
        eprintln!("rbox-monitor: close inherited descriptors: {error}");
    }
    rbox_timing::join_by_environment(Part::Monitor);
    rbox_timing::mark("main");
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rbox-monitor: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[OsString]) -> Result<(), Failure> {
    let [root, run_root, id, program] = arguments else {
        return Err(Failure::new("started without its arguments"));
    };
    let id = id.to_string_lossy().into_owned();
    let dirs = Dirs {
        root: PathBuf::from(root),
        run_root: PathBuf::from(run_root),
    };
    // Out of the client's session: its terminal's signals are not for us.
    let _ = rustix::process::setsid();
    let _ = std::env::set_current_dir("/");
    // Files that the container's users read must not depend on the client's mask.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let mut client = UnixStream::from(
        std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .context(|| "take the client's socket".into())?,
    );
    // Nothing is made as long as there may be no container: what is missing, the client makes.
    let engine = Engine::open_to_look(dirs);
    let employed = employment::wait(&client).context(|| "wait for the container".into())?;
    let Some(Employed { prepared, binary }) = employed else {
        // It was not to be.
        return Ok(());
    };
    let request = Frame::read(&mut client).context(|| "read the request".into())?;
    rbox_timing::mark("request read");
    let Some(Frame::Request(Request::Start {
        attach,
        size,
        bound,
        secrets,
    })) = request
    else {
        return Err(Failure::new("the client asked for nothing"));
    };
    let engine = engine?;
    let asked = start::Asked {
        size,
        stdin_attached: attach.is_some_and(|streams| streams.stdin),
        program: PathBuf::from(program),
        secrets,
    };
    let client = supervise::First {
        stream: client,
        attach,
        bound,
    };
    let ended = match start::start(engine, &id, &asked, prepared) {
        Ok(live) => supervise::run(live, client, &asked),
        Err(failure) => {
            let _ = Frame::Failed(failure).write(&mut &client.stream);
            Ok(())
        }
    };
    drop(binary);
    ended
}
