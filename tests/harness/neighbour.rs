//! Another host on the same wire, for what comes from outside.

use std::process::{Command, Stdio};

use super::host::Host;
use super::output::Output;

/// A network namespace joined to the host by a veth pair: the host is
/// 198.51.100.2 and 2001:db8:100::2 on it, the neighbour has ::1 and .1.
pub struct Neighbour<'a> {
    host: &'a Host,
    holder: std::process::Child,
}

/// The host's address on the wire.
pub const HOST_ADDRESS: &str = "198.51.100.2";

impl<'a> Neighbour<'a> {
    pub fn new(host: &'a Host) -> Neighbour<'a> {
        // A process keeps the namespace; its pid names it. It ends when its stdin does.
        let mut holder = Command::new("unshare")
            .args(["-n", "sh", "-c", "echo ready; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0u8; 6];
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let neighbour = Neighbour { host, holder };
        let pid = neighbour.holder.id();
        host.sh(&format!(
            "set -e; ip link add uplink type veth peer name wire netns {pid}; \
             ip addr add {HOST_ADDRESS}/24 dev uplink; \
             ip -6 addr add 2001:db8:100::2/64 dev uplink nodad; ip link set uplink up"
        ))
        .ok();
        neighbour
            .sh(
                "set -e; ip link set lo up; ip addr add 198.51.100.1/24 dev wire; \
                 ip -6 addr add 2001:db8:100::1/64 dev wire nodad; ip link set wire up",
            )
            .ok();
        neighbour
    }

    /// A process over there.
    pub fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// From now on it says `hello` to whoever connects to its port 7000.
    pub fn greets(&self) {
        use std::io::Write;
        let listener = super::inside(self.pid(), || {
            std::net::TcpListener::bind("198.51.100.1:7000").unwrap()
        });
        // It ends with the program; the neighbour's namespace lives as long.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = stream.unwrap().write_all(b"hello\n");
            }
        });
    }

    /// Runs a shell command over there.
    pub fn sh(&self, line: &str) -> Output {
        let pid = self.holder.id().to_string();
        let output = Command::new("nsenter")
            .args(["-t", &pid, "-n", "sh", "-c", line])
            .envs(self.host.environment())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Output::new(line.to_owned(), output)
    }
}

impl Drop for Neighbour<'_> {
    fn drop(&mut self) {
        self.host.sh("ip link del uplink");
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
