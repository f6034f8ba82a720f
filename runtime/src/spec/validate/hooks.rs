//! Hooks (runtime-spec, "POSIX-platform Hooks").

use oci_spec::runtime::Hooks;

use super::{ValidateError, absolute, invalid};

/// Paths are absolute, time-outs are not negative, strings have no NUL.
pub(super) fn validate_hooks(hooks: &Hooks) -> Result<(), ValidateError> {
    #[allow(deprecated, reason = "old configurations still have this list")]
    let prestart = hooks.prestart();
    let lists = [
        prestart,
        hooks.create_runtime(),
        hooks.create_container(),
        hooks.start_container(),
        hooks.poststart(),
        hooks.poststop(),
    ];
    for hook in lists.into_iter().flatten().flatten() {
        absolute("hook path", hook.path())?;
        if let Some(timeout) = hook.timeout()
            && timeout <= 0
        {
            return invalid("hook timeout", &timeout.to_string());
        }
        let strings = hook.args().iter().chain(hook.env()).flatten();
        for string in strings {
            if string.contains('\0') {
                return invalid("hook args or env", string);
            }
        }
        for variable in hook.env().iter().flatten() {
            if !variable.contains('=') {
                return invalid("hook env", variable);
            }
        }
    }
    Ok(())
}
