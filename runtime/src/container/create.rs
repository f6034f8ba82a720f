//! A new container.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use oci_spec::runtime::{LinuxResources, Spec};

use super::created::Created;
use super::errors::CreateError;
use super::{Stdio, namespaces};
use crate::cgroup::{self, Cgroup, JoinTarget};
use crate::process::child::Setup;
use crate::process::command::Command;
use crate::process::operation::Operation;
use crate::process::plan::{self, ContainerInput};
use crate::process::spawn::{self, PidNamespace};
use crate::process::sys;
use crate::rootfs::{bind, mounts};
use crate::security::{capabilities::Sets, seccomp};
use crate::spec::{Namespaces, Source, ValidateError, validate};

/// What a container is made from.
#[derive(Debug)]
pub struct CreateRequest<'a> {
    /// Its id; names the cgroup when the configuration names none.
    pub id: &'a str,
    /// The directory that a relative `root.path` is in.
    pub bundle: &'a Path,
    /// The configuration.
    pub spec: &'a Spec,
    /// A detached mount to use as `/` instead of `root.path`. Neither is used,
    /// and nothing is mounted, when the configuration joins a mount namespace.
    pub rootfs: Option<OwnedFd>,
    /// The standard streams.
    pub stdio: Stdio,
    /// Whether the container is killed when the caller dies.
    pub die_with_parent: bool,
}

/// Checks the whole configuration, makes and limits the cgroup, and starts the
/// child, which sets itself up while this returns.
///
/// # Errors
/// [`CreateError`]; nothing is left behind.
pub fn create(request: CreateRequest<'_>) -> Result<Created, CreateError> {
    let spec = request.spec;
    validate(spec)?;
    let linux = spec
        .linux()
        .as_ref()
        .ok_or(ValidateError::Missing("linux"))?;
    let process = spec
        .process()
        .as_ref()
        .ok_or(ValidateError::Missing("process"))?;
    let namespaces =
        Namespaces::of(linux).map_err(|kind| ValidateError::RepeatedNamespace(kind.to_string()))?;
    let no_new_privileges = process.no_new_privileges().unwrap_or(false);
    let seccomp = linux.seccomp().as_ref().map(seccomp::compile).transpose()?;
    refuse_listener(seccomp.as_ref())?;
    let sets = process
        .capabilities()
        .as_ref()
        .map(Sets::from_spec)
        .transpose()?;
    let sets = sets.unwrap_or_default();
    let drop_later = seccomp.is_some() && !no_new_privileges;
    let joined = namespaces::open_joined(&namespaces)?;
    let pid_namespace = namespaces::open_pid(&namespaces)?;
    let root = match (request.rootfs, namespaces.mount) {
        // The root of a mount namespace that is joined stays what it is.
        (_, Source::Path(_)) => None,
        (Some(root), _) => Some(root),
        (None, _) => Some(bundle_root(request.bundle, spec)?),
    };
    let (stdio, terminal) = request.stdio.split();

    let path = cgroup_path(spec, request.id);
    let none = LinuxResources::default();
    let cgroup = Cgroup::create(&path, linux.resources().as_ref().unwrap_or(&none))?;
    let started = (|| {
        let JoinTarget { unified, tasks } = cgroup.join_target()?;
        let hierarchies = cgroup::hierarchies()?;
        let input = ContainerInput {
            spec,
            linux,
            process,
            namespaces: &namespaces,
            cgroup: cgroup.path(),
            hierarchies: &hierarchies,
            terminal,
            sets,
            drop_later,
            die_with_parent: request.die_with_parent,
        };
        let mut operations = plan::container(&input, tasks, joined)?;
        mounts::open_sources(
            operations
                .iter_mut()
                .filter_map(|operation| match operation {
                    Operation::Mount(mount) => Some(&mut **mount),
                    _ => None,
                }),
        )?;
        let setup = Setup {
            operations,
            command: Command::new(
                process.args().as_deref().unwrap_or_default(),
                process.env().as_deref().unwrap_or_default(),
            ),
            waits: true,
            seccomp,
            drop_after_filter: drop_later.then_some(sets),
            raise_for_filter: process.user().uid() != 0,
            root,
            stdio,
        };
        let pid = match &pid_namespace {
            Some(file) => PidNamespace::File(file.as_fd()),
            None => PidNamespace::ByFlags,
        };
        let unified = unified.as_ref().map(AsFd::as_fd);
        spawn::start(&setup, namespaces.clone_flags(), unified, pid)
            .map_err(CreateError::process("clone3"))
    })();
    match started {
        Ok(started) => Ok(Created::new(started, cgroup)),
        Err(error) => {
            // The first error is the one to tell.
            let _ = cgroup.delete();
            Err(error)
        }
    }
}

/// The bundle's root directory as a detached mount of its own.
fn bundle_root(bundle: &Path, spec: &Spec) -> Result<OwnedFd, CreateError> {
    let root = spec.root().as_ref().ok_or(ValidateError::Missing("root"))?;
    let path = bundle.join(root.path());
    let follows = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.rootfs_propagation().as_deref())
        .is_some_and(|name| name.contains("slave") || name.contains("shared"));
    let propagation = if follows {
        libc::MS_SLAVE
    } else {
        libc::MS_PRIVATE
    };
    let attributes = sys::MountAttributes {
        propagation,
        ..sys::MountAttributes::default()
    };
    bind::clone_tree(&path, true)
        .and_then(|tree| {
            sys::set_mount_attributes(tree.as_fd(), attributes, true)?;
            let kind = rustix::fs::fstat(&tree)?.st_mode & libc::S_IFMT;
            if kind == libc::S_IFDIR {
                Ok(tree)
            } else {
                Err(rustix::io::Errno::NOTDIR.into())
            }
        })
        .map_err(|source| CreateError::Rootfs { path, source })
}

/// The cgroup's path in each hierarchy.
fn cgroup_path(spec: &Spec, id: &str) -> String {
    let path = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.cgroups_path().as_ref());
    match path.map(|path| path.to_string_lossy()) {
        Some(path) if !path.is_empty() => format!("/{}", path.trim_start_matches('/')),
        _ => format!("/rbox/{id}"),
    }
}

/// Whoever listens for a filter's notifications has to be told its descriptor.
pub(super) fn refuse_listener(program: Option<&seccomp::Program>) -> Result<(), ValidateError> {
    match program {
        Some(program) if program.notifies() => Err(ValidateError::Unsupported(
            "seccomp action SCMP_ACT_NOTIFY".to_owned(),
        )),
        _ => Ok(()),
    }
}
