//! What a configuration means, as the list of operations of the child. Pure:
//! nothing is opened or made here.

mod mounts;

use std::os::fd::OwnedFd;
use std::path::Path;

use oci_spec::runtime::{Linux, Process, Spec};

use super::attribute::Attribute;
use super::credentials::Credentials;
use super::limits::Limit;
use super::operation::{ContainerHooks, Operation};
use super::terminal::WindowSize;
use crate::cgroup::HierarchyMount;
use crate::rootfs::devices;
use crate::security::capabilities::Sets;
use crate::spec::mount_options::{OptionError, Propagation};
use crate::spec::{Namespaces, NumberSet, Source, dotted_key};

/// The umask of a process whose configuration has none.
const UMASK: u32 = 0o022;

/// What the plan of a container is made from, beside its configuration.
pub(crate) struct ContainerInput<'a> {
    pub(crate) bundle: &'a Path,
    pub(crate) spec: &'a Spec,
    pub(crate) linux: &'a Linux,
    pub(crate) process: &'a Process,
    pub(crate) namespaces: &'a Namespaces<'a>,
    /// The cgroup's path in each hierarchy.
    pub(crate) cgroup: &'a str,
    /// The process has to wait until the cgroup is there.
    pub(crate) awaits_cgroup: bool,
    /// The machine's cgroup hierarchies.
    pub(crate) hierarchies: &'a [HierarchyMount],
    pub(crate) terminal: Option<WindowSize>,
    pub(crate) sets: Sets,
    pub(crate) attributes: Vec<Attribute>,
    /// The clocks of a new time namespace; `None` without one.
    pub(crate) clocks: Option<String>,
    /// The capabilities are dropped after the seccomp filter, not here.
    pub(crate) drop_later: bool,
    pub(crate) die_with_parent: bool,
    pub(crate) no_pivot: bool,
    pub(crate) no_new_keyring: bool,
    /// The parent runs hooks before the root is entered.
    pub(crate) awaits_hooks: bool,
    /// The start needs to know the pid that the host knows.
    pub(crate) notes_pid: bool,
}

/// The list for a new container. `tasks` are its cgroup v1 files, `joined` the
/// namespaces to join.
pub(crate) fn container(
    input: &ContainerInput<'_>,
    tasks: Vec<OwnedFd>,
    joined: Vec<(&'static str, OwnedFd)>,
    hooks: Option<ContainerHooks>,
) -> Result<Vec<Operation>, OptionError> {
    let ContainerInput { spec, process, .. } = *input;
    let mut list = Vec::with_capacity(48);
    let mapped = input.namespaces.user != Source::Host;
    if mapped || input.awaits_cgroup {
        list.push(Operation::AwaitParent);
    }
    if !tasks.is_empty() {
        list.push(Operation::JoinCgroup(tasks));
    }
    let mut mount_namespace = None;
    for (kind, file) in joined {
        if kind == Namespaces::MOUNT {
            mount_namespace = Some(file);
        } else {
            list.push(Operation::JoinNamespace(kind, file));
        }
    }
    if input.namespaces.cgroup == Source::New {
        list.push(Operation::NewCgroupNamespace);
    }
    if mapped {
        list.push(Operation::BecomeRoot);
    }
    list.extend(input.clocks.clone().map(Operation::EnterTimeNamespace));
    list.push(Operation::NewSession);
    if !input.no_new_keyring {
        list.push(Operation::NewKeyring);
    }
    if let Some(name) = spec.hostname().as_ref().filter(|name| !name.is_empty()) {
        list.push(Operation::SetHostname(name.clone()));
    }
    if let Some(name) = spec.domainname().as_ref().filter(|name| !name.is_empty()) {
        list.push(Operation::SetDomainname(name.clone()));
    }
    if !mapped {
        list.extend(process.oom_score_adj().map(Operation::SetOomScore));
    }
    match mount_namespace {
        // What is written to proc is done; from here on it is the other's.
        Some(file) => {
            host_part(&mut list, input, hooks);
            list.push(Operation::JoinNamespace(Namespaces::MOUNT, file));
            if let Some(size) = input.terminal {
                list.push(open_terminal(process, size, false));
            }
        }
        None => filesystem_part(&mut list, input, hooks)?,
    }
    let attributes = input.attributes.clone();
    let last = (input.sets, input.drop_later);
    process_part(&mut list, process, attributes, last, mapped);
    if input.die_with_parent {
        // After the change of user, which forgets it.
        list.push(Operation::DieWithParent);
    }
    Ok(list)
}

/// What is done at the end of the host's files: hooks, and what they may have
/// to come before (the sysctls of an interface that a hook brings).
fn host_part(list: &mut Vec<Operation>, input: &ContainerInput<'_>, hooks: Option<ContainerHooks>) {
    if input.awaits_hooks {
        list.push(Operation::AwaitHooks);
    }
    if hooks.is_some() || input.notes_pid {
        list.push(Operation::NotePid);
    }
    list.extend(hooks.map(|hooks| Operation::RunHooks(Box::new(hooks))));
    let mut sysctls: Vec<_> = input.linux.sysctl().iter().flatten().collect();
    sysctls.sort();
    for (key, value) in sysctls {
        list.push(Operation::SetSysctl(sysctl_path(key), value.clone()));
    }
}

/// What the plan of a process in a running container is made from.
pub(crate) struct ExecInput<'a> {
    pub(crate) process: &'a Process,
    /// The namespaces of its own that the container has (`CLONE_NEW*`).
    pub(crate) kinds: i32,
    /// Whether it gets a session keyring of its own.
    pub(crate) new_keyring: bool,
    pub(crate) terminal: Option<WindowSize>,
    pub(crate) attributes: Vec<Attribute>,
    /// The processors to run on once it is in the cgroup.
    pub(crate) processors: Option<NumberSet>,
    pub(crate) sets: Sets,
    /// As for a container.
    pub(crate) drop_later: bool,
}

