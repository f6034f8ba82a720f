//! A web application: from `run` to the first byte of its answer.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use flate2::read::GzDecoder;

use crate::engine::Engine;
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Finding, Table, Unit};
use crate::measure::{Entrant, milliseconds};

const ID: &str = "flask";

/// `run -d -p`, then a request until there is an answer.
pub const CASE: Case = Case {
    name: ID,
    about: "from `run -d -p` to the first byte of a Flask application's answer",
    quick: true,
    needs: &[Need::Peers, Need::Flask],
    run,
};

const APPLICATION: &str = r#"
import sys
from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return "Hello"


app.run(host="0.0.0.0", port=int(sys.argv[1]), threaded=True)
"#;

/// Inside; published at [`FIRST_PORT`] and those that follow, one a contender.
const PORT: &str = "5000";
const FIRST_PORT: u16 = 18080;

/// Between two requests that nobody answers.
const PAUSE: Duration = Duration::from_micros(500);

/// After that the application is taken for broken.
const PATIENCE: Duration = Duration::from_secs(60);

fn run(field: &Field) -> Result<Vec<Finding>> {
    let program = field.scratch.join("app.py");
    fs::write(&program, APPLICATION)?;
    let mut entrants = Vec::new();
    for (engine, port) in field.engines().zip(FIRST_PORT..) {
        let program = program.clone();
        entrants.push(Entrant::new(engine.name, move || {
            in_container(engine, &program, port)
        }));
    }
    match Bare::unpack(field) {
        Ok(bare) => entrants.push(Entrant::new("no container", move || bare.round())),
        Err(error) => field.skip("flask: without a container", format!("{error:#}")),
    }
    let contenders = field.compete(ID, entrants, 10)?;
    Ok(vec![Finding::Table(Table {
        id: ID.to_owned(),
        title: "from `run -d -p` to the first byte of a Flask application's answer".to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        contenders,
        budgets: Vec::new(),
        notes: vec![
            "`no container` is the same Python with the same application after a mere chroot: \
             most of the time is its own start."
                .to_owned(),
        ],
    })])
}

fn in_container(engine: &Engine, program: &Path, port: u16) -> Result<f64> {
    let mount = format!("{}:/app.py:ro", program.display());
    let publish = format!("{port}:{PORT}");
    let words = [
        "run",
        "-d",
        // Python as the first process hears no SIGTERM, with which some `rm -f` begins.
        "--stop-signal",
        "KILL",
        "-p",
        &publish,
        "-v",
        &mount,
        "flask:3.1",
        "python3",
        "/app.py",
        PORT,
    ];
    let command = engine.command(&words);
    let began = Instant::now();
    let said = command.output()?;
    let answered = first_byte(port, began);
    let id = said.lines().next_back().context("run -d printed no id")?;
    engine.quiet(&["rm", "-f", id])?;
    answered
}

/// The application without a container around it.
struct Bare {
    tree: PathBuf,
    chroot: PathBuf,
}

impl Bare {
    const PORT: u16 = FIRST_PORT - 1;

    fn unpack(field: &Field) -> Result<Self> {
        let chroot = Field::find("chroot").context("there is no chroot program")?;
        let tree = field.scratch.join("flask");
        let packed = File::open(&field.flask)?;
        let mut archive = tar::Archive::new(GzDecoder::new(packed));
        archive.set_preserve_permissions(true);
        archive
            .unpack(&tree)
            .with_context(|| format!("unpack {}", field.flask.display()))?;
        fs::write(tree.join("app.py"), APPLICATION)?;
        // As engines write it: the application asks for its host's name, and nobody else answers.
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        fs::write(
            tree.join("etc/hosts"),
            format!("127.0.0.1 localhost {host}\n"),
        )?;
        Ok(Self { tree, chroot })
    }

    fn round(&self) -> Result<f64> {
        let began = Instant::now();
        let mut child = Command::new(&self.chroot)
            .arg(&self.tree)
            .args(["python3", "/app.py", &Self::PORT.to_string()])
            // A new container finds nothing compiled either.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let answered = first_byte(Self::PORT, began);
        child.kill()?;
        child.wait()?;
        answered
    }
}

/// Milliseconds since `began`.
fn first_byte(port: u16, began: Instant) -> Result<f64> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    loop {
        match request(address) {
            Ok(()) => return Ok(milliseconds(began.elapsed())),
            Err(error) if began.elapsed() > PATIENCE => {
                bail!("no answer from {address}: {error}")
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Who publishes the port may accept before the application listens, and hang up.
fn request(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut byte = [0];
    stream.read_exact(&mut byte)
}
