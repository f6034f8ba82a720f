//! Images beside Docker, Podman and umoci: one layer unpacked, pulled and packed, and a small
//! application built.
//!
//! The layer holds 4,000 files, 100 MB in all, of text that packs about three to one. Every
//! contender gets the same archive, and the same registry: Debian's docker-registry on loopback,
//! with its blobs in memory's reach. What a round stored is removed before the next one, untimed.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use flate2::write::GzEncoder;

use crate::measure::{self, Case, quiet};

const FILES: usize = 4_000;
const FILE_SIZE: usize = 25 * 1024;

/// Programs that run images, and how each is told to talk plain HTTP to loopback.
struct Engine {
    program: String,
    name: &'static str,
    plain_http: &'static [&'static str],
}

/// All cases, `rounds` times. `archive` is the tar of a root file system with Python.
pub fn run(rbox: &str, archive: &str, rounds: usize) -> Result<()> {
    let dir = tempfile::Builder::new().prefix("rbox-bench-").tempdir()?;
    let engines = engines(rbox);
    let layer = dir.path().join("layer.tar.gz");
    write_layer(&layer)?;
    quiet(rbox, &["import", text(&layer)?, "bench-layer"])?;
    let saved = dir.path().join("saved.tar");
    quiet(rbox, &["save", "-o", text(&saved)?, "bench-layer"])?;

    unpack(&engines, dir.path(), &saved, rounds)?;
    let registry = Registry::start(dir.path())?;
    pull(&engines, rbox, &registry, &saved, rounds)?;
    save(&engines, dir.path(), &saved, rounds)?;
    build(&engines, dir.path(), archive, rounds)?;
    let _ = quiet(rbox, &["rmi", "-f", "bench-layer"]);
    Ok(())
}

fn engines(rbox: &str) -> Vec<Engine> {
    let mut engines = vec![Engine {
        program: rbox.to_owned(),
        name: "rbox",
        plain_http: &[],
    }];
    for (name, plain_http) in [("docker", &[][..]), ("podman", &["--tls-verify=false"])] {
        if quiet(name, &["info"]).is_ok() {
            engines.push(Engine {
                program: name.to_owned(),
                name,
                plain_http,
            });
        } else {
            println!("SKIPPED {name}: not running");
        }
    }
    engines
}

impl Engine {
    fn case(&self, words: &[&str]) -> Case {
        Case::new(self.name, self.command(words))
    }

    fn command(&self, words: &[&str]) -> Vec<String> {
        let program = std::iter::once(self.program.as_str());
        program
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect()
    }

    fn quiet(&self, words: &[&str]) -> Result<String> {
        quiet(&self.program, words)
    }
}

