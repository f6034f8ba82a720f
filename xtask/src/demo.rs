//! `cargo xtask demo`: two Flask apps in Alpine containers talk to each other by name, shown step
//! by step in plain rbox commands. Their images are built by `rbox build`: of Docker Hub's Alpine
//! and its packages where both can be reached, else of the images that `cargo xtask images` makes.
//!
//! All state is below target/demo, so that the demo never meets the user's own containers.

use std::io::Write;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::{features, images, packages, visit, workspace};

const NETWORK: &str = "bridge-test";
const APP_A: &str = "app-a";
const APP_B: &str = "app-b";

/// Where an Alpine with Python and Flask comes from on the open internet.
const ONLINE: [&str; 2] = ["registry-1.docker.io:443", "dl-cdn.alpinelinux.org:443"];
/// How long a name server and then each address may take before the demo goes on without.
const PATIENCE: Duration = Duration::from_secs(2);

/// How to show it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    keep: bool,
}

impl Options {
    /// Understands `[--keep]`.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        match arguments {
            [] => Ok(Self { keep: false }),
            [flag] if flag == "--keep" => Ok(Self { keep: true }),
            _ => bail!("cargo xtask demo [--keep]: not {}", arguments.join(" ")),
        }
    }
}

/// Shows it all; fails if app A does not answer with app B's reply.
pub fn run(options: &Options) -> Result<()> {
    features::check_root("demo")?;
    features::check_kernel()?;
    let images = images::ensure()?;
    let demo = Demo::prepare()?;
    let shown = demo.show(&images);
    if shown.is_err() {
        demo.explain_failure();
    }
    if shown.is_ok() && options.keep {
        demo.say_what_next();
        return Ok(());
    }
    step("Clean up: containers, network and images go, nothing stays");
    let cleaned = demo.clean(true);
    shown.and(cleaned)?;
    println!("\nThat was it. `cargo xtask demo --keep` leaves it running for you to look around.");
    Ok(())
}

struct Demo {
    rbox: PathBuf,
    dir: PathBuf,
}

impl Demo {
    /// Builds rbox and clears away what an interrupted demo left.
    fn prepare() -> Result<Self> {
        step("Build rbox (one static binary; the first time takes a few minutes)");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["build", "--release", "--package", "rbox", "--bin", "rbox"];
        println!("    $ cargo {}", arguments.join(" "));
        let status = Command::new(cargo)
            .args(arguments)
            .current_dir(workspace::root())
            .stdin(Stdio::null())
            .status()
            .context("running cargo build")?;
        ensure!(status.success(), "rbox did not build");
        // Cargo puts it below the target's name because .cargo/config.toml names one.
        let rbox = workspace::build_dir().join("x86_64-unknown-linux-gnu/release/rbox");
        ensure!(rbox.exists(), "cargo built no {}", rbox.display());
        let demo = Self {
            rbox,
            dir: workspace::target().join("demo"),
        };
        if demo.dir.exists() {
            println!("    (clearing away what an earlier demo left in target/demo)");
            demo.clean(false)?;
        }
        std::fs::create_dir_all(&demo.dir)
            .with_context(|| format!("creating {}", demo.dir.display()))?;
        Ok(demo)
    }

