//! Names of what there is, for completion and for hints. Only read; what cannot be read is left
//! out, as this is never what a command was asked for.

use std::fs;
use std::path::Path;

use super::dirs::Dirs;
use super::failure::Failure;
use super::{Engine, containers};
use crate::spelling;

/// Which containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that run.
    Running,
    /// Those that do not.
    Stopped,
}

impl Engine {
    /// Names of containers, sorted.
    pub fn container_names(&self, which: Which) -> Vec<String> {
        let mut names = all_containers(&self.dirs);
        names.retain(|name| match which {
            Which::All => true,
            Which::Running => self.runs(name),
            Which::Stopped => !self.runs(name),
        });
        names
    }

    fn runs(&self, name: &str) -> bool {
        let id = fs::read_link(self.dirs.names().join(name)).unwrap_or_default();
        containers::is_alive(&self.dirs, &id.to_string_lossy())
    }

    /// Names of images in their short form, sorted.
    pub fn image_names(&self) -> Vec<String> {
        let images = self.images.list().unwrap_or_default().into_iter();
        let mut names: Vec<String> = images.flat_map(|image| image.references).collect();
        names.sort_unstable();
        names
    }

    /// The failure to find an image, with the name that may have been meant.
    pub fn image_hint(&self, failure: Failure) -> Failure {
        match failure.message.strip_prefix("No such image: ") {
            Some(typed) => {
                let typed = typed.to_owned();
                with_hint(failure, &typed, || self.image_names())
            }
            None => failure,
        }
    }

    /// Names of networks in their natural order.
    pub fn network_names(&self) -> Vec<String> {
        let networks = self.networks.list().unwrap_or_default().into_iter();
        networks.map(|network| network.name).collect()
    }

    /// Names of volumes, sorted.
    pub fn volume_names(&self) -> Vec<String> {
        volume_names(&self.dirs)
    }
}

/// Docker's text for a container that does not exist, and which may have been meant.
pub fn no_such_container(dirs: &Dirs, typed: &str) -> Failure {
    with_hint(Failure::no_such_container(typed), typed, || {
        all_containers(dirs)
    })
}

/// A failure to find something by its name, and which may have been meant.
pub fn with_hint(failure: Failure, typed: &str, names: impl FnOnce() -> Vec<String>) -> Failure {
    match hint(typed, &names()) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// `did you mean web?`, where a name is misspelt. Names that differ by their numbers alone are
/// different things.
fn hint(typed: &str, names: &[String]) -> Option<String> {
    let letters = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let near = names
        .iter()
        .map(String::as_str)
        .filter(|name| name.len() > 3 && letters(name) != letters(typed));
    spelling::nearest(typed, near).map(|name| format!("did you mean {name}?"))
}

/// Names of volumes, sorted.
pub fn volume_names(dirs: &Dirs) -> Vec<String> {
    entries(&dirs.volumes())
}

fn all_containers(dirs: &Dirs) -> Vec<String> {
    entries(&dirs.names())
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn misspelt_names_get_a_hint_and_numbered_ones_none() {
        let names = ["database", "web1", "db", "proxy"].map(String::from);
        for (typed, expected) in [
            ("databse", Some("did you mean database?")),
            ("porxy", Some("did you mean proxy?")),
            ("web2", None),
            ("dc", None),
            ("other", None),
        ] {
            assert_eq!(hint(typed, &names).as_deref(), expected, "{typed}");
        }
    }
}
