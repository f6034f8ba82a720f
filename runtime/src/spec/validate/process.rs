//! The description of one process.

use oci_spec::runtime::Process;

use super::{ValidateError, invalid, refuse_if, set};

/// Checks the description of one process, the first one or a later one.
pub fn validate_process(process: &Process) -> Result<(), ValidateError> {
    if process.args().as_ref().is_none_or(Vec::is_empty) {
        return Err(ValidateError::Missing("process.args"));
    }
    if !process.cwd().is_absolute() {
        return Err(ValidateError::RelativeWorkingDirectory);
    }
    let strings = process
        .args()
        .iter()
        .flatten()
        .chain(process.env().iter().flatten());
    for string in strings {
        if string.contains('\0') {
            return invalid("process.args or process.env", string);
        }
    }
    if let Some(umask) = process.user().umask()
        && umask > 0o777
    {
        return invalid("process.user.umask", &format!("{umask:o}"));
    }
    let mut seen = Vec::new();
    for limit in process.rlimits().iter().flatten() {
        if limit.soft() > limit.hard() {
            return invalid(
                "rlimit",
                &format!(
                    "{}: soft {} above hard {}",
                    limit.typ(),
                    limit.soft(),
                    limit.hard()
                ),
            );
        }
        if seen.contains(&limit.typ()) {
            return invalid("rlimit", &format!("{} is listed twice", limit.typ()));
        }
        seen.push(limit.typ());
    }
    if let Some(value) = process.oom_score_adj()
        && !(-1000..=1000).contains(&value)
    {
        return invalid("process.oomScoreAdj", &value.to_string());
    }
    refuse_if(
        set(process.apparmor_profile(), "unconfined"),
        "process.apparmorProfile",
    )?;
    refuse_if(set(process.selinux_label(), ""), "process.selinuxLabel")?;
    refuse_if(process.io_priority().is_some(), "process.ioPriority")?;
    refuse_if(process.scheduler().is_some(), "process.scheduler")?;
    refuse_if(
        process.exec_cpu_affinity().is_some(),
        "process.execCPUAffinity",
    )
}
