//! Docker, with a daemon of the bench's own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::Engine;
use crate::field::Field;

/// As in tables.
pub const NAME: &str = "docker";

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running dockerd; stopped when it is dropped.
pub struct Daemon {
    /// The command that talks to it.
    pub engine: Engine,
    child: Child,
}

impl Daemon {
    /// Another daemon than the first needs another name, and arguments that keep the two apart
    /// (`--bridge=none`, or a bridge of its own).
    pub fn start(name: &'static str, scratch: &Path, extra: &[&str]) -> Result<Self> {
        let program = Field::find("docker").context("docker is not installed")?;
        let dockerd = Field::find("dockerd").context("dockerd is not installed")?;
        let socket = format!("unix:///run/{name}.sock");
        let data = scratch.join(name);
        fs::create_dir_all(&data)?;
        let log = data.join("log");
        let child = Command::new(dockerd)
            .arg("--data-root")
            .arg(&data)
            .args(["--exec-root", &format!("/run/{name}")])
            .args(["--pidfile", &format!("/run/{name}.pid")])
            .args(["--host", &socket])
            // What it and we use where there is no systemd.
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs"])
            .args(["--storage-driver", "overlay2"])
            .args(extra)
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .spawn()
            .context("start dockerd")?;
        let engine = Engine {
            name,
            program,
            globals: vec!["--host".to_owned(), socket],
            environment: Vec::new(),
        };
        let mut daemon = Self { engine, child };
        daemon.answers(&log)?;
        println!("{}", daemon.engine.quiet(&["--version"])?);
        Ok(daemon)
    }

    fn answers(&mut self, log: &PathBuf) -> Result<()> {
        let began = Instant::now();
        while self.engine.quiet(&["info"]).is_err() {
            let gone = self.child.try_wait()?;
            if gone.is_some() || began.elapsed() > PATIENCE {
                let said = fs::read_to_string(log).unwrap_or_default();
                bail!(
                    "dockerd does not answer: {}",
                    said.lines().next_back().unwrap_or("it says nothing")
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let asked = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = asked {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
