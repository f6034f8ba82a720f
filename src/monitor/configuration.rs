//! What the runtime is told of a container: its record, with what is true at this moment.

use std::fs;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;
use rbox_runtime::EarlyCgroup;
use rbox_runtime::cgroup;
use rbox_runtime::process::user::ResolvedUser;
use rbox_runtime::security::capabilities;

use super::network::Network;
use crate::engine::cgroup_plan::{self, CgroupPlan};
use crate::engine::containers;
use crate::engine::create::set_env;
use crate::engine::failure::{Context, Failure};
use crate::engine::lower::Facts;
use crate::engine::record::Record;
use crate::engine::user_namespace::check;
use crate::engine::{Engine, devices, json_file, links};

/// A cgroup that was begun before the record was read, and what it was to be.
pub struct Prepared(CgroupPlan, EarlyCgroup);

impl Prepared {
    /// Begins to make it; `None` where that has to wait.
    pub fn begin(plan: CgroupPlan) -> Option<Prepared> {
        let cgroup = EarlyCgroup::begin(&plan.path, plan.resources.clone())?;
        Some(Prepared(plan, cgroup))
    }
}

/// The cgroup, which takes long enough to be made beside everything else: the one that was begun, if
/// it is what the record says.
pub fn begin_cgroup(
    record: &Record,
    prepared: Option<Prepared>,
) -> Result<Option<EarlyCgroup>, Failure> {
    let plan = CgroupPlan::of(&record.host, &record.id)?;
    if let Some(Prepared(begun, cgroup)) = prepared
        && begun == plan
    {
        return Ok(Some(cgroup));
    }
    Ok(EarlyCgroup::begin(&plan.path, plan.resources))
}

/// Writes down the configuration, for those who look at it or execute more in the container.
pub fn write(bundle: &Path, spec: &Spec) -> Result<(), Failure> {
    fs::create_dir_all(bundle).context(|| format!("make {}", bundle.display()))?;
    let path = bundle.join("config.json");
    json_file::write(&path, spec).context(|| format!("write {}", path.display()))
}

/// The configuration with environment that is not written down; `None` where there is none.
pub fn with_secrets(spec: &Spec, secrets: &[String]) -> Option<Spec> {
    if secrets.is_empty() {
        return None;
    }
    let mut spec = spec.clone();
    let process = spec.process_mut().as_mut()?;
    let mut env = process.env().clone().unwrap_or_default();
    for entry in secrets {
        if let Some((name, value)) = entry.split_once('=') {
            set_env(&mut env, name, value);
        }
    }
    process.set_env(Some(env));
    Some(spec)
}

/// What lowering needs to know, but for the files.
pub fn facts(
    engine: &Engine,
    record: &Record,
    program: &Path,
    user: ResolvedUser,
    network: &Network,
    links: &links::Links,
) -> Result<Facts, Failure> {
    let mut facts = Facts {
        user,
        network_namespace: network.namespace_path(),
        link_env: links.env.clone(),
        available: capabilities::available(),
        cgroup_v2: cgroup::is_unified(),
        swap_limit: cgroup_plan::limits_swap(&record.host),
        devices: devices::requested(&record.host)?,
        ..Facts::default()
    };
    if record.host.init {
        facts.init = Some(program.to_owned());
    }
    shared_namespaces(engine, record, &mut facts)?;
    Ok(facts)
}

/// Namespaces of other containers that this one shares.
fn shared_namespaces(engine: &Engine, record: &Record, facts: &mut Facts) -> Result<(), Failure> {
    if record.user_namespace.is_some()
        && let Some(other) = check::joined(&record.host)
    {
        let pid = running_pid(engine, other, "user namespace")?;
        facts.user_namespace = Some(PathBuf::from(format!("/proc/{pid}/ns/user")));
    }
    if let Some(other) = record.host.pid_mode.strip_prefix("container:") {
        let pid = running_pid(engine, other, "PID")?;
        facts.pid_namespace = Some(PathBuf::from(format!("/proc/{pid}/ns/pid")));
    }
    if let Some(other) = record.host.ipc_mode.strip_prefix("container:") {
        let donor = containers::find(&engine.dirs, other)?;
        if !matches!(donor.record.host.ipc_mode.as_str(), "shareable" | "host") {
            return Err(Failure::new(format!(
                "can't join IPC of container {other}: non-shareable IPC (hint: use \
                 IpcMode:shareable for the donor container)"
            )));
        }
        let pid = running_pid(engine, other, "IPC")?;
        facts.ipc_namespace = Some(PathBuf::from(format!("/proc/{pid}/ns/ipc")));
        facts.shared_shm = Some(PathBuf::from(format!("/proc/{pid}/root/dev/shm")));
    }
    Ok(())
}

fn running_pid(engine: &Engine, id: &str, what: &str) -> Result<i32, Failure> {
    let container = containers::find(&engine.dirs, id)?;
    container.running().map(|run| run.pid).map_err(|_| {
        Failure::new(format!(
            "cannot join {what} of a non running container: {id}"
        ))
    })
}
