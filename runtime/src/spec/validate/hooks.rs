//! Hooks (runtime-spec, "POSIX-platform Hooks").

use oci_spec::runtime::{Hook, Hooks};

use super::{ValidateError, absolute, invalid, no_nul};

/// Paths are absolute, time-outs are positive, strings have no NUL.
pub(super) fn validate_hooks(hooks: &Hooks) -> Result<(), ValidateError> {
    #[allow(deprecated, reason = "old configurations still have this list")]
    let prestart = hooks.prestart();
    let lists = [
        ("prestart", prestart),
        ("createRuntime", hooks.create_runtime()),
        ("createContainer", hooks.create_container()),
        ("startContainer", hooks.start_container()),
        ("poststart", hooks.poststart()),
        ("poststop", hooks.poststop()),
    ];
    for (kind, list) in lists {
        for (index, hook) in list.iter().flatten().enumerate() {
            validate_hook(&format!("hooks.{kind}[{index}]"), hook)?;
        }
    }
    Ok(())
}

fn validate_hook(field: &str, hook: &Hook) -> Result<(), ValidateError> {
    absolute(format!("{field}.path"), hook.path())?;
    if let Some(timeout) = hook.timeout()
        && timeout <= 0
    {
        return invalid(
            format!("{field}.timeout"),
            format!("{timeout} is not above 0"),
        );
    }
    for (name, list) in [("args", hook.args()), ("env", hook.env())] {
        for (index, string) in list.iter().flatten().enumerate() {
            no_nul(&format!("{field}.{name}[{index}]"), string.as_bytes())?;
        }
    }
    for (index, variable) in hook.env().iter().flatten().enumerate() {
        if !variable.contains('=') {
            let reason = format!("{variable:?} is not NAME=VALUE");
            return invalid(format!("{field}.env[{index}]"), reason);
        }
    }
    Ok(())
}
