//! Which containers keep images from being deleted.

use std::collections::BTreeSet;

use rbox_images::{ImageUser, UsersUnknown};

use super::{Engine, containers, names};

impl Engine {
    /// Every container and the image that it was made from, by the records alone: nothing is
    /// recovered and no lock is waited for, so that the store may ask under its own.
    ///
    /// # Errors
    /// When the containers cannot be listed, or one that runs has a damaged record. A stopped
    /// one with a damaged record cannot start any more and needs no image.
    pub fn image_users(&self) -> Result<Vec<ImageUser>, UsersUnknown> {
        let ids = names::ids(&self.dirs.containers())
            .map_err(|failure| UsersUnknown(failure.to_string()))?;
        let mut users = Vec::new();
        for id in ids {
            let alive = containers::is_alive(&self.dirs, &id);
            match containers::read_record(&self.dirs.container(&id)) {
                Ok(Some(record)) => {
                    let running = alive && containers::run_state(&self.dirs, &id).is_some();
                    let mounted = record.mounted_images.into_values();
                    let images: BTreeSet<String> = mounted.chain([record.image_id]).collect();
                    users.extend(images.into_iter().map(|image_id| ImageUser {
                        running,
                        container_id: id.clone(),
                        image_id,
                    }));
                }
                Err(failure) if alive => {
                    return Err(UsersUnknown(format!(
                        "cannot tell which image the running container {id} uses: {failure}"
                    )));
                }
                Ok(None) | Err(_) => {}
            }
        }
        Ok(users)
    }
}
