//! Who takes part: engines are started, given the same images, and tried. Nothing is measured yet, so
//! they do that side by side.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;

use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;

use crate::engine::docker::{self, Daemon};
use crate::engine::{Engine, podman};
use crate::finding::Skip;

/// The archives of root file systems that become images.
pub struct Images {
    /// Alpine's.
    pub alpine: PathBuf,
    /// The same with Python and Flask, where a case runs it.
    pub flask: Option<PathBuf>,
}

/// The peers that can compete.
#[derive(Default)]
pub struct Lineup {
    /// In the order of their turns.
    pub peers: Vec<Engine>,
    /// Docker's; ends when it is dropped.
    pub docker: Option<Daemon>,
    /// Who cannot, and why.
    pub skips: Vec<Skip>,
}

impl Lineup {
    /// Prepares rbox, which must be able to take part, and the peers where they are `wanted`.
    /// Alpine is unpacked to `rootfs` too, for what needs no engine.
    pub fn prepare(
        rbox: &Engine,
        wanted: bool,
        images: &Images,
        scratch: &Path,
        rootfs: &Path,
    ) -> Result<Lineup> {
        std::thread::scope(|scope| {
            let docker = wanted.then(|| scope.spawn(|| ready_docker(images, scratch)));
            let podman = wanted.then(|| scope.spawn(|| ready_podman(images, scratch)));
            unpack(&images.alpine, rootfs)?;
            images.bring_to(rbox)?;
            let mut lineup = Lineup::default();
            if let Some(daemon) = lineup.outcome(docker::NAME, docker) {
                lineup.peers.push(daemon.engine.clone());
                lineup.docker = Some(daemon);
            }
            if let Some((engine, skip)) = lineup.outcome(podman::NAME, podman) {
                lineup.peers.push(engine);
                lineup.skips.extend(skip);
            }
            Ok(lineup)
        })
    }

    /// What became of a peer; that it cannot take part is a skip.
    fn outcome<T>(
        &mut self,
        name: &str,
        thread: Option<ScopedJoinHandle<'_, Result<T>>>,
    ) -> Option<T> {
        let ended = thread?.join().ok().context("its thread died");
        let reason = match ended.flatten() {
            Ok(peer) => return Some(peer),
            Err(error) => format!("{error:#}"),
        };
        let what = name.to_owned();
        self.skips.push(Skip { what, reason });
        None
    }
}

fn ready_docker(images: &Images, scratch: &Path) -> Result<Daemon> {
    let daemon = Daemon::start(docker::NAME, scratch, &[])?;
    images.bring_to(&daemon.engine)?;
    try_out(&daemon.engine)?;
    Ok(daemon)
}

fn ready_podman(images: &Images, scratch: &Path) -> Result<(Engine, Option<Skip>)> {
    let (engine, skip) = podman::engine(scratch)?;
    images.bring_to(&engine)?;
    try_out(&engine)?;
    Ok((engine, skip))
}

/// A peer competes once it has run a container.
fn try_out(engine: &Engine) -> Result<()> {
    engine.command(&["run", "--rm", "alpine", "true"]).run()
}

impl Images {
    /// The same images under the same names.
    fn bring_to(&self, engine: &Engine) -> Result<()> {
        let flask = self.flask.as_ref();
        let flask = flask.map(|archive| (archive, "flask:3.1", r#"CMD ["python3"]"#));
        let images = [(&self.alpine, "alpine", r#"CMD ["/bin/sh"]"#)];
        for (archive, name, change) in images.into_iter().chain(flask) {
            let archive = archive.to_str().context("a path that is text")?;
            engine.quiet(&["import", "-c", change, archive, name])?;
        }
        Ok(())
    }
}

fn unpack(archive: &Path, rootfs: &Path) -> Result<()> {
    let packed = File::open(archive).with_context(|| archive.display().to_string())?;
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(true);
    archive.unpack(rootfs).context("unpack Alpine")
}
