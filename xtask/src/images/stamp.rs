//! What an image was made from, so that it is made again only when that changed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::checksum::sha256_hex;
use super::wheels::Wheel;

/// The assembler's own source: a change to it makes all images stale, with no version to forget.
const ASSEMBLER: &[&str] = &[
    include_str!("alpine.rs"),
    include_str!("apkdb.rs"),
    include_str!("checksum.rs"),
    include_str!("flask.rs"),
    include_str!("python.rs"),
    include_str!("qcow2.rs"),
    include_str!("tarball.rs"),
    include_str!("tree.rs"),
    include_str!("zip.rs"),
];

/// The identity of one image's inputs.
pub struct Stamp {
    image: PathBuf,
    inputs: String,
}

impl Stamp {
    /// The stamp of the image file made from these wheels by this assembler.
    pub fn of(image: &Path, wheels: &[Wheel]) -> Self {
        let mut inputs = format!("assembler {}\n", sha256_hex(ASSEMBLER.concat().as_bytes()));
        for wheel in wheels {
            inputs.push_str(&format!(
                "{}=={} {}\n",
                wheel.name, wheel.version, wheel.sha256
            ));
        }
        Self {
            image: image.to_owned(),
            inputs,
        }
    }

    /// The image file that the stamp speaks of.
    pub fn image(&self) -> &Path {
        &self.image
    }

    /// Whether the image file is there, whole, and made from these inputs.
    pub fn is_current(&self) -> bool {
        let Ok(image) = std::fs::read(&self.image) else {
            return false;
        };
        std::fs::read_to_string(self.file()).is_ok_and(|stamp| stamp == self.text(&image))
    }

    /// Notes that the image file as it is now was made from these inputs.
    pub fn record(&self) -> Result<()> {
        let image = std::fs::read(&self.image)
            .with_context(|| format!("reading {}", self.image.display()))?;
        std::fs::write(self.file(), self.text(&image))
            .with_context(|| format!("writing {}", self.file().display()))
    }

    fn text(&self, image: &[u8]) -> String {
        format!("{}image {}\n", self.inputs, sha256_hex(image))
    }

    fn file(&self) -> PathBuf {
        let mut name = self.image.clone().into_os_string();
        name.push(".stamp");
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: Wheel = Wheel {
        name: "a",
        version: "1",
        sha256: "00",
    };

    #[test]
    fn an_image_is_current_until_it_or_its_inputs_change() {
        let dir = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let image = dir.join("x.tar.gz");
        let stamp = Stamp::of(&image, &[WHEEL]);
        assert!(!stamp.is_current(), "there is no image yet");
        std::fs::write(&image, "one").unwrap();
        assert!(!stamp.is_current(), "nothing was recorded yet");
        stamp.record().unwrap();
        assert!(stamp.is_current());
        let newer = Stamp::of(
            &image,
            &[Wheel {
                version: "2",
                ..WHEEL
            }],
        );
        assert!(!newer.is_current(), "another input");
        std::fs::write(&image, "two").unwrap();
        assert!(!stamp.is_current(), "another image");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
