//! One layer to a registry, by the cheapest way that there is.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flate2::read::GzEncoder;

use super::neighbours::Neighbours;
use super::source::Counted;
use super::{Outgoing, PushError};
use crate::compression::Compression;
use crate::digest::{Digest, Hashing};
use crate::reference::Reference;
use crate::registry::{Client, RegistryError};
use crate::store::Store;
use crate::store::layer_meta::Packed;
use crate::store::manifest::{Descriptor, manifest_digest};
use crate::transfer::{Observer, Transfer};

/// Waits before further attempts, seconds.
const WAITS: [u64; 4] = [1, 2, 4, 8];
/// How often a wait looks whether it is still worth it.
const STEP: Duration = Duration::from_millis(100);
/// The most forms of a layer that are noted.
const MOST_NOTES: usize = 16;

/// One push.
pub(super) struct Job<'a> {
    pub(super) store: &'a Store,
    pub(super) client: &'a Client,
    pub(super) target: &'a Reference,
    pub(super) neighbours: Neighbours,
    pub(super) observer: &'a dyn Observer,
    /// Set when a layer failed.
    pub(super) stop: AtomicBool,
}

impl Job<'_> {
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Sees to it that the registry has a layer; what it is there.
    pub(super) fn layer(&self, layer: &Outgoing) -> Result<Descriptor, PushError> {
        let digest = manifest_digest(&layer.descriptor)?;
        let kept = self.store.blob(&digest).exists();
        let noted = self.noted(layer)?;
        let forms: Vec<Descriptor> = if kept {
            vec![layer.descriptor.clone()]
        } else {
            noted.iter().map(|packed| packed.blob.clone()).collect()
        };
        for form in &forms {
            let digest = manifest_digest(form)?;
            if self.client.has_blob(self.target, &digest)? {
                self.tell(layer, &Transfer::ThereAlready);
                return Ok(form.clone());
            }
        }
        for form in &forms {
            let digest = manifest_digest(form)?;
            for from in self.neighbours.with(&digest, &noted, self.target) {
                if self.is_stopped() {
                    return Err(PushError::Stopped);
                }
                if self.client.mount(self.target, &digest, &from)? {
                    self.tell(layer, &Transfer::MountedFrom(from));
                    self.note(layer, form)?;
                    return Ok(form.clone());
                }
            }
        }
        let sent = self.persist(layer, || {
            if kept {
                self.send_kept(layer, &digest)
            } else {
                self.send_packed(layer)
            }
        })?;
        self.tell(layer, &Transfer::Pushed);
        self.note(layer, &sent)?;
        Ok(sent)
    }

    /// Sees to it that the registry has the config.
    pub(super) fn config(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), PushError> {
        let digest = manifest_digest(descriptor)?;
        if self.client.has_blob(self.target, &digest)? {
            return Ok(());
        }
        let mut waits = WAITS.iter();
        loop {
            match self.client.upload(self.target, &mut &*bytes) {
                Ok((sent, _)) if sent == digest => return Ok(()),
                Ok(_) => return Err(PushError::Damaged(digest)),
                Err(error) => self.wait(&mut waits, error, |_| {})?,
            }
        }
    }

    fn send_kept(&self, layer: &Outgoing, digest: &Digest) -> Result<Descriptor, PushError> {
        let blob = self.store.open_blob(&layer.descriptor)?;
        let size = blob.size;
        let mut source = Counted::new(blob, size, self, layer);
        let (sent, _) = self.upload(&mut source)?;
        if sent != *digest {
            return Err(PushError::Damaged(digest.clone()));
        }
        Ok(layer.descriptor.clone())
    }

    fn send_packed(&self, layer: &Outgoing) -> Result<Descriptor, PushError> {
        let tar = self.store.open_blob(&layer.descriptor)?;
        let size = tar.size;
        let tar = Hashing::new(Counted::new(tar, size, self, layer));
        // Without a time or a name in its header: the same tar always packs to the same bytes.
        let mut packed = GzEncoder::new(tar, flate2::Compression::default());
        let (digest, size) = self.upload(&mut packed)?;
        let (plain, _) = packed.into_inner().finish();
        if plain != layer.diff_id {
            return Err(PushError::Damaged(layer.diff_id.clone()));
        }
        Ok(Descriptor::new(
            Compression::Gzip.layer_media_type(),
            &digest,
            size,
        ))
    }

    fn upload(&self, source: &mut dyn Read) -> Result<(Digest, u64), PushError> {
        match self.client.upload(self.target, source) {
            Err(RegistryError::Source(_)) if self.is_stopped() => Err(PushError::Stopped),
            other => Ok(other?),
        }
    }

    /// Tries again what may work later.
    fn persist<T>(
        &self,
        layer: &Outgoing,
        attempt: impl Fn() -> Result<T, PushError>,
    ) -> Result<T, PushError> {
        let mut waits = WAITS.iter();
        loop {
            match attempt() {
                Err(PushError::Registry(error)) => self.wait(&mut waits, error, |seconds| {
                    self.tell(layer, &Transfer::Retrying { seconds });
                })?,
                other => return other,
            }
        }
    }

    fn wait(
        &self,
        waits: &mut std::slice::Iter<'_, u64>,
        error: RegistryError,
        tell: impl Fn(u64),
    ) -> Result<(), PushError> {
        let seconds = match waits.next() {
            Some(seconds) if error.is_transient() => *seconds,
            _ => return Err(error.into()),
        };
        for left in (1..=seconds).rev() {
            tell(left);
            for _ in 0..10 {
                if self.is_stopped() {
                    return Err(PushError::Stopped);
                }
                std::thread::sleep(STEP);
            }
        }
        Ok(())
    }

    pub(super) fn tell(&self, layer: &Outgoing, state: &Transfer) {
        self.observer.layer(&layer.id, state);
    }

    fn noted(&self, layer: &Outgoing) -> Result<Vec<Packed>, PushError> {
        match self.store.layer_meta(&layer.diff_id) {
            Ok(meta) => Ok(meta.packed),
            Err(error) if error.is_missing() => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that the target has a form of a layer.
    fn note(&self, layer: &Outgoing, form: &Descriptor) -> Result<(), PushError> {
        let new = Packed {
            blob: form.clone(),
            repository: self.target.repository(),
        };
        self.store.change_layer_meta(&layer.diff_id, |meta| {
            if !meta.packed.contains(&new) {
                meta.packed.push(new);
            }
            let beyond = meta.packed.len().saturating_sub(MOST_NOTES);
            meta.packed.drain(..beyond);
        })?;
        Ok(())
    }
}
