//! Images that stages stand on or copy from: found, or fetched, before anything is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use rbox_images::{Digest, GetError, Image, Observer, Reference, Transfer};

use super::image::ImageConfig;
use super::progress::{Progress, Step};
use crate::engine::{Engine, Failure};

/// An image that is there.
#[derive(Debug)]
pub struct BaseImage {
    /// `docker.io/library/alpine:3.23`, as steps show it.
    pub shown: String,
    /// Its config.
    pub config: ImageConfig,
    /// Its layers, lowest first.
    pub layers: Vec<Digest>,
}

/// The images of a build, by the names written.
pub struct Bases<'a> {
    engine: &'a Engine,
    pull: bool,
    progress: &'a Progress<'a>,
    images: BTreeMap<String, Arc<BaseImage>>,
}

impl<'a> Bases<'a> {
    /// None yet; `pull` asks the registry even for those that are here.
    pub fn new(engine: &'a Engine, pull: bool, progress: &'a Progress<'a>) -> Bases<'a> {
        Bases {
            engine,
            pull,
            progress,
            images: BTreeMap::new(),
        }
    }

    /// The image of that name, each looked for once.
    pub fn get(&mut self, name: &str) -> Result<Arc<BaseImage>, Failure> {
        if let Some(known) = self.images.get(name) {
            return Ok(known.clone());
        }
        let found = Arc::new(self.find(name)?);
        self.images.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    /// Those that were asked for.
    pub fn into_images(self) -> BTreeMap<String, Arc<BaseImage>> {
        self.images
    }

    fn find(&self, name: &str) -> Result<BaseImage, Failure> {
        let shown = match name.parse::<Reference>() {
            Ok(reference) => reference.with_default_tag().to_string(),
            Err(_) => name.to_owned(),
        };
        let step = self
            .progress
            .begin(&format!("[internal] load metadata for {shown}"));
        let found = self.find_or_pull(name, &step).and_then(|image| {
            image
                .check_platform()
                .map_err(|error| Failure::new(error.to_string()))?;
            self.read(&image.id, shown)
        });
        match found {
            Ok(found) => {
                step.done();
                Ok(found)
            }
            Err(failure) => {
                step.failed(&failure);
                Err(failure)
            }
        }
    }

    fn find_or_pull(&self, name: &str, step: &Step<'_>) -> Result<Image, Failure> {
        let failed = |error: GetError| Failure::new(error.to_string());
        let here = match self.engine.images.get(name) {
            Ok(image) => Some(image),
            Err(GetError::NotFound(_)) => None,
            Err(error) => return Err(failed(error)),
        };
        match (here, name.parse::<Reference>()) {
            (Some(image), Ok(_)) if !self.pull => Ok(image),
            // An id: nowhere to pull it from.
            (Some(image), Err(_)) => Ok(image),
            (_, Ok(reference)) => {
                self.engine.pull(&reference, None, &Told(step))?;
                self.engine.images.get(name).map_err(failed)
            }
            (None, Err(error)) => Err(Failure::new(error.to_string())),
        }
    }

    fn read(&self, id: &str, shown: String) -> Result<BaseImage, Failure> {
        let bytes = self
            .engine
            .images
            .config(id)
            .map_err(|error| Failure::new(error.to_string()))?;
        let damaged = |error: &dyn std::fmt::Display| {
            Failure::new(format!("the config of image {shown} is damaged: {error}"))
        };
        let config: ImageConfig =
            serde_json::from_slice(&bytes).map_err(|error| damaged(&error))?;
        let layers = digests(&config.rootfs.diff_ids)?;
        Ok(BaseImage {
            shown,
            config,
            layers,
        })
    }
}

/// What a pull tells becomes lines of the step, one for each layer.
struct Told<'a>(&'a Step<'a>);

impl Observer for Told<'_> {
    fn layer(&self, id: &str, state: &Transfer) {
        match state {
            Transfer::Pulled => self.0.note(&format!("{id}: Pull complete")),
            Transfer::AlreadyExists => self.0.note(&format!("{id}: Already exists")),
            Transfer::Retrying { seconds } => {
                self.0.note(&format!("{id}: Retrying in {seconds} seconds"));
            }
            _ => {}
        }
    }

    fn line(&self, text: &str) {
        self.0.note(text);
    }
}

/// Diff-ids as a config has them.
pub fn digests(texts: &[String]) -> Result<Vec<Digest>, Failure> {
    texts
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|error| Failure::new(format!("invalid diff-id {text:?}: {error}")))
        })
        .collect()
}
