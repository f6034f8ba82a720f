//! Which hierarchies this machine has, found once in a process.

use super::CgroupError;
use super::control_file;
use super::hierarchy::{Controller, Controllers, Hierarchy};
use super::v1::V1;
use super::v2::V2;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// `CGROUP2_SUPER_MAGIC`.
const CGROUP2_MAGIC: u64 = 0x6367_7270;
const STANDARD: &str = "/sys/fs/cgroup";
const MOUNTINFO: &str = "/proc/self/mountinfo";
/// Names every hierarchy that the kernel has, mounted or not (cgroups(7)).
const OWN: &str = "/proc/self/cgroup";

/// The machine's hierarchies.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) v1: Vec<V1>,
    pub(super) v2: Option<V2>,
}

/// A cgroup hierarchy of the machine, for who mounts it into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HierarchyMount {
    /// Which kind it is.
    pub version: Version,
    /// What tells it from the others: `memory`, `cpu,cpuacct`, `name=systemd`;
    /// `unified` for v2. For v1 also the mount option that selects it.
    pub label: String,
    /// Where it is mounted.
    pub mount: PathBuf,
}

/// The two designs of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller (or a few of them).
    V1,
    /// One hierarchy for all.
    V2,
}

/// The hierarchies of this machine.
///
/// # Errors
/// [`CgroupError::NoHierarchy`], or the mount table cannot be read.
pub fn hierarchies() -> Result<Vec<HierarchyMount>, CgroupError> {
    let layout = Layout::host()?;
    Ok(layout
        .members()
        .map(|one| HierarchyMount {
            version: one.version(),
            label: one.label().to_owned(),
            mount: one.mount().to_path_buf(),
        })
        .collect())
}

/// Whether the machine has cgroup v2 alone: all controllers on one hierarchy.
#[must_use]
pub fn is_unified() -> bool {
    Layout::host().is_ok_and(|layout| layout.v1.is_empty())
}

/// Whether memory together with swap can be limited here. Where it cannot,
/// Docker warns and limits memory alone.
#[must_use]
pub fn supports_swap_limit() -> bool {
    let Ok(layout) = Layout::host() else {
        return false;
    };
    match layout.home(Controller::Memory) {
        Some(one) if one.version() == Version::V1 => {
            one.mount().join("memory.memsw.limit_in_bytes").exists()
        }
        // Not on v2's root; it is there when the kernel knows swap at all.
        Some(_) => Path::new("/proc/swaps").exists(),
        None => false,
    }
}

impl Layout {
    /// This machine's, from the mount table as it was at the first call.
    pub(super) fn host() -> Result<Arc<Layout>, CgroupError> {
        static HOST: OnceLock<Arc<Layout>> = OnceLock::new();
        if let Some(layout) = HOST.get() {
            return Ok(Arc::clone(layout));
        }
        let layout = Arc::new(Layout::discover()?);
        Ok(Arc::clone(HOST.get_or_init(|| layout)))
    }

    fn discover() -> Result<Layout, CgroupError> {
        // Pure v2, as on most machines: no need to read a long mount table.
        let pure = rustix::fs::statfs(STANDARD)
            .is_ok_and(|found| u64::try_from(found.f_type) == Ok(CGROUP2_MAGIC));
        let layout = if pure {
            Layout {
                v1: Vec::new(),
                v2: Some(Layout::unified(Path::new(STANDARD), true)),
            }
        } else {
            let unread = |file| move |source| CgroupError::Layout { file, source };
            let own = control_file::read(Path::new(OWN)).map_err(unread(OWN))?;
            let table = File::open(MOUNTINFO).map_err(unread(MOUNTINFO))?;
            let (v1, unified) =
                parse(BufReader::new(table), &Wanted::of(&own)).map_err(unread(MOUNTINFO))?;
            let v2 = unified.map(|mount| Layout::unified(&mount, v1.is_empty()));
            Layout { v1, v2 }
        };
        if layout.v1.is_empty() && layout.v2.is_none() {
            return Err(CgroupError::NoHierarchy);
        }
        Ok(layout)
    }

    /// The v2 hierarchy at `mount`; `alone` when there is no v1 beside it that
    /// has the freezer and the devices.
    fn unified(mount: &Path, alone: bool) -> V2 {
        let listed = control_file::read(&mount.join("cgroup.controllers")).unwrap_or_default();
        let mut controllers: Controllers = listed
            .split_whitespace()
            .filter_map(Controller::named)
            .collect();
        if alone {
            controllers.insert(Controller::Devices);
            controllers.insert(Controller::Freezer);
        }
        V2::new(mount.to_path_buf(), controllers)
    }

    /// All of them, v1 first.
    pub(super) fn members(&self) -> impl Iterator<Item = &dyn Hierarchy> {
        let v1 = self.v1.iter().map(|one| one as &dyn Hierarchy);
        v1.chain(self.v2.iter().map(|one| one as &dyn Hierarchy))
    }

    /// The hierarchy that has `controller`.
    pub(super) fn home(&self, controller: Controller) -> Option<&dyn Hierarchy> {
        self.members()
            .find(|one| one.controllers().contains(controller))
    }
}

/// How many hierarchies there can be in a mount table.
struct Wanted {
    v1: usize,
    v2: bool,
}