/// The list for a process in a running container, which `target` is a pidfd of.
pub(crate) fn exec(input: ExecInput<'_>, tasks: Vec<OwnedFd>, target: OwnedFd) -> Vec<Operation> {
    let process = input.process;
    let mapped = input.kinds & libc::CLONE_NEWUSER != 0;
    let mut list = Vec::with_capacity(16);
    if !tasks.is_empty() {
        list.push(Operation::JoinCgroup(tasks));
    }
    list.push(Operation::NewSession);
    list.extend(input.processors.map(Operation::SetAffinity));
    if input.new_keyring {
        list.push(Operation::NewKeyring);
    }
    // Written while /proc is still the host's.
    list.extend(process.oom_score_adj().map(Operation::SetOomScore));
    if mapped {
        // While the privilege to raise them is there.
        list.extend(limits(process));
    }
    list.push(Operation::JoinProcess(target, input.kinds));
    if mapped {
        list.push(Operation::BecomeRoot);
    }
    if let Some(size) = input.terminal {
        list.push(open_terminal(process, size, false));
    }
    let last = (input.sets, input.drop_later);
    process_part(&mut list, process, input.attributes, last, mapped);
    list
}

/// The container's own root and everything in it.
fn filesystem_part(
    list: &mut Vec<Operation>,
    input: &ContainerInput<'_>,
    hooks: Option<ContainerHooks>,
) -> Result<(), OptionError> {
    let ContainerInput {
        spec,
        linux,
        process,
        ..
    } = *input;
    list.push(Operation::SeparateFromHost);
    list.push(Operation::AttachRoot);
    for mount in spec.mounts().iter().flatten() {
        list.push(Operation::Mount(Box::new(mounts::planned(mount, input)?)));
    }
    let devices_wanted = mounts::makes_devices(spec.mounts().as_deref().unwrap_or_default());
    if devices_wanted {
        let mut nodes = devices::defaults();
        let listed = linux.devices().as_deref().unwrap_or_default();
        nodes.retain(|node| !listed.iter().any(|other| *other.path() == node.path));
        nodes.extend(linux.devices().iter().flatten().map(mounts::device_node));
        list.push(Operation::MakeDevices(nodes));
        list.push(Operation::MakeDeviceLinks);
    }
    if let Some(size) = input.terminal {
        list.push(open_terminal(process, size, devices_wanted));
    }
    host_part(list, input, hooks);
    list.push(if input.no_pivot {
        Operation::ChangeRoot
    } else {
        Operation::PivotRoot
    });
    let propagation = linux
        .rootfs_propagation()
        .as_deref()
        .and_then(Propagation::parse);
    list.extend(propagation.map(Operation::SetPropagation));
    if process.cwd() != Path::new("/") {
        list.push(Operation::MakeWorkingDirectory(process.cwd().clone()));
    }
    if spec
        .root()
        .as_ref()
        .and_then(|root| root.readonly())
        .unwrap_or(false)
    {
        list.push(Operation::MakeRootReadOnly);
    }
    if let Some(paths) = linux
        .readonly_paths()
        .as_ref()
        .filter(|paths| !paths.is_empty())
    {
        list.push(Operation::ProtectPaths(paths.clone()));
    }
    if let Some(paths) = linux
        .masked_paths()
        .as_ref()
        .filter(|paths| !paths.is_empty())
    {
        list.push(Operation::HidePaths(paths.clone()));
    }
    Ok(())
}

fn open_terminal(process: &Process, size: WindowSize, on_console: bool) -> Operation {
    Operation::OpenTerminal {
        size,
        owner: process.user().uid(),
        on_console,
    }
}

/// What every process needs, once it is inside. `last` are the sets and whether
/// they are for later. Somebody else sets the limits of one that is `limited`.
fn process_part(
    list: &mut Vec<Operation>,
    process: &Process,
    attributes: Vec<Attribute>,
    (sets, drop_later): (Sets, bool),
    limited: bool,
) {
    let user = process.user();
    list.push(Operation::PlaceStdio { owner: user.uid() });
    list.push(Operation::CloseDescriptors);
    if !limited {
        list.extend(limits(process));
    }
    list.extend(attributes.into_iter().map(Operation::SetAttribute));
    list.push(Operation::SetUmask(user.umask().unwrap_or(UMASK)));
    let path = process.cwd();
    list.push(Operation::ChangeDirectory {
        path: path.clone(),
        last: false,
    });
    list.push(Operation::ChangeUser(Box::new(Credentials {
        uid: user.uid(),
        gid: user.gid(),
        groups: user.additional_gids().clone().unwrap_or_default(),
        sets,
    })));
    list.push(Operation::ChangeDirectory {
        path: path.clone(),
        last: true,
    });
    if !drop_later {
        list.push(Operation::DropCapabilities(sets));
    }
    if process.no_new_privileges().unwrap_or(false) {
        list.push(Operation::NoNewPrivileges);
    }
}

fn limits(process: &Process) -> Option<Operation> {
    let limits = process.rlimits().as_ref()?;
    let limits: Vec<_> = limits.iter().map(Limit::from).collect();
    (!limits.is_empty()).then_some(Operation::SetLimits(limits))
}

/// `net.ipv4.conf.eth0/1.forwarding` → `net/ipv4/conf/eth0.1/forwarding`.
fn sysctl_path(key: &str) -> String {
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    };
    dotted_key(key).chars().map(swap).collect()
}

#[cfg(test)]
mod tests;
