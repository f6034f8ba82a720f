//! Throughput, as Debian's iperf3 measures it.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::Namespace;
use super::server::Server;
use crate::engine::CommandLine;
use crate::field::Field;

/// Where the server listens, unless told.
pub const PORT: u16 = 5201;

/// The installed program.
#[derive(Clone, Debug)]
pub struct Iperf {
    program: PathBuf,
    /// How long a measurement takes.
    seconds: u32,
}

/// How the client is run.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections side by side.
    pub streams: u32,
    /// Client and server keep to a processor each.
    pub pinned: bool,
}

impl Iperf {
    /// `None`, and a skip, where it is not installed.
    pub fn find(field: &Field, case: &str) -> Option<Iperf> {
        let program = Field::find("iperf3");
        if program.is_none() {
            field.skip(case, "iperf3 is not installed");
        }
        Some(Iperf {
            program: program?,
            seconds: if field.quick { 1 } else { 2 },
        })
    }

    /// Gigabits a second that arrive at a server in one namespace from a client in another, which
    /// reaches it at this address and port.
    pub fn measure(
        &self,
        server: &Namespace,
        client: &Namespace,
        to: (IpAddr, u16),
        load: Load,
    ) -> Result<f64> {
        let serve = ["-s", "-1", "-p", &PORT.to_string(), "--forceflush"];
        let serve = CommandLine::new(&self.program, &serve);
        let server = Server::start(server, &serve, "Server listening")?;
        let (address, port) = (to.0.to_string(), to.1.to_string());
        let (seconds, streams) = (self.seconds.to_string(), load.streams.to_string());
        let mut words = vec![
            "-J", "-c", &address, "-p", &port, "-t", &seconds, "-P", &streams,
        ];
        if load.pinned && std::thread::available_parallelism().is_ok_and(|count| count.get() > 1) {
            words.extend(["-A", "0,1"]);
        }
        let said = client.output(&CommandLine::new(&self.program, &words))?;
        drop(server);
        received(&said)
    }
}

/// `end.sum_received.bits_per_second` of iperf3's JSON, in gigabits.
fn received(json: &str) -> Result<f64> {
    let report: serde_json::Value = serde_json::from_str(json).context("iperf3's report")?;
    report
        .pointer("/end/sum_received/bits_per_second")
        .and_then(serde_json::Value::as_f64)
        .map(|bits| bits / 1e9)
        .context("iperf3's report has no sum_received")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_counts() {
        let report = r#"{"start": {}, "end": {
            "sum_sent": {"bits_per_second": 30000000000.0},
            "sum_received": {"bits_per_second": 25500000000.0}}}"#;
        assert_eq!(received(report).unwrap(), 25.5);
        assert!(received(r#"{"error": "unable to connect"}"#).is_err());
    }
}
