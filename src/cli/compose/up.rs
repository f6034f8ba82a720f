//! `compose up`.

use std::time::Duration;

use super::making::Making;
use super::session::{Files, Session};
use super::up_attached::{self, Abort, Attached};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::number;
use crate::cli::stop::{Outcome, Stop};
use crate::compose::request::{Recreate, UpOptions};
use crate::output::compose::colour::Ansi;

/// `compose up`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Create and start containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose up -d
rbox compose up --build --abort-on-container-exit --exit-code-from test
rbox compose up -d --wait --scale worker=3
",
    ..Spec::of::<Up>()
};

#[derive(clap::Parser)]
struct Up {
    #[command(flatten)]
    making: Making,
    /// Stops all containers if any container was stopped. Incompatible with -d
    #[arg(long)]
    abort_on_container_exit: bool,
    /// Stops all containers if any container exited with failure. Incompatible with -d
    #[arg(long)]
    abort_on_container_failure: bool,
    /// Recreate dependent containers. Incompatible with --no-recreate.
    #[arg(long)]
    always_recreate_deps: bool,
    /// Restrict attaching to the specified services. Incompatible with --attach-dependencies.
    #[arg(long, value_name = "stringArray")]
    attach: Vec<String>,
    /// Automatically attach to log output of dependent services
    #[arg(long)]
    attach_dependencies: bool,
    /// Detached mode: Run containers in the background
    #[arg(short, long)]
    detach: bool,
    /// Return the exit code of the selected service container. Implies --abort-on-container-exit
    #[arg(long, value_name = "string")]
    exit_code_from: Option<String>,
    /// Do not attach (stream logs) to the specified services
    #[arg(long, value_name = "stringArray")]
    no_attach: Vec<String>,
    /// Produce monochrome output
    #[arg(long)]
    no_color: bool,
    /// Don't start linked services
    #[arg(long)]
    no_deps: bool,
    /// Don't print prefix in logs
    #[arg(long)]
    no_log_prefix: bool,
    /// Don't start the services after creating them
    #[arg(long)]
    no_start: bool,
    /// Recreate anonymous volumes instead of retrieving data from the previous containers
    #[arg(short = 'V', long)]
    renew_anon_volumes: bool,
    /// Use this timeout in seconds for container shutdown when attached or when containers are already running
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    timeout: Option<i64>,
    /// Show timestamps
    #[arg(long)]
    timestamps: bool,
    /// Wait for services to be running|healthy. Implies detached mode.
    #[arg(long)]
    wait: bool,
    /// Maximum duration in seconds to wait for the project to be running|healthy
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    wait_timeout: u64,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Up = call.parse()?;
    line.check().map_err(Stop::failed)?;
    let mut session = Session::open(call, &line.services, Files::Needed)?;
    if line.no_color {
        session.settings.ansi = Ansi::Never;
    }
    session.quiet_pull = line.making.quiet_pull;
    let named = [&line.attach, &line.no_attach];
    named.iter().try_for_each(|names| session.check(names))?;
    if let Some(service) = &line.exit_code_from {
        session.check(std::slice::from_ref(service))?;
    }
    let mut options = UpOptions {
        no_deps: line.no_deps,
        renew_anonymous_volumes: line.renew_anon_volumes,
        timeout: line.timeout,
        wait: line.wait,
        wait_timeout: (line.wait_timeout > 0).then(|| Duration::from_secs(line.wait_timeout)),
        ..line.making.options(&session, line.services.clone())?
    };
    if line.always_recreate_deps {
        options.recreate_dependencies = Recreate::Always;
    }
    if line.no_start {
        session.work("Creating", |composer| composer.create(&options))?;
        return Ok(0);
    }
    if line.detach || line.wait {
        session.work("Running", |composer| composer.up(&options))?;
        return Ok(0);
    }
    let attached = Attached {
        abort: match line.abort_on_container_failure {
            _ if line.abort_on_container_exit || line.exit_code_from.is_some() => Abort::OnExit,
            true => Abort::OnFailure,
            false => Abort::Never,
        },
        exit_code_from: line.exit_code_from,
        only: line.attach,
        not: line.no_attach,
        dependencies: line.attach_dependencies,
        prefixed: !line.no_log_prefix,
        timestamps: line.timestamps,
    };
    up_attached::run(session, options, attached)
}

impl Up {
    /// Flags that go against each other.
    fn check(&self) -> Result<(), &'static str> {
        let aborts = self.abort_on_container_exit || self.abort_on_container_failure;
        let attaches = !self.attach.is_empty() || self.attach_dependencies;
        if self.detach && (aborts || self.exit_code_from.is_some() || attaches) {
            return Err(
                "--detach cannot be combined with --abort-on-container-exit, \
                 --abort-on-container-failure, --exit-code-from, --attach or --attach-dependencies",
            );
        }
        if self.wait && (aborts || self.exit_code_from.is_some() || attaches) {
            return Err("--wait cannot be combined with --abort-on-container-exit, \
                 --abort-on-container-failure, --exit-code-from, --attach or --attach-dependencies");
        }
        if !self.attach.is_empty() && self.attach_dependencies {
            return Err("cannot combine --attach and --attach-dependencies");
        }
        if self.no_start && (self.wait || aborts || self.exit_code_from.is_some()) {
            return Err("--no-start cannot be combined with flags about running containers");
        }
        Ok(())
    }
}
