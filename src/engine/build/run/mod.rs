//! One `RUN`: a process in a container on the layers so far; what it wrote becomes a layer.
//!
//! ```text
//!  RunStep ──places──▶ ContainerRequest ──create──▶ record ──▶ monitor ──▶ container
//!     │  a thread in a mount namespace of its own:                │ output, exit code
//!     │  binds of stages, tmpfs with secrets                      ▼
//!     └─▶ upper ◀───────────────── stubs and what is as before taken out ──▶ layer
//! ```
//!
//! The container lives as long as the connection to its monitor: when the build is cancelled, or
//! its process dies, the monitor kills and removes it. What the step has mounted lives in the
//! namespace that the thread and the monitor share, so nothing can be left mounted. The writable
//! directory is not the container's but the build's, which is why it outlives the container.

pub mod cache;
mod cancel;
mod container;
mod places;
mod step;
mod stream;
mod stubs;
mod tidy;

pub use cancel::Cancel;
pub use step::{
    Limits, MountSource, RunStep, SecretVariable, Sharing, StepMount, StepNetwork, Tree,
};

use std::thread;

use rbox_images::{Layer, Workspace};

use crate::engine::Engine;
use crate::engine::failure::{Context, Failure};

/// Name prefix of the containers that steps run in.
pub const NAME_PREFIX: &str = "build-";

/// Label of the containers that steps run in; its value is the pid of the build.
pub const LABEL: &str = "rbox.build";

/// How a step went.
#[derive(Debug)]
pub struct Finished {
    /// Of its process.
    pub code: i32,
    /// What it wrote; none where the code is not 0.
    pub layer: Option<Layer>,
}

/// What a step's process writes: to stderr or not, and the bytes.
pub type Output<'a> = dyn Fn(bool, &[u8]) + Sync + 'a;

/// Runs one step to its end. What it writes goes below `workspace` until it is a layer.
///
/// # Errors
/// When the process could not be started (exit code 126 or 127 as of `run`), when its layer could
/// not be made, and when `cancel` says so.
pub fn run(
    engine: &Engine,
    step: &RunStep,
    workspace: &Workspace,
    cancel: &Cancel,
    output: &Output<'_>,
) -> Result<Finished, Failure> {
    // Its namespace is the thread's alone: other steps run beside it.
    thread::scope(|scope| {
        let run = || container::run(engine, step, workspace, cancel, output);
        let thread = thread::Builder::new()
            .spawn_scoped(scope, run)
            .context(|| "start a thread".into())?;
        thread
            .join()
            .unwrap_or_else(|_| Err(Failure::new("the step was given up")))
    })
}