impl Wanted {
    /// From the text of /proc/self/cgroup: one line each, that of v2 numbered 0.
    fn of(own: &str) -> Wanted {
        let v2 = own.lines().filter(|line| line.starts_with("0:")).count();
        Wanted {
            v1: own.lines().count() - v2,
            v2: v2 > 0,
        }
    }
}

/// The v1 hierarchies in a mount table, each once (a mount below the standard
/// place is preferred), and where v2 is mounted. Once all are found at standard
/// places nothing more is read: the table can be long, and they come early in it.
fn parse(table: impl BufRead, wanted: &Wanted) -> std::io::Result<(Vec<V1>, Option<PathBuf>)> {
    let mut v1: Vec<V1> = Vec::new();
    let mut v2: Option<PathBuf> = None;
    let is_standard = |mount: &Path| mount.starts_with(STANDARD);
    for line in table.lines() {
        let line = line?;
        let settled = v1.iter().filter(|one| is_standard(one.mount())).count();
        if settled >= wanted.v1 && (!wanted.v2 || v2.as_deref().is_some_and(is_standard)) {
            break;
        }
        let Some((kind, mount, options)) = cgroup_mount(&line) else {
            continue;
        };
        let standard = is_standard(&mount);
        if kind == "cgroup2" {
            if v2.is_none() || standard && !v2.as_deref().is_some_and(|it| it.starts_with(STANDARD))
            {
                v2 = Some(mount);
            }
            continue;
        }
        let (label, controllers) = label(options);
        if label.is_empty() {
            continue;
        }
        match v1.iter_mut().find(|one| one.label() == label) {
            Some(known) if standard && !known.mount().starts_with(STANDARD) => {
                *known = V1::new(mount, label, controllers);
            }
            Some(_) => {}
            None => v1.push(V1::new(mount, label, controllers)),
        }
    }
    Ok((v1, v2))
}

/// File system type, mount point and super block options of a mountinfo line,
/// if it is the whole of a cgroup hierarchy.
fn cgroup_mount(line: &str) -> Option<(&str, PathBuf, &str)> {
    let (left, right) = line.split_once(" - ")?;
    let mut right = right.split(' ');
    let kind = right
        .next()
        .filter(|kind| *kind == "cgroup" || *kind == "cgroup2")?;
    let options = right.nth(1).unwrap_or("");
    let mount = left.split(' ').nth(4)?;
    Some((kind, unescape(mount), options))
}

/// mountinfo writes blanks as `\040`.
fn unescape(path: &str) -> PathBuf {
    PathBuf::from(
        path.replace("\\040", " ")
            .replace("\\011", "\t")
            .replace("\\012", "\n")
            .replace("\\134", "\\"),
    )
}

/// The options that say which hierarchy it is, and the controllers among them.
fn label(options: &str) -> (String, Controllers) {
    let mut label = String::new();
    let mut controllers = Controllers::default();
    for option in options.split(',') {
        let controller = Controller::named(option);
        let names = option.starts_with("name=");
        // The rest (rw, xattr, release_agent=…) says nothing about what it is.
        if controller.is_none() && !names {
            continue;
        }
        controllers.extend(controller);
        if !label.is_empty() {
            label.push(',');
        }
        label.push_str(option);
    }
    (label, controllers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /mnt/other rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
42 31 0:39 / /sys/fs/cgroup/a\\040b rw,relatime - cgroup cgroup rw,pids
";

    const OWN_LINES: &str = "4:pids:/\n3:name=systemd:/\n2:memory:/\n1:cpu,cpuacct:/x\n0::/\n";

    #[test]
    fn a_hybrid_machine_has_each_hierarchy_once_at_its_standard_place() {
        let (v1, v2) = parse(HYBRID.as_bytes(), &Wanted::of(OWN_LINES)).unwrap();
        let found: Vec<_> = v1.iter().map(|one| (one.label(), one.mount())).collect();
        assert_eq!(
            found,
            [
                ("cpu,cpuacct", Path::new("/sys/fs/cgroup/cpu,cpuacct")),
                ("memory", Path::new("/sys/fs/cgroup/memory")),
                ("name=systemd", Path::new("/sys/fs/cgroup/systemd")),
                ("pids", Path::new("/sys/fs/cgroup/a b")),
            ]
        );
        assert!(v1[0].controllers().contains(Controller::Cpu));
        assert!(v1[0].controllers().contains(Controller::Cpuacct));
        assert_eq!(v2.as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
    }

    #[test]
    fn a_table_without_cgroups_has_none() {
        let table = "1 1 0:1 / / rw - ext4 /dev/vda rw\n".as_bytes();
        let (v1, v2) = parse(table, &Wanted::of("0::/\n")).unwrap();
        assert!(v1.is_empty() && v2.is_none());
    }

    #[test]
    fn a_long_table_is_read_until_all_are_found() {
        struct Endless;
        impl std::io::Read for Endless {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("there was nothing left to find");
            }
        }
        use std::io::Read;
        let table =
            BufReader::with_capacity(64, HYBRID.as_bytes().chain("x\n".as_bytes()).chain(Endless));
        let (v1, v2) = parse(table, &Wanted::of(OWN_LINES)).unwrap();
        assert_eq!((v1.len(), v2.is_some()), (4, true));
    }
}
