//! What a build reads: the Dockerfile and the context.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rbox_images::Workspace;
use rbox_images::context::{Context, FromStdin, Ignore, LARGEST_DOCKERFILE};
use rbox_images::dockerfile::{self, Dockerfile, Lookup};

use super::Source;
use super::error::BuildError;
use super::progress::Progress;
use super::request::{BuildRequest, ContextSource, DockerfileSource};
use crate::engine::failure::{Context as _, Failure};

/// As `open(2)` takes it.
const O_NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

const DOCKERFILE: &str = "Dockerfile";

/// The Dockerfile and the context.
#[derive(Debug)]
pub struct Input {
    source: Source,
    bytes: Vec<u8>,
    context: Option<Context>,
}

/// Replaces the variables of a word.
pub fn expand(word: &str, escape: char, lookup: &Lookup<'_>) -> Result<String, Failure> {
    dockerfile::expand(word, escape, lookup).map_err(|error| Failure::new(error.to_string()))
}

impl Input {
    /// Finds both. Of the context nothing is read yet but what says which files are ignored.
    pub fn load(
        request: &BuildRequest,
        workspace: &Workspace,
        progress: &Progress<'_>,
    ) -> Result<Input, BuildError> {
        let name = match &request.dockerfile {
            DockerfileSource::Path(path) => path.display().to_string(),
            _ => DOCKERFILE.to_owned(),
        };
        let (context, text) = open(request, workspace, progress)?;
        let step = progress.begin(&format!("[internal] load build definition from {name}"));
        let found = match text {
            Some(text) => Ok(text),
            None => dockerfile(request, context.as_ref()),
        };
        let bytes = match found {
            Ok(bytes) => bytes,
            Err(failure) => {
                step.failed(&failure);
                return Err(failure.into());
            }
        };
        step.done();
        let context = match context {
            Some(context) => Some(ignoring(request, context, progress)?),
            None => None,
        };
        Ok(Input {
            source: Source {
                name,
                text: String::from_utf8_lossy(&bytes).into(),
            },
            bytes,
            context,
        })
    }

    /// The Dockerfile, understood.
    pub fn parse(&self) -> Result<Dockerfile, BuildError> {
        Dockerfile::parse(&self.bytes)
            .map_err(|error| self.error(Failure::new(error.to_string()), error.lines()))
    }

    /// The Dockerfile's name, for warnings.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(&self.source.name)
    }

    /// A failure with its place.
    pub fn error(&self, failure: Failure, lines: Option<&RangeInclusive<usize>>) -> BuildError {
        BuildError::at(failure, lines.map(|lines| self.source.at(lines)))
    }

    /// The files to copy.
    pub fn context(&self) -> Result<&Context, Failure> {
        self.context.as_ref().ok_or_else(|| {
            Failure::new("there is no build context: the Dockerfile came alone")
                .hint("name a directory: rbox build -f - DIRECTORY")
        })
    }
}

/// The context, and the Dockerfile where it came alone.
fn open(
    request: &BuildRequest,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<(Option<Context>, Option<Vec<u8>>), BuildError> {
    let stream = match &request.context {
        ContextSource::None => return Ok((None, None)),
        ContextSource::Directory(path) => {
            let context = Context::directory(path).map_err(BuildError::of)?;
            return Ok((Some(context), None));
        }
        ContextSource::Stream(stream) => stream,
    };
    let step = progress.begin("[internal] load build context");
    let into = workspace.directory("context").map_err(BuildError::of)?;
    let read = match &request.dockerfile {
        // Only a context can have a Dockerfile with another name.
        DockerfileSource::Path(_) => Context::tar(stream, &into).map(FromStdin::Context),
        _ => FromStdin::read(stream, &into),
    };
    match read {
        Ok(from) => {
            step.done();
            Ok(match from {
                FromStdin::Context(context) => (Some(context), None),
                FromStdin::Dockerfile(text) => (None, Some(text)),
            })
        }
        Err(error) => {
            let failure = Failure::new(error.to_string());
            step.failed(&failure);
            Err(failure.into())
        }
    }
}

fn dockerfile(request: &BuildRequest, context: Option<&Context>) -> Result<Vec<u8>, Failure> {
    let missing = |name: &str| {
        Failure::new(format!(
            "failed to read dockerfile: open {name}: no such file or directory"
        ))
    };
    let inside = |context: &Context, name: &str| {
        context
            .dockerfile(name)
            .map_err(|error| Failure::new(format!("failed to read dockerfile: {error}")))?
            .ok_or_else(|| missing(name).hint("name another one with -f"))
    };
    match (&request.dockerfile, context) {
        (DockerfileSource::Text(text), _) => Ok(text.clone()),
        (DockerfileSource::Path(path), Some(context)) => match &request.context {
            ContextSource::Stream(_) => inside(context, &path.to_string_lossy()),
            _ => read_bounded(path)
                .context(|| format!("failed to read dockerfile {}", path.display()))?
                .ok_or_else(|| missing(&path.display().to_string())),
        },
        (DockerfileSource::Default, Some(context)) => inside(context, DOCKERFILE),
        (_, None) => Err(missing(DOCKERFILE)),
    }
}

/// Of the host; `None` when it is not there.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // A pipe would keep the build waiting.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_DOCKERFILE as u64 + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() > LARGEST_DOCKERFILE {
        true => Err(io::Error::other(format!(
            "it is larger than {LARGEST_DOCKERFILE} bytes"
        ))),
        false => Ok(Some(bytes)),
    }
}

/// `NAME.dockerignore` beside the Dockerfile wins over the context's `.dockerignore`.
fn ignoring(
    request: &BuildRequest,
    context: Context,
    progress: &Progress<'_>,
) -> Result<Context, BuildError> {
    let step = progress.begin("[internal] load .dockerignore");
    let found = match (&request.dockerfile, &request.context) {
        (DockerfileSource::Path(path), ContextSource::Stream(_)) => {
            ignore_file(&context, &path.to_string_lossy())
        }
        (DockerfileSource::Path(path), _) => {
            let mut own = path.clone().into_os_string();
            own.push(".dockerignore");
            read_bounded(Path::new(&own))
                .context(|| format!("failed to read {}", own.display()))
                .and_then(|own| match own {
                    Some(own) => Ok(Some(own)),
                    None => ignore_file(&context, ""),
                })
        }
        _ => ignore_file(&context, DOCKERFILE),
    };
    let ignored = found.and_then(|text| match text {
        None => Ok(None),
        Some(text) => Ignore::parse(&text)
            .map(Some)
            .map_err(|error| Failure::new(format!("error from .dockerignore: {error}"))),
    });
    match ignored {
        Ok(ignore) => {
            step.done();
            Ok(match ignore {
                Some(ignore) => context.ignoring(ignore),
                None => context,
            })
        }
        Err(failure) => {
            step.failed(&failure);
            Err(failure.into())
        }
    }
}

fn ignore_file(context: &Context, dockerfile: &str) -> Result<Option<Vec<u8>>, Failure> {
    context
        .ignore_file(dockerfile)
        .map_err(|error| Failure::new(format!("failed to read .dockerignore: {error}")))
}
