//! `build`: a Dockerfile and a context become an image.
//!
//! ```text
//!  Dockerfile ──parse──▶ stages ──plan──▶ the stages that are needed, and what each takes
//!  --build-arg ─────────────────────────▶ from others
//!                                            │ independent ones in parallel
//!                                            ▼
//!  State {config, diff-ids, ARGs} ──instruction──▶ State ── … ──▶ config ──add_image──▶ image
//!          │ RUN, COPY, ADD, WORKDIR                ▲
//!          ├─ key ─▶ cache ─ hit ───────────────────┤
//!          └─ process or copy ─▶ tree ─▶ layer ─────┘
//! ```

pub mod base;
pub mod error;
pub mod event;
mod execute;
mod files;
mod flights;
pub mod image;
mod input;
pub mod key;
mod mounts;
pub mod plan;
mod process;
mod progress;
pub mod request;
pub mod run;
pub mod scope;
mod stage;
pub mod state;

use std::sync::Arc;

use rbox_images::dockerfile;

use self::base::Bases;
use self::error::{BuildError, Place};
use self::event::Listener;
use self::execute::Build;
use self::input::Input;
use self::plan::{Plan, Wanted};
use self::progress::Progress;
use self::request::BuildRequest;
use self::scope::Given;
use self::state::State;
use crate::engine::event::Event;
use crate::engine::{Engine, Failure};

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// `sha256:…`, the digest of the config.
    pub id: String,
}

impl Engine {
    /// Builds an image. Nothing is mounted or runs afterwards, however it ends; what steps made
    /// stays in the cache.
    ///
    /// # Errors
    /// The failure with its place in the Dockerfile, and the step where it was one. The exit code
    /// is the process's where a `RUN` failed.
    pub fn build(
        &self,
        request: &BuildRequest,
        listener: &dyn Listener,
    ) -> Result<Built, BuildError> {
        let progress = Progress::new(listener);
        if let Some(platform) = &request.platform {
            plan::check_platform(platform, "an image")?;
        }
        // Nothing of the store that is found goes away before the build is over.
        let _hold = self.images.hold().map_err(BuildError::of)?;
        let workspace = self.images.workspace().map_err(BuildError::of)?;
        let input = Input::load(request, &workspace, &progress)?;
        let parsed = input.parse()?;
        for warning in &parsed.warnings {
            progress.warn(&warning.value, Some((input.path(), *warning.lines.start())));
        }
        let mut given = Given::new(request.arguments.clone(), request.target.as_deref());
        for located in &parsed.global_args {
            for declaration in &located.value {
                given
                    .declare_global(declaration, &|word, lookup| {
                        input::expand(word, parsed.escape, lookup)
                    })
                    .map_err(|failure| input.error(failure, Some(&located.lines)))?;
            }
        }
        for name in given.unused(&parsed) {
            progress.warn(&format!("build-arg {name} is not used by any ARG"), None);
        }
        let mut bases = Bases::new(self, request.pull, &progress);
        let plan = self.plan(request, &parsed, &given, &input, &mut bases)?;
        let build = Build {
            engine: self,
            request,
            given: &given,
            input: &input,
            escape: parsed.escape,
            bases: bases.into_images(),
            workspace: &workspace,
            progress: &progress,
            cancel: run::Cancel::default(),
            flights: flights::Flights::default(),
        };
        let state = execute::stages(&build, &plan)?;
        self.export(request, &state, &progress)
    }

    fn plan(
        &self,
        request: &BuildRequest,
        parsed: &dockerfile::Dockerfile,
        given: &Given,
        input: &Input,
        bases: &mut Bases<'_>,
    ) -> Result<Plan, BuildError> {
        let wanted = Wanted {
            target: request.target.as_deref(),
            uncached: &request.uncached_stages,
        };
        let expand = |word: &str, lookup: &dyn Fn(&str) -> Option<String>| {
            input::expand(word, parsed.escape, lookup)
        };
        let mut triggers = |name: &str| Ok(bases.get(name)?.config.config.on_build.clone());
        let plan = plan::plan(parsed, given, &wanted, &expand, &mut triggers)
            .map_err(|(failure, lines)| input.error(failure, lines.as_ref()))?;
        for stage in &plan.stages {
            for source in stage.sources.values() {
                if let plan::Source::Image(name) = source {
                    bases
                        .get(name)
                        .map_err(|failure| input.error(failure, Some(&stage.lines)))?;
                }
            }
        }
        Ok(plan)
    }

    fn export(
        &self,
        request: &BuildRequest,
        state: &State,
        progress: &Progress<'_>,
    ) -> Result<Built, BuildError> {
        let mut image = state.image.clone();
        image.config.labels.extend(request.labels.iter().cloned());
        let step = progress.begin("exporting to image");
        let exported = (|| {
            let config = serde_json::to_vec(&image)
                .map_err(|error| Failure::new(format!("write the image's config: {error}")))?;
            let layers = base::digests(&image.rootfs.diff_ids)?;
            self.images
                .add_image(&config, &layers, &request.tags)
                .map_err(|error| Failure::new(error.to_string()))
        })();
        let id = match exported {
            Ok(id) => id.to_string(),
            Err(failure) => {
                step.failed(&failure);
                return Err(failure.into());
            }
        };
        step.note(&format!("writing image {id}"));
        for tag in &request.tags {
            step.note(&format!("naming to {tag}"));
        }
        step.done();
        self.happened(&Event::image("create", &id, &id));
        for tag in &request.tags {
            self.tagged(tag);
        }
        Ok(Built { id })
    }
}

/// The text of a Dockerfile and its name, for those who show lines of it.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the user knows it: `Dockerfile`.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
}

impl Source {
    /// A place in it.
    pub fn at(&self, lines: &std::ops::RangeInclusive<usize>) -> Place {
        Place {
            source: self.clone(),
            lines: lines.clone(),
        }
    }
}
