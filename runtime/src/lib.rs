//! An OCI bundle becomes an isolated process.
//!
//! ```text
//!  Spec ──validate──▶ plan: Vec<Operation> ──clone3──▶ child runs the list, in order
//!                                            │             │ Ready(console) / Failed(step, object)
//!  create() ── cgroup, seccomp program ──────┘             ▼
//!  Created::wait_ready() ◀──────────── socketpair ───── waits
//!  Created::start()      ───────────── Go ────────────▶ execve (the socket closes: it runs)
//! ```
//!
//! The crate knows no image and no network. Everything that it takes from a
//! root filesystem is hostile: paths inside one are resolved by the kernel
//! (openat2 with RESOLVE_IN_ROOT) and used through descriptors only.

pub mod cgroup;
pub mod container;
pub mod lifecycle;
pub mod process;
pub mod rootfs;
pub mod security;
pub mod spec;

pub use container::{
    CreateError, CreateRequest, Created, EarlyCgroup, ExecError, ExecProcess, ExecRequest,
    ExecStarted, FailureKind, Running, StartError, Stdio, create, exec, exec_begin,
};
