//! `oci`: the OCI runtime that is also called `rbox-runtime`.

use crate::cli::call::{Arity, Spec};

/// `oci`.
pub static SPEC: Spec = Spec {
    usage: "[GLOBAL OPTIONS] COMMAND [ARG...]",
    about: "Run containers from OCI bundles, with runc's commands",
    arity: Arity::AtLeast(0),
    interspersed: false,
    run: |call| Ok(crate::oci::run(&call.words)),
    examples: "\
rbox oci run -b bundle web
rbox oci --help
",
    ..Spec::EMPTY
};
