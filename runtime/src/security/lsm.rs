//! Labels of the kernel's security modules: an AppArmor profile, an SELinux
//! context. Each is refused by name on a kernel without its module.

use std::os::fd::{BorrowedFd, OwnedFd};

use oci_spec::runtime::{Linux, Process};
use rustix::fs::OFlags;

use crate::process::procfs::{self, Procfs};
use crate::process::{Failure, FailureKind};
use crate::spec::ValidateError;

/// Which modules decide here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modules {
    pub(crate) apparmor: bool,
    pub(crate) selinux: bool,
}

/// What a process becomes when it executes its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExecLabel {
    /// The name of a loaded profile.
    AppArmor(String),
    /// A security context.
    Selinux(String),
}

impl Modules {
    /// Those of the running kernel, if it matters: most containers ask for no
    /// label, and need not wait for three files.
    pub(crate) fn running(process: &Process, linux: Option<&Linux>) -> Self {
        let asks = |label: &Option<String>| label.as_ref().is_some_and(|label| !label.is_empty());
        let any = asks(process.apparmor_profile())
            || asks(process.selinux_label())
            || linux.is_some_and(|linux| asks(linux.mount_label()));
        if !any {
            return Self::default();
        }
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            apparmor: read("/sys/module/apparmor/parameters/enabled").starts_with('Y'),
            // The filesystem is registered only when the module was not
            // disabled at boot.
            selinux: read("/proc/filesystems")
                .lines()
                .any(|line| line.ends_with("\tselinuxfs")),
        }
    }

    /// The labels for `process.apparmorProfile` and `process.selinuxLabel`.
    ///
    /// # Errors
    /// A label whose module is not there, or with a NUL byte in it.
    pub(crate) fn labels(self, process: &Process) -> Result<Vec<ExecLabel>, ValidateError> {
        let mut list = Vec::new();
        if let Some(profile) = given(process.apparmor_profile(), "process.apparmorProfile")? {
            if self.apparmor {
                list.push(ExecLabel::AppArmor(profile));
            } else if profile != "unconfined" {
                return Err(lacks("process.apparmorProfile", &profile, "AppArmor"));
            }
        }
        if let Some(label) = given(process.selinux_label(), "process.selinuxLabel")? {
            if !self.selinux {
                return Err(lacks("process.selinuxLabel", &label, "SELinux"));
            }
            list.push(ExecLabel::Selinux(label));
        }
        Ok(list)
    }

    /// Checks `linux.mountLabel`.
    ///
    /// # Errors
    /// As [`Self::labels`].
    pub(crate) fn check_mount_label(self, linux: &Linux) -> Result<(), ValidateError> {
        match given(linux.mount_label(), "linux.mountLabel")? {
            Some(label) if !self.selinux => Err(lacks("linux.mountLabel", &label, "SELinux")),
            Some(label) if label.contains('"') => Err(ValidateError::Invalid {
                field: "linux.mountLabel".to_owned(),
                reason: format!("{label:?} has a quotation mark in it"),
            }),
            _ => Ok(()),
        }
    }
}

impl ExecLabel {
    /// Opens the file of this process that takes it, while the host's proc is in
    /// sight: a container's could be something else.
    pub(crate) fn open(&self) -> Result<OwnedFd, Failure> {
        let open = |path| Procfs::open()?.open_own(path, OFlags::WRONLY);
        match self {
            // Kernels before 5.8, or with one module at most, have one file.
            Self::AppArmor(_) => open("attr/apparmor/exec").or_else(|_| open("attr/exec")),
            Self::Selinux(_) => open("attr/exec"),
        }
        .map_err(|error| self.failed("open", &error))
    }

    /// Asks the kernel, by that file, for it at the next execve. As late as
    /// that, lest a hook of the host be executed with it.
    pub(crate) fn request(&self, file: BorrowedFd<'_>) -> Result<(), Failure> {
        let value = match self {
            Self::AppArmor(profile) => format!("exec {profile}"),
            Self::Selinux(label) => label.clone(),
        };
        procfs::in_one_call(file, &value).map_err(|error| self.failed("write", &error))
    }

    /// A missing profile is not a missing program: its kind is not told.
    fn failed(&self, step: &str, error: &std::io::Error) -> Failure {
        let label = match self {
            Self::AppArmor(profile) => format!("apparmor profile {profile:?}"),
            Self::Selinux(label) => format!("selinux label {label:?}"),
        };
        let reason = crate::process::reason(error);
        let message = format!("unable to apply {label}: {step} /proc/self/attr/exec: {reason}");
        Failure::new(FailureKind::Other, message)
    }
}

/// The mount option that labels a filesystem, `None` for filesystems that take
/// none (their files are labelled by the policy).
pub(crate) fn context_option(kind: &str, label: &str) -> Option<String> {
    (!matches!(kind, "proc" | "sysfs" | "mqueue" | "cgroup" | "cgroup2"))
        .then(|| format!("context=\"{label}\""))
}

fn given(value: &Option<String>, field: &str) -> Result<Option<String>, ValidateError> {
    match value.as_deref().unwrap_or_default() {
        "" => Ok(None),
        text if text.contains('\0') => Err(ValidateError::Invalid {
            field: field.to_owned(),
            reason: "it has a NUL byte in it".to_owned(),
        }),
        text => Ok(Some(text.to_owned())),
    }
}

fn lacks(field: &str, value: &str, module: &'static str) -> ValidateError {
    ValidateError::KernelLacks {
        field: format!("{field} {value:?}"),
        what: module,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Modules = Modules {
        apparmor: false,
        selinux: false,
    };

    fn process(profile: &str, label: &str) -> Process {
        let mut process = Process::default();
        process
            .set_apparmor_profile(Some(profile.to_owned()))
            .set_selinux_label(Some(label.to_owned()));
        process
    }

    #[test]
    fn labels_are_refused_by_name_without_their_module() {
        let refused = |profile, label| NONE.labels(&process(profile, label)).unwrap_err();
        assert_eq!(
            refused("docker-default", "").to_string(),
            "process.apparmorProfile \"docker-default\" needs AppArmor, which this kernel does not have"
        );
        assert_eq!(
            refused("", "a:b:c").to_string(),
            "process.selinuxLabel \"a:b:c\" needs SELinux, which this kernel does not have"
        );
        assert_eq!(NONE.labels(&process("unconfined", "")), Ok(Vec::new()));
    }

    #[test]
    fn labels_are_taken_with_their_module() {
        let all = Modules {
            apparmor: true,
            selinux: true,
        };
        assert_eq!(
            all.labels(&process("unconfined", "a:b:c")),
            Ok(vec![
                ExecLabel::AppArmor("unconfined".to_owned()),
                ExecLabel::Selinux("a:b:c".to_owned())
            ])
        );
        assert!(all.labels(&process("a\0b", "")).is_err());
    }

    #[test]
    fn a_mount_label_is_checked_and_quoted() {
        let mut linux = Linux::default();
        linux.set_mount_label(Some("system_u:object_r:x:s0:c1,c2".to_owned()));
        assert_eq!(
            NONE.check_mount_label(&linux).unwrap_err().to_string(),
            "linux.mountLabel \"system_u:object_r:x:s0:c1,c2\" needs SELinux, \
             which this kernel does not have"
        );
        let selinux = Modules {
            selinux: true,
            ..NONE
        };
        assert_eq!(selinux.check_mount_label(&linux), Ok(()));
        assert_eq!(
            context_option("tmpfs", "a:b:c1,c2").as_deref(),
            Some("context=\"a:b:c1,c2\"")
        );
        assert_eq!(context_option("proc", "a"), None);
    }
}
