//! Why a build failed, and where.

use std::fmt;
use std::ops::RangeInclusive;

use super::Source;
use super::event::StepId;
use crate::engine::Failure;

/// A failed build.
#[derive(Debug, Clone)]
pub struct BuildError {
    /// What went wrong; its code is the process's exit code where a `RUN` failed.
    pub failure: Failure,
    /// The instruction's lines, where it is about one.
    pub place: Option<Box<Place>>,
    /// The step, where one failed: its number, and what it was called.
    pub step: Option<(StepId, String)>,
}

/// Lines of a Dockerfile.
#[derive(Debug, Clone)]
pub struct Place {
    /// The Dockerfile.
    pub source: Source,
    /// First and last, from 1.
    pub lines: RangeInclusive<usize>,
}

impl BuildError {
    /// Of something that is no failure yet, without a place.
    pub fn of(error: impl fmt::Display) -> BuildError {
        Failure::new(error.to_string()).into()
    }

    /// With a place.
    pub fn at(failure: Failure, place: Option<Place>) -> BuildError {
        BuildError {
            failure,
            place: place.map(Box::new),
            step: None,
        }
    }
}

impl From<Failure> for BuildError {
    fn from(failure: Failure) -> BuildError {
        BuildError::at(failure, None)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for BuildError {}
