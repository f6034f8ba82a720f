//! Where copied files go and what they are called there: the rules of docker cp
//! (docs.docker.com/reference/cli/docker/container/cp).

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// It is a directory.
    pub is_directory: bool,
    /// Only what is in it is meant (`dir/.`, `/`).
    pub content: bool,
    /// Its name; empty for `/`.
    pub name: String,
}

/// What is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A directory.
    Directory,
    /// A file of any other kind.
    File,
    /// Nothing, in a directory that is there.
    Absent {
        /// The path says that it shall be a directory.
        wants_directory: bool,
    },
}

/// Where an archive is put, and what the source is called in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Into the target itself, under the source's name.
    Inside,
    /// Into the target itself, without a name: what is in the source.
    Merged,
    /// Beside it, under the target's name.
    Instead,
}

/// Why it cannot be; the texts are Docker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A directory over a file.
    #[error("cannot copy directory")]
    DirectoryOverFile,
    /// A file into a directory that is not there.
    #[error("no such directory")]
    NoDirectory,
}

/// Decides.
pub fn plan(source: &Source, target: Target) -> Result<Plan, Refused> {
    match (source.is_directory, target) {
        (true, Target::Directory) if source.content => Ok(Plan::Merged),
        (_, Target::Directory) => Ok(Plan::Inside),
        (true, Target::File) => Err(Refused::DirectoryOverFile),
        (false, Target::File) => Ok(Plan::Instead),
        (
            false,
            Target::Absent {
                wants_directory: true,
            },
        ) => Err(Refused::NoDirectory),
        (_, Target::Absent { .. }) => Ok(Plan::Instead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_dockers() {
        let file = Source {
            is_directory: false,
            content: false,
            name: "f".into(),
        };
        let directory = Source {
            is_directory: true,
            ..file.clone()
        };
        let content = Source {
            content: true,
            ..directory.clone()
        };
        let absent = |wants_directory| Target::Absent { wants_directory };
        for (source, target, expected) in [
            (&file, Target::Directory, Ok(Plan::Inside)),
            (&file, Target::File, Ok(Plan::Instead)),
            (&file, absent(false), Ok(Plan::Instead)),
            (&file, absent(true), Err(Refused::NoDirectory)),
            (&directory, Target::Directory, Ok(Plan::Inside)),
            (&directory, Target::File, Err(Refused::DirectoryOverFile)),
            (&directory, absent(false), Ok(Plan::Instead)),
            (&directory, absent(true), Ok(Plan::Instead)),
            (&content, Target::Directory, Ok(Plan::Merged)),
            (&content, Target::File, Err(Refused::DirectoryOverFile)),
            (&content, absent(false), Ok(Plan::Instead)),
        ] {
            assert_eq!(plan(source, target), expected, "{source:?} to {target:?}");
        }
    }
}
