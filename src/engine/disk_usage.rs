//! What takes room on the disk.

use rbox_images::Usage;

use super::list::ContainerSummary;
use super::volume::Volume;
use super::{Engine, Failure, prune};

/// Everything below the root.
#[derive(Debug)]
pub struct DiskUsage {
    /// Images and the build cache.
    pub images: Usage,
    /// Containers and the bytes of their writable layers.
    pub containers: Vec<(ContainerSummary, u64)>,
    /// Volumes, how many containers use each, and the bytes of their files.
    pub volumes: Vec<(Volume, usize, u64)>,
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
        let mut volumes = Vec::new();
        let in_use = self.volumes_in_use()?;
        for volume in self.volumes()? {
            let users = in_use.get(&volume.name).map_or(0, Vec::len);
            let size = prune::size(&volume.mountpoint);
            volumes.push((volume, users, size));
        }
        Ok(DiskUsage {
            images,
            containers,
            volumes,
        })
    }
}
