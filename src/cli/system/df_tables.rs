//! The tables of `system df -v`.

use rbox_images::{CacheUsage, ImageUsage, Reference};

use crate::cli::builder::prune::short;
use crate::cli::container::row as container_row;
use crate::cli::parse::time;
use crate::cli::volume::ls as volume;
use crate::engine::disk_usage::DiskUsage;
use crate::output::format::{self, FormatError, Listing, Row};
use crate::output::units;

const IMAGES: Listing = Listing {
    table: "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}\\t{{.SharedSize}}\\t{{.UniqueSize}}\\t{{.Containers}}",
    headers: &[
        ("Repository", "REPOSITORY"),
        ("Tag", "TAG"),
        ("ID", "IMAGE ID"),
        ("CreatedSince", "CREATED"),
        ("Size", "SIZE"),
        ("SharedSize", "SHARED SIZE"),
        ("UniqueSize", "UNIQUE SIZE"),
        ("Containers", "CONTAINERS"),
    ],
    type_name: "*formatter.imageContext",
};

const CONTAINERS: Listing = Listing {
    table: "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.LocalVolumes}}\\t{{.Size}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Names}}",
    headers: container_row::LISTING.headers,
    type_name: container_row::LISTING.type_name,
};

const VOLUMES: Listing = Listing {
    table: "{{.Name}}\\t{{.Links}}\\t{{.Size}}",
    headers: volume::LISTING.headers,
    type_name: volume::LISTING.type_name,
};

const CACHE: Listing = Listing {
    table: "{{.ID}}\\t{{.CacheType}}\\t{{.Size}}\\t{{.CreatedSince}}\\t{{.LastUsedSince}}\\t{{.UsageCount}}\\t{{.Shared}}",
    headers: &[
        ("ID", "CACHE ID"),
        ("CacheType", "CACHE TYPE"),
        ("Size", "SIZE"),
        ("CreatedSince", "CREATED"),
        ("LastUsedSince", "LAST USED"),
        ("UsageCount", "USAGE"),
        ("Shared", "SHARED"),
        ("InUse", "IN USE"),
        ("Description", "DESCRIPTION"),
    ],
    type_name: "*formatter.buildCacheContext",
};

/// The lines of all tables.
pub struct Details {
    images: Vec<Row>,
    containers: Vec<Row>,
    volumes: Vec<Row>,
    cache: Vec<Row>,
    cache_size: u64,
}

/// What takes room, at `now`, seconds since 1970.
pub fn details(usage: &DiskUsage, now: i64) -> Details {
    let containers = usage.containers.iter().map(|(container, size)| {
        container_row::row(container, false, now).with("Size", units::size(*size, 3))
    });
    Details {
        images: usage
            .images
            .images
            .iter()
            .flat_map(|image| images(image, now))
            .collect(),
        containers: containers.collect(),
        volumes: usage
            .volumes
            .iter()
            .map(|(known, users, size)| {
                volume::row(known, users.to_string(), units::size(*size, 3))
            })
            .collect(),
        cache: usage
            .images
            .cache
            .iter()
            .map(|record| cached(record, now))
            .collect(),
        cache_size: usage.images.cache_size,
    }
}

impl Details {
    /// Docker's four tables.
    pub fn tables(&self) -> Result<String, FormatError> {
        let table = |listing, rows: &[Row]| format::render(listing, None, false, rows);
        Ok(format!(
            "Images space usage:\n\n{}\nContainers space usage:\n\n{}\n\
             Local Volumes space usage:\n\n{}\nBuild cache usage: {}\n\n{}",
            table(&IMAGES, &self.images)?,
            table(&CONTAINERS, &self.containers)?,
            table(&VOLUMES, &self.volumes)?,
            units::size(self.cache_size, 4),
            table(&CACHE, &self.cache)?,
        ))
    }

    /// By the names that templates use.
    pub fn lists(&self) -> [(&'static str, &[Row]); 4] {
        [
            ("Images", &self.images),
            ("Containers", &self.containers),
            ("Volumes", &self.volumes),
            ("BuildCache", &self.cache),
        ]
    }
}

fn ago(now: i64, then: i64) -> String {
    format!("{} ago", units::duration(now - then))
}

/// One line for each tag.
fn images(usage: &ImageUsage, now: i64) -> Vec<Row> {
    let image = &usage.image;
    let none = || "<none>".to_owned();
    let names: Vec<(String, String)> = match image.references.as_slice() {
        [] => vec![(none(), none())],
        tags => tags
            .iter()
            .filter_map(|tag| tag.parse::<Reference>().ok())
            .map(|tag| {
                let text = tag.tag().map_or_else(none, str::to_owned);
                (tag.repository_familiar(), text)
            })
            .collect(),
    };
    let hex = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
    let created = image.created.as_deref().and_then(time::seconds);
    let row = |(repository, tag): (String, String)| {
        Row::new()
            .with("Repository", repository)
            .with("Tag", tag)
            .with("ID", hex.get(..12).unwrap_or(hex))
            .with(
                "CreatedSince",
                created.map_or_else(|| "N/A".to_owned(), |created| ago(now, created)),
            )
            .with("Size", units::size(usage.size, 3))
            .with("SharedSize", units::size(usage.shared, 3))
            .with("UniqueSize", units::size(usage.unique(), 3))
            .with("Containers", usage.containers.to_string())
    };
    names.into_iter().map(row).collect()
}

fn cached(usage: &CacheUsage, now: i64) -> Row {
    let entry = &usage.entry;
    Row::new()
        .with("ID", short(entry))
        .with("CacheType", "regular")
        .with("Size", units::size(entry.size, 3))
        .with("CreatedSince", ago(now, entry.record.created))
        .with("LastUsedSince", ago(now, entry.last_used))
        .with("UsageCount", entry.uses.to_string())
        .with("Shared", usage.shared.to_string())
        .with("InUse", usage.in_use.to_string())
        .with("Description", entry.record.step.as_str())
}
