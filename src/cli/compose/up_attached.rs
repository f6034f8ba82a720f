//! `compose up` in the foreground: what the containers write, until they end or ctrl-C.
//!
//! ```text
//!  create ─▶ "Attaching to web-1, db-1" ─▶ start ──started──▶ a thread each: log, then exit code
//!                                                                    │
//!  ctrl-C ─▶ stop all (again: SIGKILL; again: leave) ◀── main loop ◀─┘
//! ```

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::follow::{self, Followed};
use super::herald::{Happening, Herald};
use super::interrupt;
use super::session::Session;
use crate::cli::container::to_u8;
use crate::cli::stop::{Outcome, Stop};
use crate::compose::request::{Pull, Recreate, UpOptions};
use crate::compose::{Composer, ProjectContainer};
use crate::engine::clock;
use crate::engine::failure::Failure;
use crate::engine::logs::LogOptions;
use crate::output::compose::Style;
use crate::output::compose::logs::Writer;
use crate::output::error;

/// Exit code after ctrl-C: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// When all are stopped because one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abort {
    /// Only by ctrl-C.
    Never,
    /// `--abort-on-container-exit`.
    OnExit,
    /// `--abort-on-container-failure`.
    OnFailure,
}

/// What is shown, and when it is over.
#[derive(Clone, Debug)]
pub struct Attached {
    /// When one ends.
    pub abort: Abort,
    /// Whose exit code is ours.
    pub exit_code_from: Option<String>,
    /// `--attach`.
    pub only: Vec<String>,
    /// `--no-attach`.
    pub not: Vec<String>,
    /// `--attach-dependencies`.
    pub dependencies: bool,
    /// Names stand before the lines.
    pub prefixed: bool,
    /// Times, too.
    pub timestamps: bool,
}

/// One of the project's containers.
struct Member {
    container: ProjectContainer,
    followed: Followed,
    shown: bool,
    watched: bool,
}

/// Creates, starts, and stays until all have ended.
pub fn run(mut session: Session, options: UpOptions, attached: Attached) -> Outcome {
    session.work("Running", |composer| composer.create(&options))?;
    if matches!(session.settings.style, Style::Auto | Style::Terminal) {
        // From now on what the containers write is what a terminal shows: between it only lines.
        session.settings.style = Style::Plain;
    }
    let members: Vec<Member> = session
        .of(&[])?
        .into_iter()
        .map(|container| Member {
            followed: Followed::of(&session, &container),
            shown: attached.shows(&session, &options, &container.service),
            container,
            watched: false,
        })
        .collect();
    let names: Vec<Followed> = members.iter().map(|one| one.followed.clone()).collect();
    let shown: Vec<&Followed> = members
        .iter()
        .filter(|one| one.shown)
        .map(|one| &one.followed)
        .collect();
    let writer = follow::writer_of(&names, &shown, session.settings.ansi, attached.prefixed);
    let shown: Vec<&str> = shown.iter().map(|one| one.name.as_str()).collect();
    if !shown.is_empty() {
        writer.say(&format!("Attaching to {}", shown.join(", ")));
    }
    let (sender, heard) = channel();
    interrupt::listen({
        let sender = sender.clone();
        move || sender.send(Happening::Interrupt).is_ok()
    })?;
    let stage = Stage {
        session: Arc::new(session),
        writer: Arc::new(writer),
        since: clock::unix_nanos(),
        timeout: options.timeout,
        sender,
        attached,
        members,
        first_ended: None,
        code: 0,
        interrupts: 0,
        stopping: false,
    };
    stage.start(options);
    stage.go_on(&heard)
}

impl Attached {
    /// Whether the output of a service is shown.
    fn shows(&self, session: &Session, options: &UpOptions, service: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == service);
        if !self.only.is_empty() {
            return named(&self.only);
        }
        let wants = session
            .project
            .services
            .get(service)
            .map(|service| service.attach);
        let asked = options.services.is_empty() || self.dependencies || named(&options.services);
        asked && !named(&self.not) && wants.flatten() != Some(false)
    }
}

/// All that goes on.
struct Stage {
    session: Arc<Session>,
    writer: Arc<Writer>,
    /// What was written before is not shown.
    since: i64,
    timeout: Option<i64>,
    sender: Sender<Happening>,
    attached: Attached,
    members: Vec<Member>,
    first_ended: Option<String>,
    code: u8,
    interrupts: u32,
    /// All are stopped at this moment.
    stopping: bool,
}

