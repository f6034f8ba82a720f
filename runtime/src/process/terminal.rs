//! The container's terminal and standard streams.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    FileType, Mode, OFlags, ResolveFlags, Uid, fchown, fstat, fstatfs, openat, openat2,
};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{Failure, Naming, sys};
use crate::rootfs::{bind, in_root};

/// `DEVPTS_SUPER_MAGIC`
const DEVPTS_MAGIC: i64 = 0x1cd1;

/// Rows and columns; 0 leaves the kernel's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WindowSize {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
}

/// Both sides of a new terminal of the container's own devpts.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) master: OwnedFd,
    pub(crate) slave: OwnedFd,
}

impl Terminal {
    /// Opens one in the devpts at /dev/pts inside `root`, owned by `owner`.
    pub(crate) fn open(
        root: BorrowedFd<'_>,
        size: WindowSize,
        owner: u32,
    ) -> Result<Self, Failure> {
        let title = || "open /dev/pts/ptmx";
        let pts =
            in_root::open(root, "/dev/pts", OFlags::PATH | OFlags::DIRECTORY).naming(title)?;
        // What is named ptmx elsewhere could be any device.
        if fstatfs(&pts).naming(title)?.f_type as i64 != DEVPTS_MAGIC {
            return Err(Errno::NODEV).naming(title);
        }
        // Nor is it opened with anything mounted on it: opening can act.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
        let master = openat2(&pts, "ptmx", flags, Mode::empty(), resolve).naming(title)?;
        unlockpt(&master).naming(title)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = ioctl_tiocgptpeer(&master, flags).naming(title)?;
        if size != WindowSize::default() {
            let size = Winsize {
                ws_row: size.rows,
                ws_col: size.columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            tcsetwinsize(&master, size).naming(|| "setting the terminal's size")?;
        }
        if owner != 0 {
            fchown(&slave, Some(Uid::from_raw(owner)), None).naming(|| "chown of the terminal")?;
        }
        Ok(Self { master, slave })
    }

    /// Makes /dev/console inside `root` this terminal. A symlink of that name
    /// is not followed: it could lead onto something that programs trust.
    pub(crate) fn mount_on_console(&self, root: BorrowedFd<'_>) -> Result<(), Failure> {
        let title = || "mounting the terminal on /dev/console";
        let dev = in_root::open(root, "/dev", OFlags::PATH | OFlags::DIRECTORY).naming(title)?;
        let create = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        match openat(&dev, "console", create, Mode::from_raw_mode(0o600)) {
            Ok(_) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).naming(title),
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let place = openat(&dev, "console", flags, Mode::empty()).naming(title)?;
        let kind = FileType::from_raw_mode(fstat(&place).naming(title)?.st_mode);
        if !matches!(kind, FileType::RegularFile | FileType::CharacterDevice) {
            return Err(Errno::LOOP).naming(title);
        }
        let tree = bind::clone_at(&self.slave, false).naming(title)?;
        bind::attach_on(tree.as_fd(), place.as_fd()).naming(title)
    }
}

/// Makes the terminal the standard streams and the session's controlling terminal.
pub(crate) fn take_over(slave: BorrowedFd<'_>) -> io::Result<()> {
    for number in 0..3 {
        sys::duplicate_to(slave, number, false)?;
    }
    Ok(rustix::process::ioctl_tiocsctty(slave)?)
}

/// Gives a pipe to the container's user, who could otherwise not open it again
/// as /dev/stdout. Nothing else is touched: a file may be the host's. Best
/// effort: the stream itself works without.
pub(crate) fn give_pipe_to(stream: BorrowedFd<'_>, owner: u32) {
    let pipe_of_another = |stat: &rustix::fs::Stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::Fifo && stat.st_uid != owner
    };
    if owner != 0 && fstat(stream).is_ok_and(|stat| pipe_of_another(&stat)) {
        let _ = fchown(stream, Some(Uid::from_raw(owner)), None);
    }
}