    fn show(&self, images: &images::Images) -> Result<()> {
        self.build(images)?;

        step("A network: rbox makes a Linux bridge for it");
        self.command(&["network", "create", NETWORK])?;

        step("Two Flask apps on it, each in a container of its own");
        let network = format!("--net={NETWORK}");
        for name in [APP_B, APP_A] {
            let mut arguments = vec!["run", "-d", &network, "--name", name];
            if name == APP_A {
                // App A can be visited from this machine as well, on a port that is free.
                arguments.extend(["-p", "127.0.0.1::5000"]);
            }
            arguments.push(name);
            self.command(&arguments)?;
        }
        let address = self.published_address()?;
        visit::wait_until_answering(address)?;
        self.command(&["ps"])?;

        step("The wiring: a veth pair joins each container to the bridge");
        self.draw_wiring()?;
        self.command(&["network", "inspect", NETWORK])?;
        self.command(&["exec", APP_A, "ip", "address", "show", "eth0"])?;

        step("Names: app A finds app B by rbox's resolver");
        self.command(&["exec", APP_A, "cat", "/etc/resolv.conf"])?;
        self.command(&["exec", APP_A, "ping", "-c", "2", APP_B])?;

        step("App A asks app B over the network, and its reply contains app B's");
        let inside =
            self.command(&["exec", APP_A, "wget", "-q", "-O-", "http://127.0.0.1:5000/"])?;
        step("The same from this machine, by the published port");
        println!("    $ curl http://{address}/");
        let outside = visit::get(address)?;
        print_indented(&outside);
        for reply in [inside, outside] {
            ensure!(
                reply.contains("Hello from app A") && reply.contains("Hello from app B"),
                "app A's reply does not contain app B's: {reply}"
            );
        }
        Ok(())
    }

    /// An image for each app, of the same name.
    fn build(&self, images: &images::Images) -> Result<()> {
        let flask = if ONLINE.iter().all(|address| is_reachable(address)) {
            step("Alpine from Docker Hub");
            self.command(&["pull", "alpine:3.23"])?;
            "apk"
        } else {
            step(
                "Two images, imported from tar files: Docker Hub and Alpine's packages cannot be \
                 reached from here",
            );
            for (file, name) in [
                (&images.alpine, "alpine:3.23"),
                (&images.flask, "flask:3.1"),
            ] {
                let shown = file.strip_prefix(workspace::root()).unwrap_or(file);
                self.command(&["import", &shown.display().to_string(), name])?;
            }
            "stored"
        };
        step("An image for each app, built from examples/flask-pair/Dockerfile");
        let flask = format!("FLASK={flask}");
        for (name, program) in [(APP_B, "APP=app_b.py"), (APP_A, "APP=app_a.py")] {
            let arguments = [
                &["build", "--progress", "plain", "-t", name][..],
                &[
                    "--build-arg",
                    &flask,
                    "--build-arg",
                    program,
                    "examples/flask-pair",
                ],
            ];
            self.command(&arguments.concat())?;
        }
        self.command(&["images"])?;
        Ok(())
    }

    /// Where app A answers on this machine.
    fn published_address(&self) -> Result<SocketAddr> {
        let output = self.command(&["port", APP_A, "5000"])?;
        let first = output.lines().next().unwrap_or_default();
        first
            .trim()
            .parse()
            .with_context(|| format!("not an address: {first:?}"))
    }

    fn draw_wiring(&self) -> Result<()> {
        let network = self.inspect(&["network"], "{{.Id}}", NETWORK)?;
        let network: String = network.chars().take(12).collect();
        let config = "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}";
        let config = self.inspect(&["network"], config, NETWORK)?;
        let (subnet, gateway) = config.split_once(' ').unwrap_or((&config, ""));
        let address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let a = self.inspect(&[], address, APP_A)?;
        let b = self.inspect(&[], address, APP_B)?;
        println!();
        let (a, b) = (format!("eth0 {a}"), format!("eth0 {b}"));
        print_indented(&format!(
            "container {APP_A:<22} container {APP_B}\n\
             {a:<32} {b}\n\
             \x20    │ veth pair                       │ veth pair\n\
             ─────┴─────────────────────────────────┴──────\n\
             bridge br-{network}, address {gateway}\n\
             network {NETWORK}, {subnet}\n\
             \x20    │\n\
             this machine"
        ));
        println!();
        Ok(())
    }

