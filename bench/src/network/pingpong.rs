//! Round trips and new connections, as the program `pingpong` of this crate measures them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::Namespace;
use super::server::Server;
use crate::engine::CommandLine;

/// Where the server listens.
pub const PORT: u16 = 7000;

/// The program, beside this one.
#[derive(Clone, Debug)]
pub struct Pingpong(PathBuf);

/// What carries a byte.
#[derive(Clone, Copy, Debug)]
pub enum Transport {
    /// One connection.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Pingpong {
    /// Built with this program, and lies beside it.
    pub fn find() -> Result<Pingpong> {
        let path = std::env::current_exe()?.with_file_name("pingpong");
        anyhow::ensure!(path.is_file(), "{}: not built", path.display());
        Ok(Pingpong(path))
    }

    /// Answers bytes and datagrams in a namespace.
    pub fn echo(&self, namespace: &Namespace) -> Result<Server> {
        self.serve(namespace, "echo")
    }

    /// Greets connections in a namespace.
    pub fn greet(&self, namespace: &Namespace) -> Result<Server> {
        self.serve(namespace, "greet")
    }

    fn serve(&self, namespace: &Namespace, what: &str) -> Result<Server> {
        let address = format!("0.0.0.0:{PORT}");
        let command = CommandLine::new(&self.0, &[what, &address]);
        Server::start(namespace, &command, "ready")
    }

    /// The median of so many round trips to an echo, microseconds.
    pub fn round_trip(
        &self,
        from: &Namespace,
        transport: Transport,
        to: IpAddr,
        count: usize,
    ) -> Result<f64> {
        let what = match transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        let (to, count) = (SocketAddr::new(to, PORT).to_string(), count.to_string());
        figure(&self.ask(from, &[what, &to, &count])?, "median")
    }

    /// How many of so many connections a second are opened, greeted and closed.
    pub fn connections(
        &self,
        from: &Namespace,
        to: SocketAddr,
        count: usize,
        threads: usize,
    ) -> Result<f64> {
        let (to, count, threads) = (to.to_string(), count.to_string(), threads.to_string());
        figure(
            &self.ask(from, &["connect", &to, &count, &threads])?,
            "rate",
        )
    }

    fn ask(&self, from: &Namespace, words: &[&str]) -> Result<String> {
        from.output(&CommandLine::new(&self.0, words))
    }
}

/// The number after a name, a line each.
fn figure(said: &str, name: &str) -> Result<f64> {
    said.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .with_context(|| format!("pingpong did not say {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_names() {
        let said = "median 12.345\np99 99.000\n";
        assert_eq!(figure(said, "median").unwrap(), 12.345);
        assert_eq!(figure(said, "p99").unwrap(), 99.0);
        assert!(figure(said, "rate").is_err());
    }
}
