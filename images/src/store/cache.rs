//! The build cache: which layer a step made the last time, by what the step depends on.
//!
//! `cache/<key hex>.json` in the store. A key is the digest of everything that the step's result
//! depends on (see `engine::build`); a record leads to a layer that stays as long as the record.
//! What cannot be read is no record: a cache never makes a build fail.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::remove::{RemoveError, UsersNow};
use super::sweep::Swept;
use super::write::{WriteError, make_private, writing};
use super::{ReadError, Store, files};
use crate::digest::Digest;

/// What a step made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheRecord {
    /// `sha256:…`; `None` for a step that changed nothing (`WORKDIR` of a directory that is there).
    pub diff_id: Option<String>,
    /// The instruction, for `system df -v`.
    pub step: String,
    /// Seconds since 1970.
    pub created: i64,
}

/// A record and how it was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// What the step depends on.
    pub key: Digest,
    /// What it made.
    pub record: CacheRecord,
    /// Bytes of its layer on disk; 0 where it has none.
    pub size: u64,
    /// Seconds since 1970.
    pub last_used: i64,
    /// How often a build found it.
    pub uses: u64,
}

/// What of the cache is gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CachePruned {
    /// The records.
    pub entries: Vec<CacheEntry>,
    /// What was deleted with them.
    pub swept: Swept,
}

/// The file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    record: CacheRecord,
    #[serde(default)]
    last_used: i64,
    #[serde(default)]
    uses: u64,
}

const EXTENSION: &str = "json";

impl CacheRecord {
    /// The layer; `None` where there is none, or no digest where one should be.
    pub(super) fn layer(&self) -> Option<Digest> {
        self.diff_id.as_deref()?.parse().ok()
    }

    /// Whether the layer is named as a layer must be, if one is.
    fn is_sound(&self) -> bool {
        self.diff_id.is_none() || self.layer().is_some()
    }
}

impl Store {
    /// What the step with this key made the last time, if its layer is still there; notes that
    /// it was used. The caller [holds](Store::hold) the store, so that the layer stays.
    pub fn cache_get(&self, key: &Digest) -> Option<CacheRecord> {
        let mut kept = self.read_record(key)?;
        if let Some(layer) = kept.record.layer()
            && !self.has_layer(&layer)
        {
            return None;
        }
        kept.last_used = Timestamp::now().as_second();
        kept.uses = kept.uses.saturating_add(1);
        // The layer serves as well when this cannot be noted; only `until` sees it as older.
        let _ = self.write_record(key, &kept);
        Some(kept.record)
    }

    /// Keeps what a step made. The caller [holds](Store::hold) the store.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn cache_put(&self, key: &Digest, record: &CacheRecord) -> Result<(), WriteError> {
        make_private(&self.cache())?;
        let kept = Kept {
            record: record.clone(),
            last_used: record.created,
            uses: 0,
        };
        self.write_record(key, &kept)
    }

    /// Every record, the one used last first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn cache_list(&self) -> Result<Vec<CacheEntry>, ReadError> {
        let mut entries: Vec<CacheEntry> = self
            .cache_keys()?
            .into_iter()
            .filter_map(|key| {
                let kept = self.read_record(&key)?;
                let layer = kept.record.layer();
                Some(CacheEntry {
                    key,
                    size: layer.map_or(0, |layer| self.size_on_disk(&layer)),
                    last_used: kept.last_used,
                    uses: kept.uses,
                    record: kept.record,
                })
            })
            .collect();
        entries.sort_by(|a, b| (b.last_used, &a.key).cmp(&(a.last_used, &b.key)));
        Ok(entries)
    }

    /// Forgets the records that `unwanted` names, and those that are damaged; then deletes what
    /// nothing else leads to. A build that goes on keeps what it found.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn cache_prune(
        &self,
        unwanted: &dyn Fn(&CacheEntry) -> bool,
        users: UsersNow<'_>,
    ) -> Result<CachePruned, RemoveError> {
        let mut pruned = CachePruned::default();
        if !self.cache().exists() {
            return Ok(pruned);
        }
        {
            let _lock = self.lock()?;
            let entries = self.cache_list().map_err(WriteError::from)?;
            for key in self.cache_keys().map_err(WriteError::from)? {
                let known = entries.iter().find(|entry| entry.key == key);
                if known.is_some_and(|entry| !unwanted(entry)) {
                    continue;
                }
                let path = self.record_path(&key);
                std::fs::remove_file(&path).map_err(writing(&path))?;
                pruned.entries.extend(known.cloned());
            }
        }
        pruned.swept = self.collect(users)?;
        Ok(pruned)
    }

    /// The layers that records lead to.
    pub(super) fn cached_layers(&self) -> Result<Vec<Digest>, ReadError> {
        let keys = self.cache_keys()?;
        Ok(keys
            .iter()
            .filter_map(|key| self.read_record(key)?.record.layer())
            .collect())
    }

    fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    fn record_path(&self, key: &Digest) -> PathBuf {
        self.cache().join(format!("{}.{EXTENSION}", key.hex()))
    }

    fn read_record(&self, key: &Digest) -> Option<Kept> {
        let kept: Kept = files::read_json(&self.record_path(key)).ok()?;
        kept.record.is_sound().then_some(kept)
    }

    fn write_record(&self, key: &Digest, kept: &Kept) -> Result<(), WriteError> {
        let _lock = self.lock()?;
        let path = self.record_path(key);
        files::replace_json(&path, kept).map_err(writing(&path))
    }

    fn cache_keys(&self) -> Result<Vec<Digest>, ReadError> {
        let directory = self.cache();
        let failed = |source| ReadError::Io {
            path: directory.clone(),
            source,
        };
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = PathBuf::from(entry.map_err(failed)?.file_name());
            if path.extension().is_some_and(|ext| ext == EXTENSION)
                && let Some(stem) = path.file_stem().and_then(|stem| stem.to_str())
                && let Ok(key) = format!("sha256:{stem}").parse()
            {
                keys.push(key);
            }
        }
        keys.sort();
        Ok(keys)
    }
}
