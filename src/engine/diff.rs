//! `diff` and `export`: a container's files against its image's, and all of them.

use std::io::{self, Write};

use rbox_images::Difference;

use super::failure::{Context, Failure};
use super::writable::Writable;
use super::{Engine, containers, event};

impl Engine {
    /// Tells what a container changed: name without a leading slash, bytes as they are.
    pub fn diff(
        &self,
        name: &str,
        tell: &mut dyn FnMut(Difference, &[u8]) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let container = containers::find(&self.dirs, name)?;
        let writable = Writable::of(self, &container.record)?;
        writable
            .upper()
            .differences(tell)
            .context(|| format!("compare container {name} with its image"))
    }

    /// Writes all files of a container as a tar.
    pub fn export_container(&self, name: &str, out: &mut dyn Write) -> Result<(), Failure> {
        let container = containers::find(&self.dirs, name)?;
        let writable = Writable::of(self, &container.record)?;
        self.images
            .export(&writable.upper(), out)
            .context(|| format!("export container {name}"))?;
        event::of_container(&self.dirs, "export", &container.record, &[]);
        Ok(())
    }
}