impl Stage {
    /// Starts what was created; those that run are told by their names.
    fn start(&self, options: UpOptions) {
        // All is made by now: only the order and the conditions of starting are wanted.
        let options = UpOptions {
            build: false,
            no_build: true,
            pull: Pull::Never,
            recreate: Recreate::Never,
            recreate_dependencies: Recreate::Never,
            remove_orphans: false,
            ignore_orphans: true,
            ..options
        };
        let (session, sender) = (self.session.clone(), self.sender.clone());
        thread::spawn(move || {
            let herald = Herald(sender.clone());
            let result = Composer {
                engine: &session.engine,
                project: &session.project,
                progress: &herald,
            }
            .up(&options);
            // Nobody listens when we leave already.
            let _ = sender.send(Happening::Started(result));
        });
    }

    /// Until all have ended.
    fn go_on(mut self, heard: &Receiver<Happening>) -> Outcome {
        let mut started = false;
        let mut running = 0_usize;
        loop {
            if started && running == 0 && !self.stopping {
                break;
            }
            let Ok(happening) = heard.recv() else { break };
            match happening {
                Happening::Runs(name) => running += usize::from(self.watch(&name)),
                Happening::Ended(index, result) => {
                    running -= 1;
                    self.ended(index, result);
                }
                Happening::Started(result) => {
                    started = true;
                    match result {
                        // What was about to start when all were stopped is stopped, too.
                        _ if self.interrupts > 0 || self.first_ended.is_some() => self.stop(),
                        Ok(()) => {}
                        Err(failure) => return Err(Stop::Failed(failure)),
                    }
                }
                Happening::Interrupt => self.interrupted(),
                Happening::Stopped(result) => {
                    self.stopping = false;
                    if let Err(failure) = result {
                        error::print(&failure);
                    }
                }
            }
        }
        match self.interrupts {
            0 => Ok(self.code),
            _ => Ok(INTERRUPTED),
        }
    }

    /// Follows a container that runs; whether it was not followed yet.
    fn watch(&mut self, name: &str) -> bool {
        let named = |one: &&mut (usize, &mut Member)| one.1.container.name() == name;
        let mut members: Vec<(usize, &mut Member)> = self.members.iter_mut().enumerate().collect();
        let Some((index, member)) = members.iter_mut().find(named) else {
            return false;
        };
        if std::mem::replace(&mut member.watched, true) {
            return false;
        }
        let (index, one, shown) = (*index, member.followed.clone(), member.shown);
        let (session, writer) = (self.session.clone(), self.writer.clone());
        let sender = self.sender.clone();
        let options = LogOptions {
            follow: true,
            timestamps: self.attached.timestamps,
            since: Some(self.since),
            ..LogOptions::default()
        };
        thread::spawn(move || {
            let engine = &session.engine;
            let shown = match shown {
                true => follow::stay(engine, &one, &options, &writer, index),
                false => Ok(()),
            };
            let result = shown.and_then(|()| engine.wait(&one.id));
            // Nobody listens when we leave already.
            let _ = sender.send(Happening::Ended(index, result));
        });
        true
    }

    fn ended(&mut self, index: usize, result: Result<i32, Failure>) {
        let Some(member) = self.members.get(index) else {
            return;
        };
        let service = member.container.service.clone();
        let code = match result {
            Ok(code) => code,
            Err(failure) => return error::print(&failure),
        };
        if member.shown {
            self.writer.note(index, &format!("exited with code {code}"));
        }
        let aborts = match self.attached.abort {
            Abort::Never => false,
            Abort::OnExit => true,
            Abort::OnFailure => code != 0,
        };
        if !aborts {
            return;
        }
        let first = self.first_ended.is_none();
        let whose = self.first_ended.get_or_insert(service.clone());
        if self.attached.exit_code_from.as_ref().unwrap_or(whose) == &service {
            self.code = to_u8(code);
        }
        if first && self.interrupts == 0 {
            self.writer.say("Aborting on container exit...");
            self.stop();
        }
    }

    /// Once stops, twice kills, the third time nothing is waited for.
    fn interrupted(&mut self) {
        self.interrupts += 1;
        match self.interrupts {
            1 => {
                error::print_plain("Gracefully Stopping... press Ctrl+C again to force");
                self.stop();
            }
            2 => {
                let (session, sender) = (self.session.clone(), self.sender.clone());
                self.stopping = true;
                thread::spawn(move || {
                    let killed =
                        session.work("Killing", |composer| composer.kill(&[], "SIGKILL", false));
                    let _ = sender.send(Happening::Stopped(killed));
                });
            }
            _ => std::process::exit(i32::from(INTERRUPTED)),
        }
    }

    /// Stops all of the project that runs.
    fn stop(&mut self) {
        let (session, sender) = (self.session.clone(), self.sender.clone());
        let timeout = self.timeout;
        self.stopping = true;
        thread::spawn(move || {
            let stopped = session.work("Stopping", |composer| composer.stop(&[], timeout));
            let _ = sender.send(Happening::Stopped(stopped));
        });
    }
}
