//! A server that runs while something asks it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::Namespace;
use crate::engine::CommandLine;

/// Ended when it is dropped.
#[derive(Debug)]
pub struct Server(Child);

impl Server {
    /// Runs a program in a namespace, and waits until it prints a line with `ready` in it.
    pub fn start(namespace: &Namespace, command: &CommandLine, ready: &str) -> Result<Server> {
        let mut child = namespace.spawn(command.command().stdout(Stdio::piped()))?;
        let output = child.stdout.take();
        let server = Server(child);
        let mut lines = BufReader::new(output.context("no output")?);
        let mut line = String::new();
        while !line.contains(ready) {
            line.clear();
            let length = lines.read_line(&mut line)?;
            ensure!(length > 0, "{}: ended at once", command.describe());
        }
        // Whatever it prints later is read by nobody, and must not end it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
