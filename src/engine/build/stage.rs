//! One stage, instruction after instruction.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use rbox_images::dockerfile::{self, Instruction, Located};
use rbox_images::{CacheRecord, Digest, Layer};

use super::base;
use super::error::BuildError;
use super::execute::Build;
use super::flights::Made;
use super::plan::{self, Base, PlannedStage, Source};
use super::progress::Step;
use super::state::State;
use super::{files, input, process};
use crate::engine::clock;
use crate::engine::failure::{Context as _, Failure};

/// A stage in the making.
pub struct StageBuild<'a> {
    /// What all stages share.
    pub build: &'a Build<'a>,
    /// What it shall be.
    pub stage: &'a PlannedStage,
    /// The stages that it takes from.
    others: &'a [Option<Arc<State>>],
    /// What it is so far.
    pub state: State,
    /// Steps begun.
    begun: usize,
}

/// A step that makes a layer, ready to be done or to be found in the cache.
pub trait LayerStep {
    /// Of everything that its result depends on.
    fn key(&self) -> Digest;
    /// For the history.
    fn text(&self) -> String;
    /// Does it; `None` when nothing changed.
    fn make(&self, step: &Step<'_>) -> Result<Option<Layer>, Failure>;
}

/// Builds a stage; those that it needs are among `others`.
pub fn build(
    build: &Build<'_>,
    stage: &PlannedStage,
    others: &[Option<Arc<State>>],
) -> Result<State, BuildError> {
    let mut building = StageBuild {
        build,
        stage,
        others,
        state: State::default(),
        begun: 0,
    };
    building
        .begin()
        .map_err(|failure| build.input.error(failure, Some(&stage.lines)))?;
    for located in &stage.instructions {
        if build.cancel.is_given() {
            return Err(BuildError::of("cancelled"));
        }
        building.carry_out(located)?;
    }
    Ok(building.state)
}

impl StageBuild<'_> {
    fn begin(&mut self) -> Result<(), Failure> {
        self.state = match &self.stage.base {
            Base::Scratch => State::scratch(),
            Base::Stage(index) => State::on(self.other(*index)?.as_ref().clone()),
            Base::Image(name) => {
                let base = self.build.bases.get(name);
                let base = base.ok_or_else(|| Failure::new(format!("no base image {name}")))?;
                let title = self.title(&format!("FROM {}", base.shown));
                self.build.progress.begin(&title).cached();
                State::on_image(base.config.clone())
            }
        };
        Ok(())
    }

    fn other(&self, index: usize) -> Result<&Arc<State>, Failure> {
        self.others
            .get(index)
            .and_then(Option::as_ref)
            .ok_or_else(|| Failure::new("a stage that another needs was not built"))
    }

    /// `[web 2/4] RUN …`.
    fn title(&mut self, text: &str) -> String {
        self.begun += 1;
        let steps = self.stage.steps;
        let width = steps.to_string().len();
        let name = match self.stage.name.as_str() {
            "" => String::new(),
            name => format!("{name} "),
        };
        format!("[{name}{:>width$}/{steps}] {text}", self.begun)
    }

    fn carry_out(&mut self, located: &Located<Instruction>) -> Result<(), BuildError> {
        if !plan::is_step(&located.value) {
            let input = self.build.input;
            return self
                .change(located)
                .map_err(|failure| input.error(failure, Some(&located.lines)));
        }
        let title = self.title(&located.text);
        let step = self.build.progress.begin(&title);
        let id = step.id;
        let failed = |failure: Failure, lines: &RangeInclusive<usize>| BuildError {
            step: Some((id, title.clone())),
            ..self.build.input.error(failure, Some(lines))
        };
        match self.layer(located, &step) {
            Ok((made, text, cached)) => {
                self.note(&made, text);
                match cached {
                    true => step.cached(),
                    false => step.done(),
                }
                Ok(())
            }
            Err(failure) => {
                let error = failed(failure, &located.lines);
                if !self.build.cancel.is_given() {
                    step.failed(&error.failure);
                }
                Err(error)
            }
        }
    }