/// A layer of pseudo-random words, the same each time.
fn write_layer(path: &Path) -> Result<()> {
    let packed = GzEncoder::new(File::create(path)?, flate2::Compression::default());
    let mut tar = tar::Builder::new(packed);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut content = Vec::with_capacity(FILE_SIZE);
    for number in 0..FILES {
        content.clear();
        while content.len() < FILE_SIZE {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let word = (state >> 33) % 5_000;
            content.extend_from_slice(format!("{:x}{word:04x} ", word * 7).as_bytes());
        }
        content.truncate(FILE_SIZE);
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        header.set_size(FILE_SIZE as u64);
        let name = format!("data/{:02}/file-{number}", number % 64);
        tar.append_data(&mut header, name, &content[..])?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

fn unpack(engines: &[Engine], dir: &Path, saved: &Path, rounds: usize) -> Result<()> {
    let archive = text(saved)?;
    let mut cases = Vec::new();
    for engine in engines {
        let _ = engine.quiet(&["rmi", "-f", "bench-layer"]);
        let loaded = engine.case(&["load", "-q", "-i", archive]);
        cases.push(loaded.then(engine.command(&["rmi", "-f", "bench-layer"])));
    }
    if let Some(case) = umoci(dir, saved)? {
        cases.push(case);
    }
    measure::take_turns(&mut cases, rounds)?;
    measure::print("load and unpack 100 MB, gzip", &cases, 0);
    Ok(())
}

/// umoci takes the layout itself and needs nothing of what load does besides.
fn umoci(dir: &Path, saved: &Path) -> Result<Option<Case>> {
    if quiet("umoci", &["--version"]).is_err() {
        println!("SKIPPED umoci: not installed");
        return Ok(None);
    }
    let layout = dir.join("layout");
    fs::create_dir(&layout)?;
    quiet("tar", &["-xf", text(saved)?, "-C", text(&layout)?])?;
    let bundle = dir.join("bundle").display().to_string();
    let image = format!("{}:latest", layout.display());
    let unpack = ["umoci", "unpack", "--image", &image, &bundle];
    let case = Case::new("umoci", unpack.map(str::to_owned).to_vec());
    Ok(Some(case.then(vec![
        "rm".to_owned(),
        "-rf".to_owned(),
        bundle,
    ])))
}

fn pull(
    engines: &[Engine],
    rbox: &str,
    registry: &Registry,
    saved: &Path,
    rounds: usize,
) -> Result<()> {
    let name = format!("127.0.0.1:{}/bench-layer:latest", registry.port);
    quiet(rbox, &["load", "-q", "-i", text(saved)?])?;
    quiet(rbox, &["tag", "bench-layer", &name])?;
    quiet(rbox, &["push", &name])?;
    let mut cases = Vec::new();
    for engine in engines {
        let _ = engine.quiet(&["rmi", "-f", "bench-layer"]);
        let _ = engine.quiet(&["rmi", "-f", &name]);
        let words: Vec<&str> = ["pull", "-q"]
            .into_iter()
            .chain(engine.plain_http.iter().copied())
            .chain([name.as_str()])
            .collect();
        let pulled = engine.case(&words);
        cases.push(pulled.then(engine.command(&["rmi", "-f", &name])));
    }
    measure::take_turns(&mut cases, rounds)?;
    measure::print("pull 100 MB from loopback", &cases, 0);
    Ok(())
}

fn save(engines: &[Engine], dir: &Path, saved: &Path, rounds: usize) -> Result<()> {
    let out = dir.join("out.tar").display().to_string();
    let mut cases = Vec::new();
    for engine in engines {
        engine.quiet(&["load", "-q", "-i", text(saved)?])?;
        let written = engine.case(&["save", "-o", &out, "bench-layer"]);
        cases.push(written.then(vec!["rm".to_owned(), "-f".to_owned(), out.clone()]));
    }
    measure::take_turns(&mut cases, rounds)?;
    measure::print("save 100 MB", &cases, 0);
    for engine in engines {
        engine.quiet(&["rmi", "-f", "bench-layer"])?;
    }
    Ok(())
}

/// The application of `examples/flask-pair` on a base that holds Python and Flask.
fn build(engines: &[Engine], dir: &Path, archive: &str, rounds: usize) -> Result<()> {
    let context = dir.join("context");
    fs::create_dir(&context)?;
    let app = "from flask import Flask\n\napp = Flask(__name__)\n";
    fs::write(context.join("app.py"), app)?;
    let dockerfile = "FROM bench-flask\nWORKDIR /app\nCOPY app.py .\n\
                      RUN python3 -m compileall -q app.py\nEXPOSE 5000\nCMD [\"python3\", \"app.py\"]\n";
    fs::write(context.join("Dockerfile"), dockerfile)?;
    let context = text(&context)?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for engine in engines {
        if engine.quiet(&["image", "inspect", "bench-flask"]).is_err() {
            engine.quiet(&["import", archive, "bench-flask"])?;
        }
        let built = ["build", "-q", "--no-cache", "-t", "bench-app", context];
        cold.push(engine.case(&built));
        warm.push(engine.case(&["build", "-q", "-t", "bench-app", context]));
    }
    measure::take_turns(&mut cold, rounds)?;
    measure::print("build, nothing cached", &cold, 0);
    measure::take_turns(&mut warm, rounds)?;
    measure::print("build, nothing changed", &warm, 0);
    for engine in engines {
        let _ = engine.quiet(&["rmi", "-f", "bench-app", "bench-flask"]);
    }
    Ok(())
}

/// Debian's docker-registry, ended with this.
struct Registry {
    child: Child,
    port: u16,
}

impl Registry {
    fn start(dir: &Path) -> Result<Registry> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config: PathBuf = dir.join("registry.yml");
        let blobs = dir.join("registry");
        let lines = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: \"127.0.0.1:{port}\"}}\n",
            blobs.display()
        );
        fs::write(&config, lines)?;
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("docker-registry, of the Debian package of that name")?;
        let registry = Registry { child, port };
        let asked = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if asked.elapsed() > Duration::from_secs(20) {
                bail!("docker-registry does not listen on port {port}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is text")
}
