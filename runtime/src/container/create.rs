//! A new container.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, LinuxSeccomp, Process, Spec};

use super::created::{Created, Later};
use super::early_cgroup::EarlyCgroup;
use super::errors::CreateError;
use super::group::Group;
use super::user_namespace::{self, IdMaps};
use super::{State, Status, Stdio, hooks, namespaces};
use crate::cgroup::{self, JoinTarget};
use crate::process::attribute;
use crate::process::child::{Setup, Start};
use crate::process::command::Command;
use crate::process::handshake;
use crate::process::limits::Limit;
use crate::process::operation::Operation;
use crate::process::plan::{self, ContainerInput};
use crate::process::spawn::{self, Birth, PidNamespace};
use crate::process::{sys, time_namespace};
use crate::rootfs::{bind, mounts};
use crate::security::seccomp::{self, Listener};
use crate::security::{capabilities::Sets, lsm};
use crate::spec::{Namespaces, Source, ValidateError, validate, validate_shared};

/// What a container is made from. [`CreateRequest::new`] has the defaults.
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
    /// Detached mounts, each by the source that a bind of the configuration
    /// names: it is attached as it is, and nothing is looked up.
    pub trees: Vec<(PathBuf, OwnedFd)>,
    /// The standard streams.
    pub stdio: Stdio,
    /// Whether the container is killed when the caller dies.
    pub die_with_parent: bool,
    /// A listening seqpacket socket at which the container waits for its start,
    /// once the caller has let it go by [`Created::leave`].
    pub starter: Option<OwnedFd>,
    /// Whether to change the root without pivot_root, which a ramdisk as the
    /// host's root does not allow.
    pub no_pivot: bool,
    /// Whether to stay in the caller's session keyring.
    pub no_new_keyring: bool,
    /// How many descriptors from 3 on the container inherits.
    pub preserved: u32,
    /// Whether systemd makes the cgroup, as `cgroupsPath` `slice:prefix:name` says.
    pub systemd_cgroup: bool,
    /// The cgroup of the configuration, where it was begun before.
    pub cgroup: Option<EarlyCgroup>,
}

impl<'a> CreateRequest<'a> {
    /// A container on its bundle's own root.
    pub fn new(id: &'a str, bundle: &'a Path, spec: &'a Spec, stdio: Stdio) -> Self {
        Self {
            id,
            bundle,
            spec,
            rootfs: None,
            trees: Vec::new(),
            stdio,
            die_with_parent: false,
            starter: None,
            no_pivot: false,
            no_new_keyring: false,
            preserved: 0,
            systemd_cgroup: false,
            cgroup: None,
        }
    }
}

