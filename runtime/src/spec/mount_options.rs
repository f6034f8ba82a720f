//! The option list of a mount, told apart: flags of the mount, flags of the
//! filesystem, propagation, and what the filesystem itself parses.

use rustix::mount::{MountAttrFlags, MountFlags};
use thiserror::Error;

/// A mount's options, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountOptions {
    /// Attributes to set on this mount.
    pub set: MountAttrFlags,
    /// Attributes to clear on this mount.
    pub clear: MountAttrFlags,
    /// Attributes to set on this mount and everything mounted below it (`rro` and the like).
    pub recursive_set: MountAttrFlags,
    /// Attributes to clear likewise (`rrw` and the like).
    pub recursive_clear: MountAttrFlags,
    /// Flags of the filesystem rather than of the mount: `sync`, `dirsync`,
    /// `lazytime`, `iversion`, and `silent`, which is about messages.
    pub filesystem: MountFlags,
    /// Whether the source is a file or directory to bind, and with all mounts below it or not.
    pub bind: Option<Bind>,
    /// Propagation to apply, last one wins.
    pub propagation: Option<Propagation>,
    /// Change what is mounted at the destination already.
    pub remount: bool,
    /// Copy what the image has below the mount point into a tmpfs.
    pub copy_up: bool,
    /// Whether the owners of a bind's files are mapped, and below it too or not.
    pub id_map: Option<Bind>,
    /// The rest, for the filesystem: `size=64k,mode=755`.
    pub data: String,
}

/// How much a bind takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// The one mount.
    Single,
    /// The mount and all below it.
    Recursive,
}

/// Where mount events go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE` or `MS_UNBINDABLE`.
    pub kind: u64,
    /// Also for all mounts below.
    pub recursive: bool,
}

/// An option list that cannot be applied.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// An option of filesystems on something that is none of its own.
    #[error("mount option {option} has no meaning for {kind}")]
    Meaningless {
        /// The option.
        option: String,
        /// What is mounted.
        kind: &'static str,
    },
    /// Mandatory locks are no more.
    #[error("mount option mand needs mandatory locks, which Linux 5.15 gave up")]
    MandatoryLocks,
    /// A remount that would reach beyond the container.
    #[error(
        "mount option remount would change a filesystem of the host; with bind it changes the mount"
    )]
    RemountOfHost,
    /// A NUL byte, or a comma in a value list.
    #[error("mount option {0:?} has an invalid character")]
    Invalid(String),
}

impl Propagation {
    /// `private`, `rslave`, …
    pub fn parse(name: &str) -> Option<Self> {
        let (recursive, kind) = match name.strip_prefix('r') {
            Some(kind) => (true, kind),
            None => (false, name),
        };
        let kind = match kind {
            "shared" => libc::MS_SHARED,
            "slave" => libc::MS_SLAVE,
            "private" => libc::MS_PRIVATE,
            "unbindable" => libc::MS_UNBINDABLE,
            _ => return None,
        };
        Some(Self { kind, recursive })
    }
}

/// `MS_I_VERSION`, which rustix does not name.
const I_VERSION: MountFlags = MountFlags::from_bits_retain(libc::MS_I_VERSION as u32);

/// The option words that are flags of a filesystem.
const FILESYSTEM_WORDS: [(&str, MountFlags); 5] = [
    ("sync", MountFlags::SYNCHRONOUS),
    ("dirsync", MountFlags::DIRSYNC),
    ("lazytime", MountFlags::LAZYTIME),
    ("iversion", I_VERSION),
    ("silent", MountFlags::SILENT),
];

/// What an option word does to the attributes of a mount.
enum Attribute {
    Set(MountAttrFlags),
    Clear(MountAttrFlags),
}

impl Default for MountOptions {
    fn default() -> Self {
        Self {
            set: MountAttrFlags::empty(),
            clear: MountAttrFlags::empty(),
            recursive_set: MountAttrFlags::empty(),
            recursive_clear: MountAttrFlags::empty(),
            filesystem: MountFlags::empty(),
            bind: None,
            propagation: None,
            remount: false,
            copy_up: false,
            id_map: None,
            data: String::new(),
        }
    }
}

