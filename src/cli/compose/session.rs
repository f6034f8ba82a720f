//! The project that a command works on, and those of its containers that it names.

use crate::cli::call::Call;
use crate::cli::parse::number;
use crate::cli::stop::Stop;
use crate::compose::file::{self, LoadError, LoadOptions};
use crate::compose::model::Project;
use crate::compose::{self, Composer, ProjectContainer};
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::output::compose::{Shown, Style};
use crate::output::error;

use super::settings::{Settings, variable};

/// What a command of compose works with.
pub struct Session {
    /// The machine.
    pub engine: Engine,
    /// What there shall be.
    pub project: Project,
    /// Flags before the command.
    pub settings: Settings,
    /// `--quiet-pull`.
    pub quiet_pull: bool,
}

/// Whether a command goes on without a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// It needs one.
    Needed,
    /// With a project's name it works on what the containers' labels say.
    NameWillDo,
}

/// What the loader is asked for.
pub fn load_options(settings: &Settings, services: &[String]) -> LoadOptions {
    LoadOptions {
        files: settings.files.clone(),
        project_name: settings.project_name.clone(),
        directory: settings.directory.clone(),
        env_files: settings.env_files.clone(),
        profiles: settings.profiles.clone(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        services: services.to_vec(),
    }
}

/// The project; what it warns of is said.
fn loaded(settings: &Settings, services: &[String]) -> Result<Project, LoadError> {
    let project = file::load(&load_options(settings, services))?;
    for warning in &project.warnings {
        error::warn(&Failure::new(warning.as_str()));
    }
    Ok(project)
}

impl Session {
    /// Reads the project. `services` are those that the command line names.
    pub fn open(call: &Call, services: &[String], files: Files) -> Result<Session, Stop> {
        let settings = call.compose.clone();
        let loaded = loaded(&settings, services);
        let engine = call.engine()?;
        let project = match (loaded, &settings.project_name) {
            (Ok(project), _) => project,
            (Err(error), Some(name))
                if files == Files::NameWillDo && settings.files.is_empty() && no_file(&error) =>
            {
                compose::from_labels(&engine, name)?
            }
            (Err(error), _) => return Err(Stop::Failed(failure(error))),
        };
        let session = Session {
            engine,
            project,
            settings,
            quiet_pull: false,
        };
        session.check(services)?;
        Ok(session)
    }

    /// Reads the project alone: for what needs neither root nor state.
    pub fn load_only(call: &Call, services: &[String]) -> Result<Project, Stop> {
        loaded(&call.compose, services).map_err(|error| Stop::Failed(failure(error)))
    }

    /// Services that the file has not are an error.
    pub fn check(&self, services: &[String]) -> Result<(), Stop> {
        check(&self.project, services)
    }

    /// Does something, and shows it. `title` is the word for it on a terminal.
    pub fn work<T>(
        &self,
        title: &'static str,
        act: impl FnOnce(&Composer<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let shown = Shown::new(
            self.settings.style,
            self.settings.ansi,
            title,
            self.quiet_pull,
        );
        let result = act(&Composer {
            engine: &self.engine,
            project: &self.project,
            progress: &shown,
        });
        shown.finish();
        result
    }

    /// Does something of which there is nothing to show.
    pub fn quietly<T>(
        &self,
        act: impl FnOnce(&Composer<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        act(&Composer {
            engine: &self.engine,
            project: &self.project,
            progress: &Shown::new(Style::Quiet, self.settings.ansi, "", true),
        })
    }

    /// The project's containers.
    pub fn containers(&self) -> Result<Vec<ProjectContainer>, Failure> {
        compose::containers(&self.engine, &self.project.name)
    }

    /// Those of `services` (all, when none is named) that `up` made.
    pub fn of(&self, services: &[String]) -> Result<Vec<ProjectContainer>, Failure> {
        let mut containers = self.containers()?;
        containers.retain(|container| {
            let named = services.is_empty() || services.contains(&container.service);
            named && !container.oneoff
        });
        Ok(containers)
    }

    /// One container of a service: the first, rather one that runs, or that with the number.
    pub fn one(&self, service: &str, index: u32) -> Result<ProjectContainer, Stop> {
        let services = [service.to_owned()];
        self.check(&services)?;
        let mut containers = self.of(&services)?;
        if index > 0 {
            containers.retain(|container| container.number == index);
        }
        let running = containers
            .iter()
            .position(|one| one.container.run.is_some());
        let chosen = containers.into_iter().nth(running.unwrap_or_default());
        chosen.ok_or_else(|| not_running(service, index))
    }

    /// The same, of one that runs.
    pub fn running(&self, service: &str, index: u32) -> Result<ProjectContainer, Stop> {
        let container = self.one(service, index)?;
        match container.container.run {
            Some(_) => Ok(container),
            None => Err(not_running(service, index)),
        }
    }

    /// COMPOSE_REMOVE_ORPHANS.
    pub fn orphans_go(&self) -> bool {
        is_set("COMPOSE_REMOVE_ORPHANS")
    }

    /// COMPOSE_IGNORE_ORPHANS.
    pub fn orphans_are_ignored(&self) -> bool {
        is_set("COMPOSE_IGNORE_ORPHANS")
    }

    /// What a container is called before its lines: without the project's name.
    pub fn short_name<'a>(&self, container: &'a ProjectContainer) -> &'a str {
        let name = container.name();
        name.strip_prefix(&self.project.name)
            .and_then(|rest| rest.strip_prefix('-'))
            .filter(|rest| !rest.is_empty())
            .unwrap_or(name)
    }
}

/// Docker Compose's text.
fn not_running(service: &str, index: u32) -> Stop {
    let which = match index {
        0 => String::new(),
        index => format!(" instance {index}"),
    };
    Stop::failed(format!("service \"{service}\"{which} is not running"))
}

/// Services that the file has not are an error.
pub fn check(project: &Project, services: &[String]) -> Result<(), Stop> {
    let known = |name: &&String| {
        project.services.contains_key(*name) || project.disabled.contains_key(*name)
    };
    match services.iter().find(|name| !known(name)) {
        Some(name) => Err(Stop::Failed(no_such_service(project, name))),
        None => Ok(()),
    }
}

fn is_set(name: &str) -> bool {
    variable(name).is_some_and(|text| number::boolean(&text) == Ok(true))
}

/// A file that cannot be used, as any other failure.
pub fn failure(error: LoadError) -> Failure {
    Failure {
        code: None,
        message: error.message,
        hint: error.hint,
    }
}

/// Whether there simply is none.
fn no_file(error: &LoadError) -> bool {
    error.message.starts_with("no configuration file provided")
}

fn no_such_service(project: &Project, name: &str) -> Failure {
    let failure = Failure::new(format!("no such service: {name}"));
    let known: Vec<&str> = project.services.keys().map(String::as_str).collect();
    match known.is_empty() {
        true => failure,
        false => failure.hint(format!("the services are {}", known.join(", "))),
    }
}
