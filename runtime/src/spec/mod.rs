//! What a configuration asks for: read, checked before anything is touched,
//! and the defaults that docker's containers have.

pub mod defaults;
pub mod mount_options;
mod namespaces;
mod number_set;
mod parse;
mod validate;

pub(crate) use namespaces::{Namespaces, Source};
pub(crate) use number_set::NumberSet;
pub use parse::{ParseError, Parsed, parse, parse_process};
pub use validate::{ValidateError, validate, validate_process};
pub(crate) use validate::{dotted_key, validate_shared};
