//! The container of a step.

use std::os::fd::AsFd;
use std::path::Path;

use rbox_images::{Layer, Workspace};
use rbox_netsetup::model::endpoint::EndpointConfig;

use crate::engine::Engine;
use crate::engine::failure::{Context, Failure};
use crate::engine::lock::RunLock;
use crate::engine::protocol;
use crate::engine::record::{BuildRoot, short};
use crate::engine::request::{ContainerRequest, HostConfig, NetworkMode};
use crate::engine::spawn::{Monitor, Spare};

use super::cancel::Cancel;
use super::places::{self, Mounts, Places};
use super::step::{RunStep, StepNetwork};
use super::stream::{self, Start};
use super::stubs;
use super::tidy;
use super::{Finished, LABEL, NAME_PREFIX, Output};

/// What a step calls the machine that it is on, as BuildKit does: a build is to come out the same
/// whichever container it ran in.
const HOSTNAME: &str = "buildkitsandbox";

/// Runs the step on the calling thread, which may be left in another mount namespace.
pub fn run(
    engine: &Engine,
    step: &RunStep,
    workspace: &Workspace,
    cancel: &Cancel,
    output: &Output<'_>,
) -> Result<Finished, Failure> {
    cancel.check()?;
    let scratch = workspace
        .directory("run")
        .map_err(|error| Failure::new(error.to_string()))?;
    let (upper, work) = (scratch.join("upper"), scratch.join("work"));
    let look = scratch.join("look");
    for path in [&upper, &work, &look] {
        places::directory(path)?;
    }
    let layers = places::trees(engine, &step.layers)?;
    // What the container begins with, to compare with what it ends with.
    let below = places::overlay(&layers, &look)?;
    if let Some(top) = layers.last() {
        tidy::adopt_top(&upper, top).context(|| format!("make {}", upper.display()))?;
    }
    let mounts = Places::new(engine, &scratch, cancel).make(step)?;
    let stubs = stubs::missing(&mounts.targets(), &|path| tidy::look(below.as_fd(), path));
    let root = BuildRoot {
        layers,
        upper: upper.clone(),
        work,
    };
    let request = request(step, root, &mounts);
    let code = in_container(engine, &request, step, cancel, output)?;
    drop(mounts);
    let layer = match code {
        0 => {
            tidy::tidy(&upper, below.as_fd(), &stubs)
                .context(|| "read what the step has written".into())?;
            drop(below);
            Some(commit(engine, &upper, step)?)
        }
        _ => None,
    };
    Ok(Finished { code, layer })
}

fn commit(engine: &Engine, upper: &Path, step: &RunStep) -> Result<Layer, Failure> {
    engine
        .images
        .commit_tree(upper, step.epoch)
        .map_err(|error| Failure::new(error.to_string()))
}

/// Makes the container, and waits until it has ended and is gone.
fn in_container(
    engine: &Engine,
    request: &ContainerRequest,
    step: &RunStep,
    cancel: &Cancel,
    output: &Output<'_>,
) -> Result<i32, Failure> {
    let mut draft = engine.draft(request)?;
    let id = draft.record.id.clone();
    let named = ContainerRequest {
        name: Some(format!("{NAME_PREFIX}{}", short(&id))),
        ..request.clone()
    };
    draft.record.config.image = request.image.clone();
    let run_dir = engine.dirs.run(&id);
    // Before the record is there: whoever finds a record without a holder of its lock removes it.
    let lock = RunLock::take(&run_dir)
        .context(|| format!("lock {}", run_dir.display()))?
        .ok_or_else(|| Failure::new("the id of the step's container is taken"))?;
    let spare = Spare::new(&engine.dirs, &id);
    if let Err(failure) = engine.make(draft, &named) {
        let _ = lock.remove_dir(&run_dir);
        return Err(failure);
    }
    let employed = spare.and_then(|spare| spare.employ(&engine.dirs, &lock));
    drop(lock);
    let Monitor { stream, mut child } = employed?;
    let start = Start {
        stdin: step.stdin.as_deref(),
        secrets: step
            .secret_variables
            .iter()
            .map(|secret| format!("{}={}", secret.name, secret.value))
            .collect(),
    };
    let end = cancel
        .watch(&stream)
        .and_then(|_watch| stream::to_end(engine, &stream, start, output));
    drop(stream);
    // It removes the container before it ends.
    let waited = child
        .wait()
        .context(|| format!("wait for the monitor of container {id}"));
    cancel.check()?;
    let code = end?;
    waited?;
    Ok(code)
}

fn request(step: &RunStep, root: BuildRoot, mounts: &Mounts) -> ContainerRequest {
    let (network_mode, network) = match &step.network {
        StepNetwork::Default => (NetworkMode::Bridge, None),
        StepNetwork::None => (NetworkMode::None, None),
        StepNetwork::Host => (NetworkMode::Host, None),
        StepNetwork::Named(name) => (NetworkMode::Network(name.clone()), Some(name)),
    };
    let networks = network.map(|name| EndpointConfig {
        network: name.clone(),
        ..EndpointConfig::default()
    });
    let limits = &step.limits;
    ContainerRequest {
        image: "<build>".to_owned(),
        command: step.argv.clone(),
        entrypoint: Some(Vec::new()),
        env: step.env.clone(),
        labels: [(LABEL.to_owned(), std::process::id().to_string())].into(),
        hostname: Some(HOSTNAME.to_owned()),
        user: (!step.user.is_empty()).then(|| step.user.clone()),
        workdir: (!step.workdir.is_empty()).then(|| step.workdir.clone()),
        interactive: step.stdin.is_some(),
        attach: protocol::Streams {
            stdin: step.stdin.is_some(),
            stdout: true,
            stderr: true,
        },
        networks: networks.into_iter().collect(),
        host: HostConfig {
            auto_remove: true,
            mounts: mounts.binds.clone(),
            tmpfs: mounts.memory.iter().cloned().collect(),
            network_mode,
            extra_hosts: step.extra_hosts.clone(),
            memory: limits.memory,
            memory_swap: limits.memory_swap,
            cpu_period: limits.cpu_period,
            cpu_quota: limits.cpu_quota,
            cpu_shares: limits.cpu_shares,
            cpuset_cpus: limits.cpuset_cpus.clone(),
            cpuset_mems: limits.cpuset_mems.clone(),
            shm_size: limits.shm_size,
            ulimits: limits.ulimits.clone(),
            cgroup_parent: limits.cgroup_parent.clone(),
            // A layer has the owners that the image's users see.
            userns_mode: "host".to_owned(),
            log_driver: "none".to_owned(),
            ..HostConfig::default()
        },
        build: Some(root),
        ..ContainerRequest::default()
    }
}
