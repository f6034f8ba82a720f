//! The description of one process.

use std::os::unix::ffi::OsStrExt;

use oci_spec::runtime::Process;

use super::{ValidateError, invalid, no_nul};
use crate::process::attribute::{self, Affinity};

/// Checks the description of one process, the first one or a later one.
pub fn validate_process(process: &Process) -> Result<(), ValidateError> {
    if process.args().as_ref().is_none_or(Vec::is_empty) {
        return Err(ValidateError::Missing("process.args"));
    }
    if !process.cwd().is_absolute() {
        return Err(ValidateError::RelativeWorkingDirectory);
    }
    no_nul("process.cwd", process.cwd().as_os_str().as_bytes())?;
    let lists = [
        ("process.args", process.args()),
        ("process.env", process.env()),
    ];
    for (field, list) in lists {
        for (index, string) in list.iter().flatten().enumerate() {
            no_nul(&format!("{field}[{index}]"), string.as_bytes())?;
        }
    }
    if let Some(umask) = process.user().umask()
        && umask > 0o777
    {
        return invalid("process.user.umask", format!("{umask:#o} is above 0o777"));
    }
    validate_limits(process)?;
    if let Some(value) = process.oom_score_adj()
        && !(-1000..=1000).contains(&value)
    {
        return invalid(
            "process.oomScoreAdj",
            format!("{value} is not in -1000..1000"),
        );
    }
    attribute::attributes(process, None)?;
    Affinity::of(process)?;
    Ok(())
}

fn validate_limits(process: &Process) -> Result<(), ValidateError> {
    let limits = process.rlimits().as_deref().unwrap_or_default();
    for (index, limit) in limits.iter().enumerate() {
        let field = || format!("process.rlimits[{index}]");
        if limit.soft() > limit.hard() {
            return invalid(
                field(),
                format!(
                    "{}: soft {} above hard {}",
                    limit.typ(),
                    limit.soft(),
                    limit.hard()
                ),
            );
        }
        if limits[..index]
            .iter()
            .any(|other| other.typ() == limit.typ())
        {
            return invalid(field(), format!("{} is listed twice", limit.typ()));
        }
    }
    Ok(())
}
