//! Contenders that take turns.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::engine::CommandLine;
use crate::field::Field;
use crate::finding::Contender;

/// Long enough for most of what is left to be done.
const PAUSE: Duration = Duration::from_millis(60);

/// Takes one sample.
type Round<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

/// One that takes turns with others.
pub struct Entrant<'a> {
    name: String,
    round: Round<'a>,
}

impl<'a> Entrant<'a> {
    /// Any measurement.
    pub fn new(name: impl Into<String>, round: impl FnMut() -> Result<f64> + 'a) -> Self {
        Self {
            name: name.into(),
            round: Box::new(round),
        }
    }

    /// Milliseconds from the start of the first command to the end of the last; all must succeed.
    /// What is to be done `afterwards` makes the next round start where this one did, and is not
    /// timed.
    pub fn commands(
        name: impl Into<String>,
        commands: Vec<CommandLine>,
        afterwards: Vec<CommandLine>,
    ) -> Self {
        Self::new(name, move || {
            let began = Instant::now();
            for command in &commands {
                command.run()?;
            }
            let time = milliseconds(began.elapsed());
            for command in &afterwards {
                command.run()?;
            }
            Ok(time)
        })
    }

    fn sample(&mut self) -> Result<f64> {
        let sample = (self.round)().with_context(|| format!("measure {}", self.name))?;
        std::thread::sleep(PAUSE);
        Ok(sample)
    }

    /// One command, as [`Entrant::commands`].
    pub fn command(name: impl Into<String>, command: CommandLine) -> Self {
        Self::commands(name, vec![command], Vec::new())
    }
}

impl Field {
    /// [`take_turns`] among those that can do it: who fails when all warm up is a skip of `what`.
    /// Only ours, the first, must not fail.
    pub fn compete(
        &self,
        what: &str,
        entrants: Vec<Entrant<'_>>,
        usual: usize,
    ) -> Result<Vec<Contender>> {
        let mut able = Vec::with_capacity(entrants.len());
        for mut entrant in entrants {
            match entrant.sample() {
                Ok(_) => able.push(entrant),
                Err(error) if able.is_empty() => return Err(error),
                Err(error) => self.skip(format!("{what}: {}", entrant.name), format!("{error:#}")),
            }
        }
        turns(able, self.rounds(usual))
    }
}

/// A B C A B C, `rounds` times after one to warm up, with a pause after each: what an engine does
/// once its command has ended must not slow the next one's.
pub fn take_turns(mut entrants: Vec<Entrant<'_>>, rounds: usize) -> Result<Vec<Contender>> {
    for entrant in &mut entrants {
        entrant.sample()?;
    }
    turns(entrants, rounds)
}

fn turns(mut entrants: Vec<Entrant<'_>>, rounds: usize) -> Result<Vec<Contender>> {
    let mut contenders: Vec<Contender> = entrants
        .iter()
        .map(|entrant| Contender {
            name: entrant.name.clone(),
            samples: Vec::with_capacity(rounds),
        })
        .collect();
    for _ in 0..rounds {
        for (entrant, contender) in entrants.iter_mut().zip(&mut contenders) {
            contender.samples.push(entrant.sample()?);
        }
    }
    Ok(contenders)
}

/// For tables.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