/// Checks the whole configuration, makes and limits the cgroup, and starts the
/// child, which sets itself up while this returns.
///
/// # Errors
/// [`CreateError`]; nothing is left behind.
pub fn create(request: CreateRequest<'_>) -> Result<Created, CreateError> {
    let spec = request.spec;
    validate(spec)?;
    let (linux, process) = parts(spec)?;
    let namespaces =
        Namespaces::of(linux).map_err(|kind| ValidateError::RepeatedNamespace(kind.to_string()))?;
    let no_new_privileges = process.no_new_privileges().unwrap_or(false);
    let seccomp = linux.seccomp().as_ref().map(seccomp::compile).transpose()?;
    let listener = listener(linux.seccomp().as_ref(), seccomp.as_ref())?;
    let fresh = namespaces.user != Source::Host;
    let (sets, left_out) = match process.capabilities() {
        Some(capabilities) => Sets::from_spec(capabilities, fresh)?,
        None => Default::default(),
    };
    let drop_later = seccomp.is_some() && !no_new_privileges;
    let modules = lsm::Modules::running(process, Some(linux));
    modules.check_mount_label(linux)?;
    let labels = modules.labels(process)?;
    let joined = namespaces::open(&namespaces)?;
    validate_shared(spec, &namespaces::effective(&namespaces))?;
    let root = match (request.rootfs, namespaces.mount) {
        // The root of a mount namespace that is joined stays what it is.
        (_, Source::Path(_)) => None,
        (Some(root), _) => Some(root),
        (None, _) => Some(bundle_root(request.bundle, spec)?),
    };
    let (stdio, terminal) = request.stdio.split();
    let maps = (namespaces.user == Source::New).then(|| IdMaps::of(linux));

    rbox_timing::mark("configuration checked, filter compiled");
    let group = Group::prepare(spec, request.id, request.systemd_cgroup, request.cgroup)?;
    rbox_timing::mark("cgroups made");
    let born = (|| {
        let JoinTarget { unified, tasks } = group.join_target()?;
        let hierarchies = cgroup::hierarchies()?;
        let container_hooks = hooks::in_container(request.id, request.bundle, spec);
        let input = ContainerInput {
            bundle: request.bundle,
            spec,
            linux,
            process,
            namespaces: &namespaces,
            cgroup: group.path(),
            awaits_cgroup: group.comes_later(),
            hierarchies: &hierarchies,
            terminal,
            sets,
            attributes: attribute::attributes(process, Some(linux))?,
            clocks: clocks(linux, &namespaces)?,
            drop_later,
            die_with_parent: request.die_with_parent,
            no_pivot: request.no_pivot,
            no_new_keyring: request.no_new_keyring,
            awaits_hooks: hooks::any_of_runtime(spec),
            notes_pid: container_hooks.start.is_some(),
        };
        let mut operations =
            plan::container(&input, tasks, joined.by_child, container_hooks.create)?;
        mounts::open_sources(
            request.trees,
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
            start: request.starter.map_or(Start::OnWord, Start::OnConnection),
            start_hooks: container_hooks.start,
            preserved: request.preserved,
            labels,
            seccomp,
            drop_after_filter: drop_later.then_some(sets),
            raise_for_filter: process.user().uid() != 0,
            root,
            stdio,
        };
        let birth = Birth {
            flags: namespaces.clone_flags(),
            cgroup: unified.as_ref().map(AsFd::as_fd),
            pid: match &joined.pid {
                Some(file) => PidNamespace::File(file.as_fd()),
                None => PidNamespace::ByFlags,
            },
            through: &joined.through,
        };
        rbox_timing::mark("process planned");
        let started = spawn::start(&setup, &birth)?;
        rbox_timing::mark("process cloned");
        let pid = started.child.pid;
        let around = group.around(request.id, pid).and_then(|cgroup| {
            let mapped = match fresh {
                true => map_ids(pid, maps.as_ref(), &setup, process),
                false => Ok(()),
            };
            let told = mapped.and_then(|()| match fresh || group.comes_later() {
                true => handshake::send_go(started.socket.as_fd())
                    .map_err(CreateError::process("talking to the container's process")),
                false => Ok(()),
            });
            match told {
                Ok(()) => Ok(cgroup),
                Err(error) => {
                    started.child.kill();
                    // The first error is the one to tell.
                    let _ = cgroup.delete();
                    Err(error)
                }
            }
        });
        match around {
            Ok(cgroup) => Ok((started, cgroup)),
            Err(error) => {
                started.child.kill_and_reap();
                Err(error)
            }
        }
    })();
    match born {
        Ok((started, cgroup)) => {
            let pid = started.child.pid;
            let state = State::new(request.id, request.bundle, spec, Status::Creating, pid);
            let later = Later {
                hooks: hooks::of_runtime(request.bundle, spec),
                state: state.json(),
                limits: late_limits(&namespaces, process),
                listener,
            };
            let warnings = warnings(&left_out);
            Ok(Created::new(started, cgroup, later, warnings))
        }
        Err(error) => {
            group.undo();
            Err(error)
        }
    }
}

/// What the container does not get and the specification wants told.
pub(super) fn warnings(capabilities: &[&str]) -> Vec<String> {
    if capabilities.is_empty() {
        return Vec::new();
    }
    let list = capabilities.join(" ");
    vec![format!(
        "ignoring unknown or unavailable capabilities: [{list}]"
    )]
}

fn parts(spec: &Spec) -> Result<(&Linux, &Process), ValidateError> {
    let linux = spec.linux().as_ref();
    let process = spec.process().as_ref();
    Ok((
        linux.ok_or(ValidateError::Missing("linux"))?,
        process.ok_or(ValidateError::Missing("process"))?,
    ))
}

/// Does what takes the host's privileges for a process in a user namespace.
fn map_ids(
    pid: i32,
    maps: Option<&IdMaps>,
    setup: &Setup,
    process: &Process,
) -> Result<(), CreateError> {
    let user = process.user();
    let joined;
    let maps = match maps {
        Some(maps) => {
            maps.write(pid)?;
            maps
        }
        None => {
            joined = IdMaps::of_process(pid);
            &joined
        }
    };
    maps.give_pipes(setup.stdio.iter().flatten(), user.uid(), user.gid());
    if let Some(value) = process.oom_score_adj() {
        user_namespace::set_oom_score(pid, value)?;
    }
    Ok(())
}

/// The limits that the parent sets, because a process in a user namespace may
/// not raise its own; at the end, because they may hinder the set-up.
fn late_limits(namespaces: &Namespaces<'_>, process: &Process) -> Vec<Limit> {
    match namespaces.user {
        Source::Host => Vec::new(),
        _ => process
            .rlimits()
            .iter()
            .flatten()
            .map(Limit::from)
            .collect(),
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

/// The offsets of a new time namespace; `None` without one.
fn clocks(linux: &Linux, namespaces: &Namespaces<'_>) -> Result<Option<String>, ValidateError> {
    (namespaces.time == Source::New)
        .then(|| time_namespace::offsets(linux.time_offsets().as_ref()))
        .transpose()
}

/// Checks that the kernel can do what the filter asks for; who decides what the
/// filter leaves open.
pub(super) fn listener(
    profile: Option<&LinuxSeccomp>,
    program: Option<&seccomp::Program>,
) -> Result<Option<Listener>, ValidateError> {
    program.map_or(Ok(()), seccomp::Program::check_kernel)?;
    profile.map_or(Ok(None), Listener::of)
}
