//! What a service's processes may do, and whose namespaces they share.

use super::{At, Project, Which};
use crate::cli::parse::security::Refusal;
use crate::cli::parse::{Invalid, capability, modes, security};
use crate::engine::Failure;
use crate::engine::request::HostConfig;

/// Sets it.
pub fn set(
    project: &Project,
    at: &At<'_>,
    which: &Which<'_>,
    host: &mut HostConfig,
) -> Result<(), Failure> {
    let service = at.service;
    host.privileged = service.privileged;
    host.group_add.clone_from(&service.group_add);
    host.cap_add = capability::list("CapAdd", &service.cap_add)
        .map_err(|error| at.refuse("cap_add", error))?;
    host.cap_drop = capability::list("CapDrop", &service.cap_drop)
        .map_err(|error| at.refuse("cap_drop", error))?;
    let options = security::options(&service.security_opt, |path| {
        let path = project.directory.join(path);
        std::fs::read_to_string(&path).map_err(|error| format!("open {}: {error}", path.display()))
    })
    .map_err(|refusal| match refusal {
        Refusal::Client(invalid) | Refusal::Engine(invalid) => at.refuse("security_opt", invalid),
    })?;
    host.security_opt.clone_from(&service.security_opt);
    host.seccomp = options.seccomp;
    host.no_new_privileges = options.no_new_privileges;
    host.unmask_paths = options.unmask_paths;
    type Check = fn(&str) -> Result<(), Invalid>;
    let modes: [(&str, &Option<String>, &mut String, Check); 5] = [
        ("pid", &service.pid, &mut host.pid_mode, modes::pid),
        ("ipc", &service.ipc, &mut host.ipc_mode, modes::ipc),
        ("uts", &service.uts, &mut host.uts_mode, modes::uts),
        (
            "userns_mode",
            &service.userns_mode,
            &mut host.userns_mode,
            modes::userns,
        ),
        (
            "cgroup",
            &service.cgroup,
            &mut host.cgroupns_mode,
            modes::cgroupns,
        ),
    ];
    for (key, given, field, check) in modes {
        let mode = shared(
            project,
            at,
            which,
            key,
            given.as_deref().unwrap_or_default(),
        )?;
        check(&mode).map_err(|error| at.refuse(key, error))?;
        *field = mode;
    }
    Ok(())
}

/// `service:X` as `container:NAME`: the first of that service's containers.
pub fn shared(
    project: &Project,
    at: &At<'_>,
    which: &Which<'_>,
    key: &str,
    mode: &str,
) -> Result<String, Failure> {
    let Some(name) = mode.strip_prefix("service:") else {
        return Ok(mode.to_owned());
    };
    let container = which
        .first_of(project, name)
        .ok_or_else(|| at.refuse(key, format!("no such service: {name}")))?;
    Ok(format!("container:{container}"))
}
