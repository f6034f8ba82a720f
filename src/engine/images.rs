//! What commands do to images, and that it is written down (pull and push: [`super::pull`],
//! [`super::push`]).

use std::io::{Read, Write};

use rbox_images::{Image, ImportOptions, Loaded, Reference, RemoveOptions, Removed, SaveFormat};

use super::Engine;
use super::event::Event;
use super::failure::Failure;

impl Engine {
    /// Gives an image one more name.
    ///
    /// # Errors
    /// There is no such image, or the name cannot be a tag.
    pub fn tag(&self, source: &str, target: &Reference) -> Result<(), Failure> {
        self.images.tag(source, target).map_err(failure)?;
        self.tagged(target);
        Ok(())
    }

    /// Writes images as a tar.
    ///
    /// # Errors
    /// There is no such image, or `out` takes no more.
    pub fn save(&self, names: &[String], out: &mut dyn Write) -> Result<(), Failure> {
        self.images
            .save(names, out, SaveFormat::default())
            .map_err(failure)?;
        for name in names {
            if let Ok(image) = self.images.get(name) {
                self.happened(&Event::image("save", &image.id, &image.id));
            }
        }
        Ok(())
    }

    /// Brings in the images of a tar.
    ///
    /// # Errors
    /// It is none, or one of its images is broken.
    pub fn load(&self, tar: impl Read) -> Result<Vec<Loaded>, Failure> {
        let loaded = self.images.load(tar).map_err(failure)?;
        for one in &loaded {
            let id = match one {
                Loaded::Id(id) => id.clone(),
                Loaded::Reference(name) => self.id_of(name).unwrap_or_else(|| name.clone()),
            };
            self.happened(&Event::image("load", &id, &id));
        }
        Ok(loaded)
    }

    /// Makes an image of a root filesystem's tar; its id.
    ///
    /// # Errors
    /// It is no tar.
    pub fn import(&self, tar: impl Read, options: &ImportOptions) -> Result<String, Failure> {
        let id = self
            .images
            .import(tar, options)
            .map_err(failure)?
            .to_string();
        self.happened(&Event::image("import", &id, &id));
        if let Some(name) = &options.reference {
            self.tagged(name);
        }
        Ok(id)
    }

    /// Takes a name away from an image, and with the last one the image.
    ///
    /// # Errors
    /// There is no such image, or something uses it.
    pub fn remove_image(&self, name: &str, force: bool) -> Result<Vec<Removed>, Failure> {
        let known: Vec<Image> = self.images.get(name).into_iter().collect();
        let removed = self
            .images
            .remove(name, RemoveOptions { force }, &|| self.image_users())
            .map_err(failure)?;
        self.images_gone(&removed, &known);
        Ok(removed)
    }

    /// An image has a new name.
    pub(super) fn tagged(&self, name: &Reference) {
        let name = name.clone().with_default_tag();
        let name = name.familiar();
        if let Some(id) = self.id_of(&name) {
            self.happened(&Event::image("tag", &id, &name));
        }
    }

    /// Names and images were taken away; `known` are those that there were before.
    pub(super) fn images_gone(&self, removed: &[Removed], known: &[Image]) {
        for step in removed {
            let (action, image) = match step {
                Removed::Untagged(name) => {
                    let called = |image: &&Image| {
                        let mut names = image.references.iter().chain(&image.repo_digests);
                        names.any(|known| known == name)
                    };
                    ("untag", known.iter().find(called))
                }
                // Stacks of layers are told of, too, and are nobody's images.
                Removed::Deleted(id) => ("delete", known.iter().find(|image| image.id == *id)),
            };
            if let Some(image) = image {
                self.happened(&Event::image(action, &image.id, &image.id));
            }
        }
    }

    fn id_of(&self, name: &str) -> Option<String> {
        self.images.get(name).ok().map(|image| image.id)
    }
}

fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
