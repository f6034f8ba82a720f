//! Containers that a case keeps running. Dropped, they are gone, and their network with them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::engine::Engine;
use crate::measure::milliseconds;

/// Idle containers of one engine.
pub struct Fleet<'a> {
    /// Whose.
    pub engine: &'a Engine,
    /// Full ids, in the order of their starts.
    pub ids: Vec<String>,
    words: Vec<String>,
    network: Option<String>,
}

impl<'a> Fleet<'a> {
    /// None yet; on the engine's default network.
    pub fn new(engine: &'a Engine) -> Self {
        Self::with(engine, &[])
    }

    /// None yet; `options` are for `run`.
    pub fn with(engine: &'a Engine, options: &[&str]) -> Self {
        // `sleep` as the first process hears no SIGTERM, with which some `rm -f` begins.
        let run = ["run", "-d", "--stop-signal", "KILL"];
        let words = [&run, options, &["alpine", "sleep", "1000000"]].concat();
        Self {
            engine,
            ids: Vec::new(),
            words: words.into_iter().map(str::to_owned).collect(),
            network: None,
        }
    }

    /// None yet; on a network of their own, which is made.
    pub fn on_network(engine: &'a Engine, network: &str) -> Result<Self> {
        engine.quiet(&["network", "create", network])?;
        let mut fleet = Self::with(engine, &["--network", network]);
        fleet.network = Some(network.to_owned());
        Ok(fleet)
    }

    /// One more: milliseconds until `run -d` has returned.
    pub fn start(&mut self) -> Result<f64> {
        let (id, time) = self.started()?;
        self.ids.push(id);
        Ok(time)
    }

    /// So many more, up to `width` at a time: milliseconds until all have been started.
    pub fn start_together(&mut self, count: usize, width: usize) -> Result<f64> {
        let next = AtomicUsize::new(0);
        let ids = Mutex::new(Vec::with_capacity(count));
        let worker = || -> Result<()> {
            while next.fetch_add(1, Ordering::Relaxed) < count {
                let (id, _) = self.started()?;
                if let Ok(mut ids) = ids.lock() {
                    ids.push(id);
                }
            }
            Ok(())
        };
        let began = Instant::now();
        let outcome = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..width).map(|_| scope.spawn(worker)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or_else(|_| Ok(())))
        });
        let time = milliseconds(began.elapsed());
        self.ids.extend(ids.into_inner().unwrap_or_default());
        outcome?;
        Ok(time)
    }

    /// Until there are `count`; how long that takes does not matter.
    pub fn fill(&mut self, count: usize) -> Result<()> {
        let more = count.saturating_sub(self.ids.len());
        self.start_together(more, more.min(4)).map(drop)
    }

    /// A command about all of them, `rm -f`: milliseconds until it has returned.
    pub fn all(&self, words: &[&str]) -> Result<f64> {
        let ids = self.ids.iter().map(String::as_str);
        let words: Vec<&str> = words.iter().copied().chain(ids).collect();
        let command = self.engine.command(&words);
        let began = Instant::now();
        command.run()?;
        Ok(milliseconds(began.elapsed()))
    }

    /// `rm -f` of all: milliseconds.
    pub fn remove(&mut self) -> Result<f64> {
        let time = self.all(&["rm", "-f"])?;
        self.ids.clear();
        Ok(time)
    }

    fn started(&self) -> Result<(String, f64)> {
        let command = self.engine.command(&self.words);
        let began = Instant::now();
        let said = command.output()?;
        let time = milliseconds(began.elapsed());
        let id = said.lines().next_back().context("run -d printed no id")?;
        Ok((id.to_owned(), time))
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        let removed = if self.ids.is_empty() {
            Ok(())
        } else {
            self.remove().map(drop)
        };
        let network = self.network.iter();
        let gone = network
            .map(|network| self.engine.quiet(&["network", "rm", network]))
            .try_for_each(|outcome| outcome.map(drop));
        if let Err(error) = removed.and(gone) {
            eprintln!("left behind: {error:#}");
        }
    }
}
