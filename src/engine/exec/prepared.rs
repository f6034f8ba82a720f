//! A process that is ready to be executed in a container: what `exec` and health checks share.

use std::path::PathBuf;

use oci_spec::runtime::{Process, Spec};
use rbox_runtime::cgroup::Cgroup;
use rbox_runtime::container::{State, Status};
use rbox_runtime::process::user::{ResolvedUser, resolve_user};
use rbox_runtime::rootfs::in_root;
use rbox_runtime::security::capabilities;
use rbox_runtime::{ExecError, Stdio};

use super::ExecRequest;
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::record::{Record, RunState};
use crate::engine::{create, json_file, links, lower};

/// Largest passwd or group file that is read from a container, bytes.
const LARGEST_FILE: usize = 1 << 20;

/// See the module.
pub struct Prepared {
    id: String,
    pid: i32,
    bundle: PathBuf,
    spec: Spec,
    process: Process,
    cgroup: Cgroup,
    unfiltered: bool,
}

impl Prepared {
    /// Puts together what `request` asks for in a container that runs.
    pub fn new(
        dirs: &Dirs,
        record: &Record,
        run: &RunState,
        request: &ExecRequest,
    ) -> Result<Prepared, Failure> {
        let id = &record.id;
        let bundle = dirs.run(id).join("bundle");
        let path = bundle.join("config.json");
        let spec: Spec = json_file::read(&path)
            .context(|| format!("read {}", path.display()))?
            .ok_or_else(|| Failure::new(format!("container {id} is not running")))?;
        // As Docker: nothing runs in a container whose links lead nowhere.
        let links = links::resolve(dirs, record)?;
        let process = process(record, run, &spec, request, &links.env)?;
        let cgroup = Cgroup::open(&run.cgroup).context(|| format!("open the cgroup of {id}"))?;
        Ok(Prepared {
            id: id.clone(),
            pid: run.pid,
            bundle,
            spec,
            process,
            cgroup,
            unfiltered: request.privileged,
        })
    }

    /// The same for the runtime, on these streams.
    pub fn request(&self, stdio: Stdio) -> rbox_runtime::ExecRequest<'_> {
        let linux = self.spec.linux().as_ref();
        let seccomp = linux.and_then(|linux| linux.seccomp().as_ref());
        rbox_runtime::ExecRequest {
            linux,
            state: Some(State::new(
                &self.id,
                &self.bundle,
                &self.spec,
                Status::Running,
                self.pid,
            )),
            seccomp: seccomp.filter(|_| !self.unfiltered),
            ..rbox_runtime::ExecRequest::new(self.pid, &self.cgroup, &self.process, stdio)
        }
    }
}

/// Docker's words for a process that could not be executed.
pub fn refused(error: &ExecError) -> Failure {
    Failure::new(format!(
        "OCI runtime exec failed: exec failed: unable to start container process: {error}: unknown"
    ))
}

/// The container's own process settings with the request's over them.
fn process(
    record: &Record,
    run: &RunState,
    spec: &Spec,
    request: &ExecRequest,
    link_env: &[String],
) -> Result<Process, Failure> {
    let mut process = spec.process().clone().unwrap_or_default();
    process
        .set_terminal(Some(request.tty))
        .set_args(Some(request.command.clone()));
    let mut env = process.env().clone().unwrap_or_default();
    // The sources may be elsewhere by now; what the user set stays.
    let set = |name: &str| {
        let own = |entry: &String| entry.split_once('=').is_some_and(|(key, _)| key == name);
        record.config.env.iter().any(own)
    };
    for (name, value) in link_env.iter().filter_map(|entry| entry.split_once('=')) {
        if !set(name) {
            create::set_env(&mut env, name, value);
        }
    }
    let given_home = has_home(&record.config.env);
    // Docker's order: what the request sets comes before the user's HOME.
    let mut home = match env.iter().position(|entry| entry.starts_with("HOME=")) {
        Some(at) if !given_home => Some(env.remove(at)),
        _ => None,
    };
    if request.tty && !env.iter().any(|entry| entry.starts_with("TERM=")) {
        env.push("TERM=xterm".to_owned());
    }
    if let Some(user) = &request.user {
        let resolved = look_up(run.pid, user, &record.host.group_add)?;
        process.set_user(lower::user(&resolved));
        home = home.map(|_| format!("HOME={}", resolved.home));
    }
    for (name, value) in &request.env {
        create::set_env(&mut env, name, value);
    }
    if !has_home(&env) {
        env.extend(home);
    }
    process.set_env(Some(env));
    if let Some(workdir) = &request.workdir {
        process.set_cwd(PathBuf::from(workdir));
    }
    let available = capabilities::available();
    let granted = if request.privileged {
        available
    } else {
        lower::granted(&record.host, &available)?
    };
    process.set_capabilities(Some(lower::capability_sets(&granted, process.user().uid())));
    Ok(process)
}

fn has_home(env: &[String]) -> bool {
    env.iter().any(|entry| entry.starts_with("HOME="))
}

/// A user by the container's own passwd and group files, which may be hostile.
fn look_up(pid: i32, user: &str, additional: &[String]) -> Result<ResolvedUser, Failure> {
    let root = std::fs::File::open(format!("/proc/{pid}/root"))
        .context(|| "open the container's root".into())?;
    user_in(&root, user, additional)
}

/// A user by the passwd and group files below `root`.
pub fn user_in(
    root: &impl std::os::fd::AsFd,
    user: &str,
    additional: &[String],
) -> Result<ResolvedUser, Failure> {
    let file = |path: &str| in_root::read(root.as_fd(), path, LARGEST_FILE).ok();
    let passwd = file("etc/passwd");
    let group = file("etc/group");
    resolve_user(user, passwd.as_deref(), group.as_deref(), additional)
        .map_err(|error| Failure::new(error.to_string()))
}
