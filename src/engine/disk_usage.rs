//! What takes room on the disk.

use rbox_images::Usage;

use super::list::ContainerSummary;
use super::{Engine, Failure, prune};

/// Everything below the root.
#[derive(Debug)]
pub struct DiskUsage {
    /// Images and the build cache.
    pub images: Usage,
    /// Containers and the bytes of their writable layers.
    pub containers: Vec<(ContainerSummary, u64)>,
}

impl Engine {
    /// Counts everything once.
    pub fn disk_usage(&self) -> Result<DiskUsage, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
        let users = self.image_users().map_err(|error| failed(&error))?;
        let images = self.images.usage(&users).map_err(|error| failed(&error))?;
        let (containers, _) = self.list()?;
        let containers = containers
            .into_iter()
            .map(|container| {
                let upper = self.dirs.container(&container.id).join("upper");
                (container, prune::size(&upper))
            })
            .collect();
        Ok(DiskUsage { images, containers })
    }
}
