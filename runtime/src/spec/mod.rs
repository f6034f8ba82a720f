//! What a configuration asks for: checked before anything is touched, and the
//! defaults that docker's containers have.

pub mod defaults;
pub mod mount_options;
mod namespaces;
mod validate;

pub(crate) use namespaces::{Namespaces, Source};
pub(crate) use validate::dotted_key;
pub use validate::{ValidateError, validate, validate_process};
