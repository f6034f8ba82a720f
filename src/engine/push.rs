//! `push`.

use rbox_images::{Client, Observer, Platform, PushError, Reference};

use super::event::Event;
use super::failure::Failure;
use super::{Engine, registry};

impl Engine {
    /// Pushes one tag.
    pub fn push(
        &self,
        name: &Reference,
        platform: Option<&Platform>,
        observer: &dyn Observer,
    ) -> Result<(), Failure> {
        let client = self.registry_client()?;
        tell_where(name, observer);
        self.push_tag(&client, name, platform, observer)
    }

    /// Pushes all tags of a repository, up to the first that fails.
    pub fn push_all_tags(
        &self,
        repository: &Reference,
        platform: Option<&Platform>,
        observer: &dyn Observer,
    ) -> Result<(), Failure> {
        let client = self.registry_client()?;
        tell_where(repository, observer);
        for name in self.images.tags_of(repository).map_err(failure)? {
            self.push_tag(&client, &name, platform, observer)?;
        }
        Ok(())
    }

    fn push_tag(
        &self,
        client: &Client,
        name: &Reference,
        platform: Option<&Platform>,
        observer: &dyn Observer,
    ) -> Result<(), Failure> {
        let pushed = self.images.push(client, name, platform, observer);
        pushed.map_err(failure)?;
        let (id, repository) = (name.familiar(), name.repository_familiar());
        self.happened(&Event::image("push", &id, &repository));
        Ok(())
    }
}

fn tell_where(name: &Reference, observer: &dyn Observer) {
    observer.line(&format!(
        "The push refers to repository [{}]",
        name.repository()
    ));
}

fn failure(error: PushError) -> Failure {
    match &error {
        PushError::Registry(error) => registry::failure(error),
        PushError::NotFound(_) | PushError::NoTag(_) => Failure::new(error.to_string())
            .hint("'rbox images' lists what is here, 'rbox tag' gives it a name to push"),
        _ => Failure::new(error.to_string()),
    }
}
