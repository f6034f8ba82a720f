//! `pull`, and what `run` and `create` pull.

use rbox_images::{GetError, Observer, Platform, PullError, Pulled, Reference};

use super::event::Event;
use super::failure::Failure;
use super::request::{ContainerRequest, PullPolicy};
use super::{Engine, create, registry};

/// An image that a container needs and that has to be pulled first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Its name.
    pub name: Reference,
    /// Whether it is not here; else it is only to be made sure that it is the newest.
    pub missing: bool,
}

impl Engine {
    /// Pulls one image. The last line told says whether it is a newer one.
    pub fn pull(
        &self,
        name: &Reference,
        platform: Option<&Platform>,
        observer: &dyn Observer,
    ) -> Result<Pulled, Failure> {
        let client = self.registry_client()?;
        let name = name.clone().with_default_tag();
        let pulled = self
            .images
            .pull(&client, &name, platform, observer)
            .map_err(failure)?;
        self.pulled(&name);
        rbox_timing::mark("image pulled");
        tell_status(&name, pulled.newer, observer);
        Ok(pulled)
    }

    /// Pulls the images of all tags of a repository, up to the first that fails.
    pub fn pull_all_tags(
        &self,
        repository: &Reference,
        platform: Option<&Platform>,
        observer: &dyn Observer,
    ) -> Result<(), Failure> {
        let client = self.registry_client()?;
        let tags = client
            .tags(repository)
            .map_err(|error| failure(error.into()))?;
        let mut newer = false;
        for tag in tags {
            let text = format!("{}:{tag}", repository.repository());
            let name: Reference = text.parse().map_err(|error| {
                Failure::new(format!("the registry has an invalid tag {tag:?}: {error}"))
            })?;
            let pulled = self.images.pull(&client, &name, platform, observer);
            newer |= pulled.map_err(failure)?.newer;
            self.pulled(&name);
        }
        tell_status(repository, newer, observer);
        Ok(())
    }

    fn pulled(&self, name: &Reference) {
        let (id, repository) = (name.familiar(), name.repository_familiar());
        self.happened(&Event::image("pull", &id, &repository));
    }

    /// The image that must be pulled before the container can be created, if any. Whatever else is
    /// wrong with the request comes first.
    pub fn image_to_pull(&self, request: &ContainerRequest) -> Result<Option<Needed>, Failure> {
        create::check(request)?;
        let missing = match self.images.get(&request.image) {
            Ok(_) => false,
            Err(GetError::NotFound(_)) => true,
            Err(error) => return Err(Failure::new(error.to_string())),
        };
        let wanted = match request.pull {
            PullPolicy::Always => true,
            PullPolicy::Missing => missing,
            PullPolicy::Never => false,
        };
        if !wanted {
            return Ok(None);
        }
        match request.image.parse::<Reference>() {
            Ok(name) => Ok(Some(Needed { name, missing })),
            // An id: nowhere to pull it from.
            Err(_) if missing => Ok(None),
            Err(error) => Err(Failure::new(error.to_string())),
        }
    }
}

fn tell_status(name: &Reference, newer: bool, observer: &dyn Observer) {
    let status = if newer {
        "Downloaded newer image"
    } else {
        "Image is up to date"
    };
    observer.line(&format!("Status: {status} for {}", name.familiar()));
}

fn failure(error: PullError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        PullError::Registry(error) => registry::failure(&error),
        PullError::NoMatch { available, .. } if !available.is_empty() => {
            let list = available.join(", ");
            failure.hint(format!("there is one for {list}: choose with --platform"))
        }
        PullError::Platform { found, .. } => failure.hint(format!(
            "'rbox pull --platform {found}' takes it all the same"
        )),
        PullError::NoImage(_) => failure.hint("it is no image, but something else kept there"),
        _ => failure,
    }
}
