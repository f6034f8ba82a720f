//! A machine for one engine alone: no other's firewall rules are passed there.

use anyhow::{Context as _, Result};

use super::Namespace;
use crate::engine::Engine;
use crate::engine::docker::{self, Daemon};
use crate::field::Field;

/// A network namespace and the engine that works in it.
pub struct Host {
    /// As in tables.
    pub name: &'static str,
    /// Where its bridges and rules are.
    pub namespace: Namespace,
    engine: Engine,
    _daemon: Option<Daemon>,
}

impl Host {
    /// For an engine as it is. Docker gets another daemon, as the first one stays where it is.
    pub fn of(engine: &Engine, field: &Field) -> Result<Host> {
        match engine.name {
            docker::NAME => Host::docker(docker::NAME, "docker-alone", &[], field),
            name => Ok(Host {
                name,
                namespace: empty()?,
                engine: engine.clone(),
                _daemon: None,
            }),
        }
    }

    /// Where this process is, and every other engine.
    pub fn shared(engine: &Engine) -> Result<Host> {
        Ok(Host {
            name: engine.name,
            namespace: Namespace::current()?,
            engine: engine.clone(),
            _daemon: None,
        })
    }

    /// For a Docker daemon with further options, known by a `name` in tables and by one that no
    /// other daemon has.
    pub fn docker(
        name: &'static str,
        daemon: &'static str,
        options: &[&str],
        field: &Field,
    ) -> Result<Host> {
        let namespace = empty()?;
        let daemon = namespace.inside(|| Daemon::start(daemon, &field.scratch, options))?;
        let alpine = field.alpine.to_str().context("a path that is text")?;
        daemon.engine.quiet(&["import", alpine, "alpine"])?;
        Ok(Host {
            name,
            namespace,
            engine: daemon.engine.clone(),
            _daemon: Some(daemon),
        })
    }

    /// What the engine prints; it must succeed.
    pub fn quiet(&self, words: &[&str]) -> Result<String> {
        self.namespace.inside(|| self.engine.quiet(words))
    }
}

/// Frames within its bridges do not pass the firewall, which is so wherever nobody has loaded
/// br_netfilter, as Docker does.
fn empty() -> Result<Namespace> {
    let namespace = Namespace::new()?;
    namespace.filter_bridged(false)?;
    Ok(namespace)
}
