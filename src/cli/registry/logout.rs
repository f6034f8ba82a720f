//! `logout`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::engine::credentials;

/// `logout`.
pub static SPEC: Spec = Spec {
    usage: "[SERVER]",
    about: "Log out from a registry",
    arity: Arity::AtMost(1),
    interspersed: true,
    run,
    examples: "rbox logout registry.example.com\n",
    ..Spec::of::<Logout>()
};

#[derive(clap::Parser)]
struct Logout {
    #[arg(hide = true)]
    server: Option<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Logout = call.parse()?;
    let registry = credentials::hostname(line.server.as_deref().unwrap_or_default());
    let shown = match registry {
        "docker.io" => credentials::DOCKER_HUB,
        other => other,
    };
    say(&format!("Removing login credentials for {shown}\n"));
    credentials::erase(registry)?;
    Ok(0)
}
