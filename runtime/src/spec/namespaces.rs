//! The namespaces of a configuration by kind.

use std::path::Path;

use oci_spec::runtime::{Linux, LinuxNamespaceType};

/// Where a namespace comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// The caller's own.
    #[default]
    Host,
    /// A new one.
    New,
    /// The one behind this file.
    Path(&'a Path),
}

/// One source for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Namespaces<'a> {
    pub(crate) mount: Source<'a>,
    pub(crate) pid: Source<'a>,
    pub(crate) network: Source<'a>,
    pub(crate) ipc: Source<'a>,
    pub(crate) uts: Source<'a>,
    pub(crate) cgroup: Source<'a>,
    pub(crate) user: Source<'a>,
    pub(crate) time: Source<'a>,
}

impl<'a> Namespaces<'a> {
    /// What [`Self::joined`] calls the mount namespace.
    pub(crate) const MOUNT: &'static str = "mount";

    /// Reads the list. `Err` is a kind that is there twice.
    pub(crate) fn of(linux: &'a Linux) -> Result<Self, LinuxNamespaceType> {
        let mut all = Self::default();
        for namespace in linux.namespaces().iter().flatten() {
            let slot = match namespace.typ() {
                LinuxNamespaceType::Mount => &mut all.mount,
                LinuxNamespaceType::Pid => &mut all.pid,
                LinuxNamespaceType::Network => &mut all.network,
                LinuxNamespaceType::Ipc => &mut all.ipc,
                LinuxNamespaceType::Uts => &mut all.uts,
                LinuxNamespaceType::Cgroup => &mut all.cgroup,
                LinuxNamespaceType::User => &mut all.user,
                LinuxNamespaceType::Time => &mut all.time,
            };
            if *slot != Source::Host {
                return Err(namespace.typ());
            }
            *slot = match namespace.path() {
                Some(path) if !path.as_os_str().is_empty() => Source::Path(path),
                _ => Source::New,
            };
        }
        Ok(all)
    }

    /// The flags of clone3 for what is new. The cgroup namespace is not among
    /// them: it shows the cgroup of the process that makes it, so the child
    /// makes it after it joined its cgroup.
    pub(crate) fn clone_flags(&self) -> u64 {
        let kinds = [
            (self.mount, libc::CLONE_NEWNS),
            (self.pid, libc::CLONE_NEWPID),
            (self.network, libc::CLONE_NEWNET),
            (self.ipc, libc::CLONE_NEWIPC),
            (self.uts, libc::CLONE_NEWUTS),
            (self.user, libc::CLONE_NEWUSER),
        ];
        kinds
            .iter()
            .filter(|(source, _)| *source == Source::New)
            .fold(0, |flags, (_, flag)| flags | *flag as u64)
    }

    /// The namespaces that are joined by setns: the name of the kind and the
    /// file. Not the pid namespace, which is entered by the parent, nor the user
    /// namespace, which comes after all others.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (&'static str, &'a Path)> {
        [
            ("ipc", self.ipc),
            ("uts", self.uts),
            ("network", self.network),
            ("cgroup", self.cgroup),
            ("time", self.time),
            (Self::MOUNT, self.mount),
        ]
        .into_iter()
        .filter_map(|(name, source)| match source {
            Source::Path(path) => Some((name, path)),
            Source::Host | Source::New => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::runtime::{LinuxBuilder, LinuxNamespaceBuilder};

    fn linux(list: &[(LinuxNamespaceType, Option<&str>)]) -> Linux {
        let namespaces: Vec<_> = list
            .iter()
            .map(|(typ, path)| {
                let mut builder = LinuxNamespaceBuilder::default().typ(*typ);
                if let Some(path) = path {
                    builder = builder.path(*path);
                }
                builder.build().unwrap()
            })
            .collect();
        LinuxBuilder::default()
            .namespaces(namespaces)
            .build()
            .unwrap()
    }

    #[test]
    fn new_ones_become_clone_flags_and_paths_are_joined() {
        let linux = linux(&[
            (LinuxNamespaceType::Mount, None),
            (LinuxNamespaceType::Pid, Some("")),
            (LinuxNamespaceType::Cgroup, None),
            (LinuxNamespaceType::Network, Some("/run/netns/a")),
        ]);
        let all = Namespaces::of(&linux).unwrap();
        assert_eq!(
            all.clone_flags(),
            (libc::CLONE_NEWNS | libc::CLONE_NEWPID) as u64
        );
        assert_eq!(
            all.joined().collect::<Vec<_>>(),
            [("network", Path::new("/run/netns/a"))]
        );
        assert_eq!(all.uts, Source::Host);
    }

    #[test]
    fn a_kind_that_is_there_twice_is_an_error() {
        let linux = linux(&[
            (LinuxNamespaceType::Uts, None),
            (LinuxNamespaceType::Uts, None),
        ]);
        assert_eq!(Namespaces::of(&linux), Err(LinuxNamespaceType::Uts));
    }
}
