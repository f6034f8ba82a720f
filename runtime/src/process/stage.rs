//! What a trace says of the child's operations: one line for those of a kind that follow one
//! another, and one for each mount.

use super::operation::Operation;

/// Marks what is done with the operation at `index`, if another kind follows.
#[inline]
pub(crate) fn mark(operations: &[Operation], index: usize) {
    if rbox_timing::is_on() {
        let next = operations.get(index + 1);
        match &operations[index] {
            Operation::Mount(mount) => {
                rbox_timing::mark_of("mounted", &mount.destination.to_string_lossy());
            }
            operation if next.map(stage) == Some(stage(operation)) => {}
            operation => rbox_timing::mark(stage(operation)),
        }
    }
}

fn stage(operation: &Operation) -> &'static str {
    match operation {
        Operation::AwaitParent => "parent waited for",
        Operation::JoinCgroup(_) => "cgroup joined",
        Operation::BecomeRoot
        | Operation::JoinNamespace(..)
        | Operation::JoinProcess(..)
        | Operation::NewCgroupNamespace
        | Operation::EnterTimeNamespace(_) => "namespaces entered",
        Operation::NewSession
        | Operation::NewKeyring
        | Operation::SetHostname(_)
        | Operation::SetDomainname(_)
        | Operation::SetOomScore(_) => "session, keyring, hostname set",
        Operation::SetSysctl(..) => "sysctls set",
        Operation::SeparateFromHost | Operation::AttachRoot => "root attached",
        Operation::Mount(_) => "mounted",
        Operation::MakeDevices(_) | Operation::MakeDeviceLinks => "devices made",
        Operation::OpenTerminal { .. } => "terminal opened",
        Operation::NotePid | Operation::AwaitHooks | Operation::RunHooks(_) => "hooks run",
        Operation::PivotRoot
        | Operation::ChangeRoot
        | Operation::SetPropagation(_)
        | Operation::MakeWorkingDirectory(_) => "root entered",
        Operation::MakeRootReadOnly | Operation::ProtectPaths(_) | Operation::HidePaths(_) => {
            "paths protected and hidden"
        }
        Operation::PlaceStdio { .. } | Operation::CloseDescriptors => "streams placed",
        Operation::SetLimits(_)
        | Operation::SetAttribute(_)
        | Operation::SetAffinity(_)
        | Operation::SetUmask(_)
        | Operation::ChangeUser(_)
        | Operation::ChangeDirectory { .. }
        | Operation::DropCapabilities(_)
        | Operation::NoNewPrivileges
        | Operation::DieWithParent => "limits, user, capabilities set",
    }
}
