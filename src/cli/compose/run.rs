//! `compose run`.

use std::collections::BTreeMap;

use super::exec::is_terminal;
use super::making::{self, Image};
use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::{check_tty, exit_code};
use crate::cli::parse::env::{self, Variable};
use crate::cli::parse::{capability, label, volume};
use crate::cli::stop::{Outcome, Stop};
use crate::compose::file::words;
use crate::compose::request::{OneOff, Pull};
use crate::engine::attach::AttachOptions;
use crate::engine::protocol::Streams;
use crate::engine::request::{MountKind, MountRequest};

/// `compose run`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] SERVICE [COMMAND] [ARGS...]",
    about: "Run a one-off command on a service",
    arity: Arity::AtLeast(1),
    interspersed: false,
    run,
    examples: "\
rbox compose run --rm web sh
rbox compose run --rm -T --no-deps -e CI=1 test pytest -q
rbox compose run -d --service-ports web
",
    ..Spec::of::<Run>()
};

#[derive(clap::Parser)]
struct Run {
    /// Build image before starting container
    #[arg(long)]
    build: bool,
    /// Add Linux capabilities
    #[arg(long, value_name = "list")]
    cap_add: Vec<String>,
    /// Drop Linux capabilities
    #[arg(long, value_name = "list")]
    cap_drop: Vec<String>,
    /// Run container in background and print container ID
    #[arg(short, long)]
    detach: bool,
    /// Override the entrypoint of the image
    #[arg(long, value_name = "string")]
    entrypoint: Option<String>,
    /// Set environment variables
    #[arg(short, long, value_name = "stringArray", value_parser = env::variable)]
    env: Vec<Variable>,
    /// Set environment variables from file
    #[arg(long, value_name = "stringArray")]
    env_from_file: Vec<String>,
    /// Keep STDIN open even if not attached (default true)
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true)]
    interactive: bool,
    /// Add or override a label
    #[arg(short, long, value_name = "stringArray", value_parser = label::label)]
    label: Vec<(String, String)>,
    /// Assign a name to the container
    #[arg(long, value_name = "string")]
    name: Option<String>,
    /// Disable pseudo-TTY allocation (default: auto-detected)
    #[arg(short = 'T', long = "no-TTY", alias = "no-tty")]
    no_tty: bool,
    /// Don't start linked services
    #[arg(long)]
    no_deps: bool,
    /// Publish a container's port(s) to the host
    #[arg(short, long, value_name = "stringArray")]
    publish: Vec<String>,
    /// Pull image before running ("always"|"missing"|"never") (default "policy")
    #[arg(long, value_name = "string", value_parser = making::pull)]
    pull: Option<Image>,
    /// Don't print anything to STDOUT while containers are made
    #[arg(short, long)]
    quiet: bool,
    /// Pull without printing progress information
    #[arg(long)]
    quiet_pull: bool,
    /// Remove containers for services not defined in the Compose file
    #[arg(long)]
    remove_orphans: bool,
    /// Automatically remove the container when it exits
    #[arg(long)]
    rm: bool,
    /// Run command with all service's ports enabled and mapped to the host
    #[arg(short = 'P', long)]
    service_ports: bool,
    /// Use the service's network useAliases in the network(s) the container connects to
    #[arg(long)]
    use_aliases: bool,
    /// Run as specified username or uid
    #[arg(short, long, value_name = "string")]
    user: Option<String>,
    /// Bind mount a volume
    #[arg(short, long, value_name = "stringArray")]
    volume: Vec<String>,
    /// Working directory inside the container
    #[arg(short, long, value_name = "string")]
    workdir: Option<String>,
    #[arg(hide = true)]
    service: String,
    #[arg(hide = true)]
    command: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Run = call.parse()?;
    let named = [line.service.clone()];
    let mut session = Session::open(call, &named, Files::Needed)?;
    if line.quiet {
        session.settings.style = crate::output::compose::Style::Quiet;
    }
    session.quiet_pull = line.quiet_pull;
    let asked = line.request(&session)?;
    if !line.detach {
        check_tty(asked.interactive, asked.tty)?;
    }
    let id = session.work("Running", |composer| composer.one_off(&asked))?;
    if line.detach {
        session.engine.start(&id, None)?;
        say(&format!("{id}\n"));
        return Ok(0);
    }
    let options = AttachOptions {
        streams: asked.attach,
        detach_keys: String::new(),
        sig_proxy: true,
    };
    Ok(exit_code(session.engine.start(&id, Some(&options))?, 0))
}

impl Run {
    fn request(&self, session: &Session) -> Result<OneOff, Stop> {
        if self.service_ports && !self.publish.is_empty() {
            return Err(Stop::failed(
                "--service-ports and --publish are incompatible",
            ));
        }
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Ok(OneOff {
            service: self.service.clone(),
            command: (!self.command.is_empty()).then(|| self.command.clone()),
            entrypoint: match &self.entrypoint {
                Some(text) => Some(words::split(text).map_err(|error| {
                    Stop::failed(format!("invalid entrypoint {text:?}: {error}"))
                })?),
                None => None,
            },
            environment: self.environment()?,
            labels: self.label.iter().cloned().collect(),
            name: given(&self.name),
            user: given(&self.user),
            working_dir: given(&self.workdir),
            mounts: self.mounts(session)?,
            publish: self.publish.clone(),
            service_ports: self.service_ports,
            use_aliases: self.use_aliases,
            remove: self.rm,
            no_deps: self.no_deps,
            tty: !self.no_tty && !self.detach && is_terminal(),
            interactive: self.interactive && !self.detach,
            cap_add: capability::list("CapAdd", &self.cap_add)?,
            cap_drop: capability::list("CapDrop", &self.cap_drop)?,
            build: self.build || self.pull == Some(Image::Built),
            pull: match self.pull {
                Some(Image::Pulled(pull)) => pull,
                _ => Pull::Policy,
            },
            remove_orphans: self.remove_orphans || session.orphans_go(),
            attach: Streams {
                stdin: self.interactive && !self.detach,
                stdout: !self.detach,
                stderr: !self.detach,
            },
        })
    }

    /// Files first, then `-e`; without a value it is our own variable's.
    fn environment(&self) -> Result<BTreeMap<String, String>, Stop> {
        let mut all = Vec::new();
        for path in &self.env_from_file {
            let text = crate::cli::container::run::read(path).map_err(Stop::failed)?;
            all.extend(env::file(&text)?);
        }
        all.extend(self.env.iter().cloned());
        Ok(env::resolve(all, |name| std::env::var(name).ok())
            .into_iter()
            .collect())
    }

    /// A volume that the file declares is meant by its key.
    fn mounts(&self, session: &Session) -> Result<Vec<MountRequest>, Stop> {
        let here = std::env::current_dir().unwrap_or_default();
        let mut mounts = Vec::new();
        for text in &self.volume {
            let mut mount = volume::volume(text, &here)?.mount;
            let declared = session.project.volumes.get(&mount.source);
            if let (MountKind::Volume, Some(volume)) = (mount.kind, declared) {
                mount.source.clone_from(&volume.name);
            }
            mounts.push(mount);
        }
        Ok(mounts)
    }
}
