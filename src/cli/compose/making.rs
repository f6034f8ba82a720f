//! The flags that `compose up` and `compose create` share.

use super::scale::replicas;
use super::session::Session;
use crate::cli::parse::Invalid;
use crate::cli::stop::Stop;
use crate::compose::request::{Pull, Recreate, UpOptions};

/// How containers come to be.
#[derive(clap::Args)]
pub struct Making {
    /// Build images before starting containers
    #[arg(long)]
    build: bool,
    /// Recreate containers even if their configuration and image haven't changed
    #[arg(long)]
    force_recreate: bool,
    /// Don't build an image, even if it's policy
    #[arg(long)]
    no_build: bool,
    /// If containers already exist, don't recreate them. Incompatible with --force-recreate.
    #[arg(long)]
    no_recreate: bool,
    /// Pull image before running ("always"|"missing"|"never"|"build") (default "policy")
    #[arg(long, value_name = "string", value_parser = pull)]
    pull: Option<Image>,
    /// Pull without printing progress information
    #[arg(long)]
    pub quiet_pull: bool,
    /// Remove containers for services not defined in the Compose file
    #[arg(long)]
    remove_orphans: bool,
    /// Scale SERVICE to NUM instances. Overrides the `scale` setting in the Compose file if present.
    #[arg(long, value_name = "scale", value_parser = replicas)]
    scale: Vec<(String, u32)>,
    /// Assume "yes" as answer to all prompts and run non-interactively
    #[arg(short, long)]
    yes: bool,
}

/// `--pull`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// It is pulled.
    Pulled(Pull),
    /// It is built.
    Built,
}

impl Making {
    /// What is the same for both commands.
    pub fn options(&self, session: &Session, services: Vec<String>) -> Result<UpOptions, Stop> {
        if self.build && self.no_build {
            return Err(Stop::failed("--build and --no-build are incompatible"));
        }
        if self.force_recreate && self.no_recreate {
            return Err(Stop::failed(
                "--force-recreate and --no-recreate are incompatible",
            ));
        }
        let scaled: Vec<String> = self.scale.iter().map(|(name, _)| name.clone()).collect();
        session.check(&scaled)?;
        let recreate = match (self.force_recreate, self.no_recreate) {
            (true, _) => Recreate::Always,
            (_, true) => Recreate::Never,
            _ => Recreate::Changed,
        };
        Ok(UpOptions {
            services,
            build: self.build || self.pull == Some(Image::Built),
            no_build: self.no_build,
            pull: match self.pull {
                Some(Image::Pulled(pull)) => pull,
                _ => Pull::Policy,
            },
            recreate,
            recreate_dependencies: match recreate {
                Recreate::Never => Recreate::Never,
                _ => Recreate::Changed,
            },
            remove_orphans: self.remove_orphans || session.orphans_go(),
            ignore_orphans: session.orphans_are_ignored(),
            scale: self.scale.iter().cloned().collect(),
            ..UpOptions::default()
        })
    }
}

/// `--pull`.
pub fn pull(text: &str) -> Result<Image, Invalid> {
    match text {
        "" | "policy" => Ok(Image::Pulled(Pull::Policy)),
        "always" => Ok(Image::Pulled(Pull::Always)),
        "missing" => Ok(Image::Pulled(Pull::Missing)),
        "never" => Ok(Image::Pulled(Pull::Never)),
        "build" => Ok(Image::Built),
        _ => Err(Invalid(format!(
            "invalid --pull option {text:?}: it is always, missing, never or build"
        ))),
    }
}
