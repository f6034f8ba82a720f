//! oci-spec checks one field, a list of processors, by a regular expression, and so brings the
//! largest crate of the whole program along. regex-lite has the same interface and is a tenth of it.

pub use regex_lite::*;