impl MountOptions {
    /// Parses an option list; unknown words are left to the filesystem.
    pub fn parse<S: AsRef<str>>(options: &[S]) -> Result<Self, OptionError> {
        let mut parsed = Self::default();
        for option in options {
            parsed.add(option.as_ref())?;
        }
        Ok(parsed)
    }

    /// Whether a mount of type `kind` with these options is a bind.
    pub fn binds(&self, kind: &str) -> bool {
        self.bind.is_some() || kind == "bind"
    }

    /// The attributes of a mount with nothing below it: what is recursive comes
    /// after what is not.
    pub fn whole(&self) -> MountAttrFlags {
        (self.set - self.recursive_clear) | self.recursive_set
    }

    /// Checks that every option has a meaning for a mount of type `kind`:
    /// nothing is passed over in silence.
    ///
    /// # Errors
    /// [`OptionError::Meaningless`] with the first that has none.
    pub fn check(&self, kind: &str) -> Result<(), OptionError> {
        let meaningless = |option: &str, kind| {
            Err(OptionError::Meaningless {
                option: option.to_owned(),
                kind,
            })
        };
        let what = match kind {
            _ if self.binds(kind) => "a bind",
            "cgroup" | "cgroup2" => "the container's cgroups",
            "tmpfs" => "a tmpfs",
            _ => "a filesystem other than tmpfs",
        };
        if self.copy_up && (kind != "tmpfs" || self.binds(kind)) {
            return meaningless("tmpcopyup", what);
        }
        if self.copy_up && self.filesystem.contains(I_VERSION) {
            return meaningless("iversion", "a tmpfs with tmpcopyup");
        }
        if self.copy_up && self.remount {
            return meaningless("tmpcopyup", "a remount");
        }
        if !matches!(what, "a bind" | "the container's cgroups") {
            return Ok(());
        }
        if let Some(option) = self.data.split(',').find(|option| !option.is_empty()) {
            return meaningless(option, what);
        }
        let word = FILESYSTEM_WORDS
            .iter()
            .find(|(word, flag)| *word != "silent" && self.filesystem.contains(*flag));
        match word {
            Some((word, _)) => meaningless(word, what),
            None => Ok(()),
        }
    }

    /// The attributes as flags of mount(2).
    pub fn mount_flags(&self) -> MountFlags {
        const PAIRS: [(MountAttrFlags, MountFlags); 6] = [
            (MountAttrFlags::MOUNT_ATTR_RDONLY, MountFlags::RDONLY),
            (MountAttrFlags::MOUNT_ATTR_NOSUID, MountFlags::NOSUID),
            (MountAttrFlags::MOUNT_ATTR_NODEV, MountFlags::NODEV),
            (MountAttrFlags::MOUNT_ATTR_NOEXEC, MountFlags::NOEXEC),
            (
                MountAttrFlags::MOUNT_ATTR_NODIRATIME,
                MountFlags::NODIRATIME,
            ),
            (
                MountAttrFlags::MOUNT_ATTR_NOSYMFOLLOW,
                MountFlags::NOSYMFOLLOW,
            ),
        ];
        let set = self.whole();
        let mut flags = self.filesystem;
        for (attribute, flag) in PAIRS {
            if set.contains(attribute) {
                flags |= flag;
            }
        }
        if set.contains(MountAttrFlags::MOUNT_ATTR_STRICTATIME) {
            flags |= MountFlags::STRICTATIME;
        } else if set.contains(MountAttrFlags::MOUNT_ATTR_NOATIME) {
            flags |= MountFlags::NOATIME;
        }
        flags
    }

