//! `compose scale`.

use std::collections::BTreeMap;

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::Invalid;
use crate::cli::stop::Outcome;

/// `compose scale`.
pub static SPEC: Spec = Spec {
    usage: "[SERVICE=REPLICAS...]",
    about: "Scale services",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox compose scale web=3 worker=2
",
    ..Spec::of::<Scale>()
};

#[derive(clap::Parser)]
struct Scale {
    /// Don't start linked services
    #[arg(long)]
    no_deps: bool,
    #[arg(hide = true)]
    replicas: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Scale = call.parse()?;
    let scale: BTreeMap<String, u32> = line
        .replicas
        .iter()
        .map(|text| replicas(text))
        .collect::<Result<_, Invalid>>()?;
    let services: Vec<String> = scale.keys().cloned().collect();
    let session = Session::open(call, &services, Files::Needed)?;
    session.work("Running", |composer| composer.scale(&scale, line.no_deps))?;
    Ok(0)
}

/// `web=3`.
pub fn replicas(text: &str) -> Result<(String, u32), Invalid> {
    let invalid = || {
        Invalid(format!(
            "invalid scale specifier: {text}: it is SERVICE=NUMBER"
        ))
    };
    let (service, number) = text.split_once('=').ok_or_else(invalid)?;
    let number = number.parse().map_err(|_| invalid())?;
    Ok((service.to_owned(), number))
}

#[cfg(test)]
mod tests {
    #[test]
    fn replicas_are_a_service_and_a_number() {
        assert_eq!(super::replicas("web=3").unwrap(), ("web".to_owned(), 3));
        for wrong in ["web", "web=", "web=-1", "web=many"] {
            let error = super::replicas(wrong).unwrap_err().0;
            assert!(error.contains(wrong), "{error}");
        }
    }
}
