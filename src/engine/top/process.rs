//! One process, from its files in /proc (proc(5)). What it says of itself, its name and its command
//! line, may be anything.

use std::fs::File;
use std::io::Read;

/// Bytes that are read of any of its files.
const MOST: u64 = 32 * 1024;

/// What is known of a process. Ticks are hundredths of a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// In this pid namespace.
    pub pid: i32,
    /// Its parent there.
    pub ppid: i32,
    /// Process group.
    pub pgid: i32,
    /// Session.
    pub sid: i32,
    /// Foreground process group of its terminal.
    pub foreground: i32,
    /// `R`, `S`, `Z`, …
    pub state: char,
    /// Device of its terminal, 0 for none.
    pub terminal: u64,
    /// Processor time, ticks.
    pub used: u64,
    /// When it started, ticks after boot.
    pub started: u64,
    /// Nice value.
    pub nice: i64,
    /// Threads.
    pub threads: u64,
    /// Bytes of address space.
    pub virtual_bytes: u64,
    /// Pages in memory.
    pub resident_pages: u64,
    /// The processor that it last ran on.
    pub processor: u64,
    /// Effective user, the host's number.
    pub uid: u32,
    /// Effective group, the host's number.
    pub gid: u32,
    /// Has memory locked.
    pub locked: bool,
    /// Its own name.
    pub name: String,
    /// Its command line; empty for none.
    pub arguments: String,
}

impl Process {
    /// Reads one; `None` when it is gone.
    pub fn read(pid: i32) -> Option<Process> {
        let file = |name: &str| {
            let mut bytes = Vec::new();
            let file = File::open(format!("/proc/{pid}/{name}")).ok()?;
            file.take(MOST).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        };
        let mut process = stat(&String::from_utf8_lossy(&file("stat")?))?;
        status(&mut process, &String::from_utf8_lossy(&file("status")?));
        process.arguments = arguments(&file("cmdline").unwrap_or_default());
        Some(process)
    }
}

/// `/proc/<pid>/stat`. The name is in parentheses and may itself have some.
fn stat(text: &str) -> Option<Process> {
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Numbered as in proc(5), where the state is the third.
    let field = |number: usize| fields.get(number - 3).copied();
    let int = |number: usize| field(number)?.parse::<i64>().ok();
    let unsigned = |number: usize| field(number)?.parse::<u64>().ok();
    let id = |number: usize| i32::try_from(int(number)?).ok();
    Some(Process {
        pid: pid.trim().parse().ok()?,
        name: printable(name),
        state: field(3)?.chars().next()?,
        ppid: id(4)?,
        pgid: id(5)?,
        sid: id(6)?,
        terminal: u64::from(u32::from_ne_bytes(id(7)?.to_ne_bytes())),
        foreground: id(8)?,
        used: unsigned(14)?.saturating_add(unsigned(15)?),
        nice: int(19)?,
        threads: unsigned(20)?,
        started: unsigned(22)?,
        virtual_bytes: unsigned(23)?,
        resident_pages: unsigned(24)?,
        processor: unsigned(39)?,
        ..Process::default()
    })
}

/// `/proc/<pid>/status`: users and groups are real, effective, saved, filesystem's.
fn status(process: &mut Process, text: &str) {
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let mut values = value.split_whitespace();
        let effective = |mut values: std::str::SplitWhitespace<'_>| values.nth(1)?.parse().ok();
        match key {
            "Uid" => process.uid = effective(values).unwrap_or_default(),
            "Gid" => process.gid = effective(values).unwrap_or_default(),
            "VmLck" => process.locked = values.next().is_some_and(|size| size != "0"),
            _ => {}
        }
    }
}

/// Words that end in NUL each, one blank between.
fn arguments(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    let words = &bytes[..end.map_or(0, |at| at + 1)];
    let spaced: Vec<u8> = words
        .iter()
        .map(|byte| if *byte == 0 { b' ' } else { *byte })
        .collect();
    printable(&String::from_utf8_lossy(&spaced))
}

/// Nothing that a terminal would take for an order.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Process, arguments, stat, status};

    const STAT: &str = "4321 (a) (b \u{1b}c) S 4300 4321 4300 34817 4321 4194560 1 2 3 4 250 30 0 0 \
                        20 -5 2 0 123456 8192000 512 18446744073709551615 1 1 0 0 0 0 0 4096 65536 \
                        0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn fields_are_found_behind_any_name() {
        let process = stat(STAT).unwrap();
        assert_eq!(process.pid, 4321);
        assert_eq!(process.name, "a) (b ?c");
        assert_eq!(process.state, 'S');
        assert_eq!(
            (process.ppid, process.pgid, process.sid),
            (4300, 4321, 4300)
        );
        assert_eq!((process.terminal, process.foreground), (34817, 4321));
        assert_eq!((process.used, process.nice, process.threads), (280, -5, 2));
        assert_eq!(process.started, 123_456);
        assert_eq!(process.virtual_bytes, 8_192_000);
        assert_eq!((process.resident_pages, process.processor), (512, 3));
        for broken in ["", "1 (a", "1 (a) ", "1 (a) S x", "x (a) S 1"] {
            assert_eq!(stat(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn users_are_the_effective_ones() {
        let mut process = Process::default();
        status(
            &mut process,
            "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nVmLck:\t      4 kB\nodd\n",
        );
        assert_eq!((process.uid, process.gid, process.locked), (2, 6, true));
    }

    #[test]
    fn command_lines_are_words_with_blanks_and_no_orders_to_terminals() {
        assert_eq!(arguments(b"sh\0-c\0a b\0"), "sh -c a b");
        assert_eq!(arguments(b"\x1b[2Jx\nrm\0\0\0"), "?[2Jx?rm");
        assert_eq!(arguments(b""), "");
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let process = Process::read(pid).unwrap();
        assert_eq!(process.pid, pid);
        assert!(process.threads >= 1 && process.virtual_bytes > 0);
        assert_eq!(Process::read(-1), None);
    }
}