    fn add(&mut self, option: &str) -> Result<(), OptionError> {
        if option.contains('\0') {
            return Err(OptionError::Invalid(option.to_owned()));
        }
        if let Some(propagation) = Propagation::parse(option) {
            self.propagation = Some(propagation);
            return Ok(());
        }
        if let Some(attribute) = attribute(option) {
            apply(attribute, &mut self.set, &mut self.clear);
            return Ok(());
        }
        if let Some(attribute) = option.strip_prefix('r').and_then(attribute) {
            apply(
                attribute,
                &mut self.recursive_set,
                &mut self.recursive_clear,
            );
            return Ok(());
        }
        match option {
            "" | "defaults" | "nomand" => {}
            "mand" => return Err(OptionError::MandatoryLocks),
            "async" => self.filesystem -= MountFlags::SYNCHRONOUS,
            "nolazytime" => self.filesystem -= MountFlags::LAZYTIME,
            "noiversion" => self.filesystem -= I_VERSION,
            "loud" => self.filesystem -= MountFlags::SILENT,
            "remount" => self.remount = true,
            "bind" => self.bind = self.bind.or(Some(Bind::Single)),
            "rbind" => self.bind = Some(Bind::Recursive),
            "tmpcopyup" => self.copy_up = true,
            "idmap" => self.id_map = self.id_map.or(Some(Bind::Single)),
            "ridmap" => self.id_map = Some(Bind::Recursive),
            data => {
                let known = FILESYSTEM_WORDS.iter().find(|(word, _)| *word == data);
                if let Some((_, flag)) = known {
                    self.filesystem |= *flag;
                    return Ok(());
                }
                self.add_data(data);
            }
        }
        Ok(())
    }

    /// Adds an option for the filesystem.
    pub(crate) fn add_data(&mut self, option: &str) {
        if !self.data.is_empty() {
            self.data.push(',');
        }
        self.data.push_str(option);
    }
}

/// The option words that are attributes of a mount.
fn attribute(option: &str) -> Option<Attribute> {
    use Attribute::{Clear, Set};
    use MountAttrFlags as A;
    Some(match option {
        "ro" => Set(A::MOUNT_ATTR_RDONLY),
        "rw" => Clear(A::MOUNT_ATTR_RDONLY),
        "nosuid" => Set(A::MOUNT_ATTR_NOSUID),
        "suid" => Clear(A::MOUNT_ATTR_NOSUID),
        "nodev" => Set(A::MOUNT_ATTR_NODEV),
        "dev" => Clear(A::MOUNT_ATTR_NODEV),
        "noexec" => Set(A::MOUNT_ATTR_NOEXEC),
        "exec" => Clear(A::MOUNT_ATTR_NOEXEC),
        "nodiratime" => Set(A::MOUNT_ATTR_NODIRATIME),
        "diratime" => Clear(A::MOUNT_ATTR_NODIRATIME),
        "nosymfollow" => Set(A::MOUNT_ATTR_NOSYMFOLLOW),
        "symfollow" => Clear(A::MOUNT_ATTR_NOSYMFOLLOW),
        "noatime" => Set(A::MOUNT_ATTR_NOATIME),
        "strictatime" => Set(A::MOUNT_ATTR_STRICTATIME),
        // The kernel's default; the three are values of one field.
        "relatime" | "atime" | "norelatime" | "nostrictatime" => Clear(A::MOUNT_ATTR__ATIME),
        _ => return None,
    })
}

/// The later of two contradicting words wins.
fn apply(attribute: Attribute, set: &mut MountAttrFlags, clear: &mut MountAttrFlags) {
    match attribute {
        Attribute::Set(flags) => {
            if MountAttrFlags::MOUNT_ATTR__ATIME.contains(flags) {
                set.remove(MountAttrFlags::MOUNT_ATTR__ATIME);
                // The kernel wants the whole field cleared to set one value of it.
                *clear |= MountAttrFlags::MOUNT_ATTR__ATIME;
            } else {
                clear.remove(flags);
            }
            *set |= flags;
        }
        Attribute::Clear(flags) => {
            set.remove(flags);
            *clear |= flags;
        }
    }
}

#[cfg(test)]
mod tests;
