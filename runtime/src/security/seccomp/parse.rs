//! Seccomp profiles as JSON: Docker's format, which knows conditions on the
//! machine and on capabilities, and the plain OCI one, which is a subset of it.

use super::arch::{Architecture, NATIVE};
use oci_spec::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag,
    LinuxSyscall,
};
use serde::Deserialize;
use std::path::PathBuf;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not JSON, or not of this shape.
    #[error("decoding seccomp profile failed: {0}")]
    Decode(#[from] serde_json::Error),
    /// Two ways to say the same.
    #[error(
        "'architectures' and 'archMap' were specified in the seccomp profile, use either \
         'architectures' or 'archMap'"
    )]
    TwoArchitectureLists,
    /// Two ways to say the same.
    #[error(
        "'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'"
    )]
    TwoNameLists,
    /// A rule for nothing.
    #[error("a rule of the seccomp profile names no system call")]
    NoName,
    /// `minKernel` is not MAJOR.MINOR.
    #[error("invalid kernel version {0:?} in the seccomp profile, expected VERSION.MINOR")]
    KernelVersion(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: LinuxSeccompAction,
    default_errno_ret: Option<u32>,
    architectures: Option<Vec<Arch>>,
    arch_map: Option<Vec<ArchMap>>,
    flags: Option<Vec<LinuxSeccompFilterFlag>>,
    listener_path: Option<PathBuf>,
    listener_metadata: Option<String>,
    syscalls: Option<Vec<Rule>>,
}

/// What else to filter on a machine of one architecture. The names are kept as
/// text: a profile may list architectures that are unknown here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchMap {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: Option<String>,
    names: Option<Vec<String>>,
    action: LinuxSeccompAction,
    errno_ret: Option<u32>,
    args: Option<Vec<LinuxSeccompArg>>,
    includes: Option<Filter>,
    excludes: Option<Filter>,
}

/// Conditions under which a rule is there at all.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// Reads a profile and resolves what is conditional in it: for a container whose
/// bounding set is `capabilities`, on this architecture and kernel.
///
/// # Errors
/// [`ProfileError`], saying what is wrong where.
pub fn parse_profile(
    json: &str,
    capabilities: &[Capability],
) -> Result<LinuxSeccomp, ProfileError> {
    let machine = Machine {
        capabilities,
        native: NATIVE,
        kernel: running_kernel(),
    };
    parse_for(json, &machine)
}

/// What a profile can ask about.
pub(super) struct Machine<'a> {
    pub(super) capabilities: &'a [Capability],
    pub(super) native: Architecture,
    pub(super) kernel: (u32, u32),
}

/// [`parse_profile`] for any machine.
pub(super) fn parse_for(json: &str, machine: &Machine<'_>) -> Result<LinuxSeccomp, ProfileError> {
    let profile: Profile = serde_json::from_str(json)?;
    let listed = profile.architectures.filter(|list| !list.is_empty());
    let map = profile.arch_map.filter(|map| !map.is_empty());
    let architectures = match (listed, map) {
        (Some(_), Some(_)) => return Err(ProfileError::TwoArchitectureLists),
        (Some(listed), None) => Some(listed),
        (None, Some(map)) => Some(machine.architectures(map)),
        (None, None) => None,
    };
    let mut syscalls = Vec::new();
    for rule in profile.syscalls.unwrap_or_default() {
        let names = match (rule.name.filter(|name| !name.is_empty()), rule.names) {
            (Some(_), Some(names)) if !names.is_empty() => return Err(ProfileError::TwoNameLists),
            (Some(name), _) => vec![name],
            (None, Some(names)) if !names.is_empty() => names,
            (None, _) => return Err(ProfileError::NoName),
        };
        let excluded = match &rule.excludes {
            Some(filter) => machine.excluded_by(filter)?,
            None => false,
        };
        let included = match &rule.includes {
            Some(filter) => machine.included_by(filter)?,
            None => true,
        };
        if excluded || !included {
            continue;
        }
        let mut syscall = LinuxSyscall::default();
        syscall
            .set_names(names)
            .set_action(rule.action)
            .set_errno_ret(rule.errno_ret)
            .set_args(rule.args.filter(|args| !args.is_empty()));
        syscalls.push(syscall);
    }
    let mut seccomp = LinuxSeccomp::default();
    seccomp
        .set_default_action(profile.default_action)
        .set_default_errno_ret(profile.default_errno_ret)
        .set_architectures(architectures)
        .set_flags(profile.flags)
        .set_listener_path(profile.listener_path)
        .set_listener_metadata(profile.listener_metadata)
        .set_syscalls(Some(syscalls));
    Ok(seccomp)
}

impl Machine<'_> {
    /// The map's entry for this machine, itself first.
    fn architectures(&self, map: Vec<ArchMap>) -> Vec<Arch> {
        let native = self.native.oci();
        let Some(entry) = map
            .into_iter()
            .find(|entry| entry.architecture == native.to_string())
        else {
            return Vec::new();
        };
        let others = entry.sub_architectures.unwrap_or_default();
        let others = others.iter().filter_map(|name| name.parse().ok());
        std::iter::once(native).chain(others).collect()
    }

    /// Whether any of the filter's conditions holds.
    fn excluded_by(&self, filter: &Filter) -> Result<bool, ProfileError> {
        Ok(list(&filter.arches)
            .iter()
            .any(|name| name == self.native.docker())
            || list(&filter.caps).iter().any(|name| self.holds(name))
            || self.runs(filter.min_kernel.as_deref())?.unwrap_or(false))
    }

    /// Whether all of the filter's conditions hold.
    fn included_by(&self, filter: &Filter) -> Result<bool, ProfileError> {
        let arches = list(&filter.arches);
        Ok(
            (arches.is_empty() || arches.iter().any(|name| name == self.native.docker()))
                && list(&filter.caps).iter().all(|name| self.holds(name))
                && self.runs(filter.min_kernel.as_deref())?.unwrap_or(true),
        )
    }

    /// A name that is unknown is not held.
    fn holds(&self, name: &str) -> bool {
        crate::security::capabilities::parse(name)
            .is_ok_and(|capability| self.capabilities.contains(&capability))
    }

    /// Whether the kernel is at least that one, if one is given.
    fn runs(&self, version: Option<&str>) -> Result<Option<bool>, ProfileError> {
        let Some(version) = version.filter(|version| !version.is_empty()) else {
            return Ok(None);
        };
        let wanted = parse_version(version)
            .ok_or_else(|| ProfileError::KernelVersion(version.to_owned()))?;
        Ok(Some(self.kernel >= wanted))
    }
}

fn list(names: &Option<Vec<String>>) -> &[String] {
    names.as_deref().unwrap_or_default()
}

/// `4.8`, and nothing else.
fn parse_version(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the running kernel is `version` or newer.
pub(super) fn kernel_at_least(version: (u32, u32)) -> bool {
    running_kernel() >= version
}

/// Major and minor of uname's release, as `6.18` of `6.18.44-generic`.
fn running_kernel() -> (u32, u32) {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map_while(|digits| digits.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
