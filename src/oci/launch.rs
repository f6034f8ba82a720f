//! What `create` and `run` have in common: a bundle becomes a created container.

use std::os::fd::AsFd;
use std::path::PathBuf;

use oci_spec::runtime::Spec;
use rbox_runtime::lifecycle::{Container, CreateOptions};

use super::bundle;
use super::call::{Call, create_failure};
use super::console::Console;
use super::flags::{Flag, Kind, Parsed};
use crate::engine::failure::{Context, Failure};
use crate::engine::terminal;

/// `--bundle`.
pub static BUNDLE: Flag = Flag::with_short(
    "bundle",
    "b",
    Kind::Text,
    "directory of the bundle (default: the current directory)",
);
/// `--console-socket`.
pub static CONSOLE_SOCKET: Flag = Flag::new(
    "console-socket",
    Kind::Text,
    "unix socket that receives the terminal's master side",
);
/// `--pid-file`.
pub static PID_FILE: Flag = Flag::new("pid-file", Kind::Text, "file to write the process id to");
/// `--preserve-fds`.
pub static PRESERVE_FDS: Flag = Flag::new(
    "preserve-fds",
    Kind::Number,
    "pass this many descriptors after the standard streams and $LISTEN_FDS",
);
/// `--no-pivot`.
pub static NO_PIVOT: Flag = Flag::new(
    "no-pivot",
    Kind::Switch,
    "move the root instead of pivot_root, for a root filesystem on a ramdisk",
);
/// `--no-new-keyring`.
pub static NO_NEW_KEYRING: Flag = Flag::new(
    "no-new-keyring",
    Kind::Switch,
    "keep the caller's session keyring",
);

/// A container about to be made.
#[derive(Debug)]
pub struct Launch {
    bundle: PathBuf,
    spec: Spec,
    console: Console,
    preserved: Preserved,
}

/// Descriptors that the process gets beside its standard streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preserved {
    /// All, from 3 on.
    pub count: u32,
    /// The first ones, which `$LISTEN_FDS` is about.
    pub listening: u32,
}

impl Preserved {
    /// `--preserve-fds` and `$LISTEN_FDS` together. The latter counts only for
    /// the process that `$LISTEN_PID` names (sd_listen_fds(3)): a socket-activated
    /// engine hands its own variables on to whatever it starts.
    fn new(
        flags: &Parsed,
        listen_fds: Option<&str>,
        listen_pid: Option<&str>,
        own: u32,
    ) -> Result<Preserved, Failure> {
        let asked = flags.number(&PRESERVE_FDS).unwrap_or(0);
        let asked = u32::try_from(asked)
            .map_err(|_| Failure::new(format!("--preserve-fds {asked} is out of range")))?;
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
        let listening = match number(listen_pid) {
            Some(pid) if pid == own => number(listen_fds).unwrap_or(0),
            _ => 0,
        };
        let count = asked
            .checked_add(listening)
            .ok_or_else(|| Failure::new(format!("--preserve-fds {asked} is out of range")))?;
        Ok(Preserved { count, listening })
    }

    /// Of this process.
    pub fn of_caller(flags: &Parsed) -> Result<Preserved, Failure> {
        let variable = |name| std::env::var(name).ok();
        let (fds, pid) = (variable("LISTEN_FDS"), variable("LISTEN_PID"));
        Preserved::new(flags, fds.as_deref(), pid.as_deref(), std::process::id())
    }

    /// The environment that tells a process about passed sockets.
    pub fn environment(self) -> Vec<String> {
        match self.listening {
            0 => Vec::new(),
            count => vec![format!("LISTEN_FDS={count}"), "LISTEN_PID=1".to_owned()],
        }
    }
}

impl Launch {
    /// Reads the bundle and checks the flags; nothing is made yet.
    pub fn new(call: &Call, detach: bool) -> Result<Launch, Failure> {
        let flags = &call.flags;
        let preserved = Preserved::of_caller(flags)?;
        let bundle = flags.text(&BUNDLE).unwrap_or(".");
        // Without the trailing dot of ".".
        let bundle: PathBuf = std::path::absolute(bundle)
            .context(|| format!("find {bundle}"))?
            .components()
            .collect();
        let read = bundle::spec(&bundle)?;
        call.warn(read.warnings);
        let mut spec = read.value;
        let mut terminal = false;
        if let Some(process) = spec.process_mut() {
            terminal = process.terminal().unwrap_or(false);
            process
                .env_mut()
                .get_or_insert_default()
                .extend(preserved.environment());
        }
        let console = Console::prepare(terminal, detach, flags.text(&CONSOLE_SOCKET))?;
        Ok(Launch {
            bundle,
            spec,
            console,
            preserved,
        })
    }

    /// Makes the container and gives its terminal away.
    pub fn create(self, call: &Call) -> Result<Container, Failure> {
        let flags = &call.flags;
        call.log.debug(|| {
            format!(
                "create container {} of {}",
                call.id(),
                self.bundle.display()
            )
        });
        let mut options = CreateOptions::new(call.id(), &self.bundle, self.spec);
        if matches!(self.console, Console::Foreground) {
            options.console_size = terminal::size();
        }
        options.no_pivot = flags.on(&NO_PIVOT);
        options.no_new_keyring = flags.on(&NO_NEW_KEYRING);
        options.preserve_fds = self.preserved.count;
        options.systemd_cgroup = call.globals.systemd;
        options.pid_file = flags.text(&PID_FILE).map(PathBuf::from);
        let mut container = call.root().create(options).map_err(create_failure)?;
        call.warn(container.take_warnings());
        if let Console::Socket(_) = self.console
            && let Some(master) = container.take_console()
            && let Err(error) = self.console.send(master.as_fd())
        {
            // The failure to send is the one to tell.
            let _ = container.delete(true);
            return Err(error);
        }
        Ok(container)
    }
}

#[cfg(test)]
mod tests {
    use super::super::flags::parse;
    use super::*;

    fn preserved(line: &str, listen: Option<&str>) -> Result<Preserved, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let flags = parse(&[&PRESERVE_FDS], &words, true).unwrap();
        Preserved::new(&flags, listen, Some("7"), 7).map_err(|failure| failure.message)
    }

    #[test]
    fn descriptors_are_those_of_the_flag_and_of_systemd() {
        let some = |count, listening| Ok(Preserved { count, listening });
        assert_eq!(preserved("", None), some(0, 0));
        assert_eq!(preserved("--preserve-fds 2", Some("3")), some(5, 3));
        assert_eq!(preserved("--preserve-fds 2", Some("x")), some(2, 0));
        for wrong in ["-1", "4294967296"] {
            assert_eq!(
                preserved(&format!("--preserve-fds={wrong}"), None),
                Err(format!("--preserve-fds {wrong} is out of range"))
            );
        }
        assert!(preserved("--preserve-fds 4294967295", Some("1")).is_err());
    }

    #[test]
    fn variables_that_are_for_another_process_do_not_count() {
        let flags = parse(&[], &[], true).unwrap();
        for pid in [None, Some("8"), Some("x")] {
            let none = Preserved::new(&flags, Some("3"), pid, 7).unwrap();
            assert_eq!(none, Preserved::default());
        }
    }

    #[test]
    fn the_process_hears_of_systemds_sockets() {
        let told = |listening| {
            Preserved {
                count: 4,
                listening,
            }
            .environment()
        };
        assert_eq!(told(2), ["LISTEN_FDS=2", "LISTEN_PID=1"]);
        assert!(told(0).is_empty());
    }
}