    fn change(&mut self, located: &Located<Instruction>) -> Result<(), Failure> {
        let escape = self.build.escape;
        let expand =
            |word: &str, lookup: &dockerfile::Lookup<'_>| input::expand(word, escape, lookup);
        let given = self.build.given;
        if let Some(text) = self.state.apply(&located.value, given, &expand)? {
            self.state.image.add_change(text);
        }
        Ok(())
    }

    fn layer(
        &mut self,
        located: &Located<Instruction>,
        step: &Step<'_>,
    ) -> Result<(Made, String, bool), Failure> {
        match &located.value {
            Instruction::Run(run) => self.cached_or_made(&process::prepare(self, run)?, step),
            Instruction::Copy(copy) => self.cached_or_made(&files::copy(self, copy)?, step),
            Instruction::Add(add) => self.cached_or_made(&files::add(self, add)?, step),
            Instruction::Workdir(path) => {
                let path = self.expanded(path)?;
                let path = self.state.path(&path);
                self.state.image.config.working_dir.clone_from(&path);
                self.cached_or_made(&files::workdir(self, path)?, step)
            }
            _ => Err(Failure::new("an instruction that makes no layer")),
        }
    }

    /// What the step made the last time, or makes now; and whether it was there.
    fn cached_or_made(
        &self,
        prepared: &dyn LayerStep,
        step: &Step<'_>,
    ) -> Result<(Made, String, bool), Failure> {
        let Build {
            engine,
            request,
            flights,
            ..
        } = self.build;
        let (key, text) = (prepared.key(), prepared.text());
        let flight = match flights.take(&key) {
            Ok(flight) => flight,
            Err(made) => return Ok((made, text, true)),
        };
        let use_cache = !request.no_cache && !self.stage.uncached;
        if use_cache && let Some(record) = engine.images.cache_get(&key) {
            let made = Made {
                diff_id: record.diff_id,
                created: record.created,
            };
            flight.land(&made);
            return Ok((made, text, true));
        }
        let layer = prepared.make(step)?;
        let now = clock::unix_nanos() / 1_000_000_000;
        let made = Made {
            diff_id: layer.map(|layer| layer.diff_id.to_string()),
            created: request.epoch.unwrap_or(now),
        };
        let record = CacheRecord {
            diff_id: made.diff_id.clone(),
            step: text.clone(),
            created: made.created,
        };
        engine
            .images
            .cache_put(&key, &record)
            .context(|| "keep the step in the build cache".into())?;
        flight.land(&made);
        Ok((made, text, false))
    }

    /// The step's layer and history.
    fn note(&mut self, made: &Made, text: String) {
        match &made.diff_id {
            Some(diff_id) => {
                let created = clock::format_nanos(made.created.saturating_mul(1_000_000_000));
                self.state.image.add_layer(diff_id, text, created);
            }
            None => self.state.image.add_change(text),
        }
    }

    /// Variables replaced.
    pub fn expanded(&self, word: &str) -> Result<String, Failure> {
        let escape = self.build.escape;
        self.state
            .expanded(word, &|word, lookup| input::expand(word, escape, lookup))
    }

    /// The same for several words.
    pub fn all_expanded(&self, words: &[String]) -> Result<Vec<String>, Failure> {
        words.iter().map(|word| self.expanded(word)).collect()
    }

    /// The layers so far, lowest first.
    pub fn layers(&self) -> Result<Vec<Digest>, Failure> {
        base::digests(&self.state.image.rootfs.diff_ids)
    }

    /// The layers of what `--from=` names.
    pub fn source(&self, from: &str) -> Result<Vec<Digest>, Failure> {
        match self.stage.sources.get(from) {
            Some(Source::Stage(index)) => base::digests(&self.other(*index)?.image.rootfs.diff_ids),
            Some(Source::Image(name)) => match self.build.bases.get(name) {
                Some(image) => Ok(image.layers.clone()),
                None => Err(Failure::new(format!("no image {name}"))),
            },
            None => Err(Failure::new(format!("invalid from flag value {from}"))),
        }
    }

    /// A fresh directory on the filesystem of the layers.
    pub fn scratch(&self, name: &str) -> Result<PathBuf, Failure> {
        self.build
            .workspace
            .directory(name)
            .context(|| "make a directory for the step".into())
    }
}
