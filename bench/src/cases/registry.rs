//! Debian's docker-registry on loopback.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::engine::{CommandLine, Engine};
use crate::field::Field;

/// One that runs until this is dropped.
pub struct Registry {
    child: Child,
    port: u16,
    storage: PathBuf,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Registry {
    /// Starts one that keeps everything in `directory`. `None` where it is not installed.
    pub fn start(directory: &Path) -> Result<Option<Registry>> {
        let Some(program) = Field::find("docker-registry") else {
            return Ok(None);
        };
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let storage = directory.join("registry");
        let file = directory.join("registry.yml");
        fs::write(&file, configuration(port, &storage))
            .with_context(|| format!("write {}", file.display()))?;
        let child = Command::new(&program)
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let mut registry = Registry {
            child,
            port,
            storage,
        };
        registry.wait()?;
        Ok(Some(registry))
    }

    fn wait(&mut self) -> Result<()> {
        let asked = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("docker-registry ended: {status}");
            }
            if asked.elapsed() > PATIENCE {
                bail!("docker-registry does not listen on port {}", self.port);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What an image is called that is in it.
    pub fn name(&self, image: &str) -> String {
        format!("127.0.0.1:{}/{image}:latest", self.port)
    }

    /// `pull` or `push` of an image in it.
    pub fn transfer(&self, engine: &Engine, command: &str, image: &str) -> CommandLine {
        let name = self.name(image);
        let mut words = vec![command, "-q"];
        // The others know that nobody listens in on loopback.
        if engine.name == "podman" {
            words.push("--tls-verify=false");
        }
        words.push(&name);
        engine.command(&words)
    }

    /// Takes all images out of it.
    pub fn empty(&self) -> CommandLine {
        let mut command = CommandLine::new("rm", &["-rf"]);
        command.words.push(self.storage.clone().into_os_string());
        command
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(port: u16, storage: &Path) -> String {
    format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: \"{}\"}}}}\n\
         http: {{addr: \"127.0.0.1:{port}\"}}\n",
        storage.display()
    )
}
