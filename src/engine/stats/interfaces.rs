//! What went through the interfaces of a process's network namespace: /proc/<pid>/net/dev.

use std::fs::File;
use std::io::Read;

/// Bytes that are read: a container may make interfaces without end.
const MOST: u64 = 256 * 1024;

/// Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Into the container.
    pub received: u64,
    /// Out of it.
    pub sent: u64,
}

/// Of the interfaces of these names; none where the process is gone.
pub fn traffic(pid: i32, names: &[&str]) -> Traffic {
    let mut text = String::new();
    let file = File::open(format!("/proc/{pid}/net/dev"));
    let read = file.map(|file| file.take(MOST).read_to_string(&mut text));
    match read {
        Ok(Ok(_)) => sum(&text, names),
        _ => Traffic::default(),
    }
}

/// The first of eight columns is bytes received, the first of the next eight bytes sent.
fn sum(text: &str, names: &[&str]) -> Traffic {
    let mut total = Traffic::default();
    for line in text.lines() {
        let Some((name, counters)) = line.split_once(':') else {
            continue;
        };
        if !names.contains(&name.trim()) {
            continue;
        }
        let mut counters = counters.split_whitespace().map(str::parse::<u64>);
        if let (Some(Ok(received)), Some(Ok(sent))) = (counters.next(), counters.nth(7)) {
            total.received = total.received.saturating_add(received);
            total.sent = total.sent.saturating_add(sent);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::{Traffic, sum};

    #[test]
    fn only_what_networks_gave_is_counted() {
        let text = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
    lo:  999       8    0    0    0     0          0         0      999       8    0    0    0     0       0          0
  eth0: 1090      11    0    0    0     0          0         0      126       3    0    0    0     0       0          0
  eth1:18446744073709551615 1 0 0 0 0 0 0 4 1 0 0 0 0 0 0
 dummy: 5 5
";
        let total = Traffic {
            received: 1090,
            sent: 126,
        };
        assert_eq!(sum(text, &["eth0", "dummy"]), total);
        assert_eq!(sum(text, &["eth0", "eth1"]).received, u64::MAX);
        assert_eq!(sum("", &["eth0"]), Traffic::default());
    }
}
