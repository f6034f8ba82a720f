//! `build`: a Dockerfile and a context become an image.

pub mod event;
pub mod run;