    fn inspect(&self, object: &[&str], format: &str, name: &str) -> Result<String> {
        let arguments = [object, &["inspect", "-f", format, name]].concat();
        let output = self.rbox(&arguments).output().context("running rbox")?;
        ensure!(
            output.status.success(),
            "rbox {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Shows a command, runs it, shows what it printed and returns that.
    fn command(&self, arguments: &[&str]) -> Result<String> {
        println!("    $ rbox {}", arguments.join(" "));
        let output = self.rbox(arguments).output().context("running rbox")?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        print_indented(&printed);
        print_indented(&String::from_utf8_lossy(&output.stderr));
        ensure!(
            output.status.success(),
            "rbox {} ended with {}",
            arguments.join(" "),
            output.status
        );
        Ok(printed)
    }

    fn rbox(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.rbox);
        command
            .args(arguments)
            .current_dir(workspace::root())
            .env("RBOX_ROOT", self.root())
            .env("RBOX_RUN_ROOT", self.run_root())
            .env("PATH", packages::search_path())
            .stdin(Stdio::null());
        command
    }

    fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    fn run_root(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// What the apps said last, for whoever has to find out why they did not talk.
    fn explain_failure(&self) {
        step("This did not work. What there is:");
        for arguments in [&["ps", "-a"][..], &["logs", APP_A], &["logs", APP_B]] {
            let _ = self.command(arguments);
        }
    }

    fn clean(&self, aloud: bool) -> Result<()> {
        let mut first_failure = Ok(());
        for arguments in [&["rm", "-f", APP_A, APP_B][..], &["network", "rm", NETWORK]] {
            let outcome = if aloud {
                self.command(arguments).map(drop)
            } else {
                // Not everything need be there after an interrupted demo.
                self.rbox(arguments)
                    .output()
                    .map(drop)
                    .context("running rbox")
            };
            first_failure = first_failure.and(outcome);
        }
        if first_failure.is_ok() {
            std::fs::remove_dir_all(&self.dir)
                .with_context(|| format!("removing {}", self.dir.display()))?;
        }
        first_failure
    }

    fn say_what_next(&self) {
        println!(
            "\n\
             It is still running. In a root shell, try:\n\
             \n\
             \x20   export RBOX_ROOT={root} RBOX_RUN_ROOT={run}\n\
             \x20   export PATH={bin}:$PATH\n\
             \x20   rbox ps\n\
             \x20   rbox logs -f {APP_A}\n\
             \x20   rbox exec -it {APP_A} sh\n\
             \x20   rbox run -it --rm --net={NETWORK} alpine:3.23 wget -qO- http://{APP_A}:5000/\n\
             \x20   ip netns exec rbox-{APP_A} ss -tln\n\
             \n\
             and to end it:\n\
             \n\
             \x20   rbox rm -f {APP_A} {APP_B}\n\
             \x20   rbox network rm {NETWORK}\n\
             \x20   rm -r {dir}",
            root = self.root().display(),
            run = self.run_root().display(),
            bin = self.rbox.parent().unwrap_or(&self.rbox).display(),
            dir = self.dir.display(),
        );
    }
}

/// Whether somebody listens at one of the addresses of `host:port`.
fn is_reachable(address: &str) -> bool {
    let (sender, found) = std::sync::mpsc::channel();
    let name = address.to_owned();
    // A name server that says nothing keeps this thread for longer than the demo waits.
    std::thread::spawn(move || {
        let addresses = name.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let _ = sender.send(addresses.unwrap_or_default());
    });
    let addresses = found.recv_timeout(PATIENCE).unwrap_or_default();
    addresses
        .iter()
        .any(|address| TcpStream::connect_timeout(address, PATIENCE).is_ok())
}

fn step(title: &str) {
    println!("\n{title}");
}

fn print_indented(text: &str) {
    for line in text.lines() {
        println!("    {line}");
    }
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_is_the_only_option() {
        assert!(Options::parse(&["--keep".to_owned()]).unwrap().keep);
        assert!(!Options::parse(&[]).unwrap().keep);
        assert!(Options::parse(&["--loud".to_owned()]).is_err());
    }
}
