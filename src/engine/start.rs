//! `start`: hands a container to a new monitor and, when attached, joins it.

use std::fs;

use super::attach::{self, AttachEnd, AttachOptions};
use super::claim::{Claim, claim, is_running};
use super::failure::Failure;
use super::protocol::{Frame, Request};
use super::record::Record;
use super::spawn::{LOG, Spare};
use super::{Engine, containers, event, terminal};

impl Engine {
    /// Starts a container. Attached: streams until it ends and returns how that
    /// went. Detached: returns once its process runs. A running one is left as it
    /// is (detached) or joined (attached).
    pub fn start(
        &self,
        name: &str,
        attach: Option<&AttachOptions>,
    ) -> Result<Option<AttachEnd>, Failure> {
        self.start_with(None, name, attach)
    }

    /// The same, with a monitor that was started before.
    pub fn start_with(
        &self,
        spare: Option<Spare>,
        name: &str,
        attach: Option<&AttachOptions>,
    ) -> Result<Option<AttachEnd>, Failure> {
        let container = containers::find(&self.dirs, name)?;
        let id = &container.record.id;
        let run_dir = self.dirs.run(id);
        // Waits for the monitor of the run before this one to finish its clean-up,
        // and for whoever starts it at this moment.
        let lock = match claim(&self.dirs, id) {
            Ok(Claim::Ours(lock)) => lock,
            Ok(Claim::Running) if self.is_paused(id) => {
                return Err(Failure::new(
                    "cannot start a paused container, try unpause instead",
                ));
            }
            Ok(Claim::Running) => {
                return match attach {
                    Some(options) => self.attach(id, options).map(Some),
                    None => Ok(None),
                };
            }
            Err(failure) => return Err(self.not_begun(&container.record, failure)),
        };
        rbox_timing::mark("lock taken");
        let spare = spare.map_or_else(|| Spare::new(&self.dirs, id), Ok);
        // Removed, perhaps, while we waited.
        let record = match containers::read_record(&self.dirs.container(id)) {
            Ok(Some(record)) => record,
            other => {
                let _ = lock.remove_dir(&run_dir);
                return Err(other
                    .err()
                    .unwrap_or_else(|| Failure::no_such_container(name)));
            }
        };
        if attach.is_some() {
            event::of_container(&self.dirs, "attach", &record, &[]);
        }
        let monitor = spare.and_then(|spare| spare.employ(&self.dirs, &lock));
        drop(lock);
        let mut stream = match monitor {
            Ok(monitor) => monitor.stream,
            Err(failure) => return Err(self.not_begun(&record, failure)),
        };
        let streams = attach.map(|options| options.streams);
        let size = attach.and_then(|_| terminal::size());
        rbox_timing::mark("monitor executed");
        let asked = Frame::Request(Request::Start {
            attach: streams,
            size,
            bound: false,
            secrets: Vec::new(),
        })
        .write(&mut stream);
        let mut answer = asked.and_then(|()| Frame::read(&mut stream));
        while let Ok(Some(Frame::Notice(notice))) = answer {
            (self.tell)(&notice);
            answer = Frame::read(&mut stream);
        }
        match answer {
            Ok(Some(Frame::Started)) => rbox_timing::mark("heard that it runs"),
            Ok(Some(Frame::Failed(failure))) => {
                // When this returns, nothing is left of the attempt.
                let _ = is_running(&self.dirs, id);
                return Err(failure);
            }
            _ => return Err(self.not_begun(&record, self.died(id))),
        }
        self.tell_consumers(id)?;
        match attach {
            Some(options) => {
                let end = attach::stream(stream, id, record.config.tty, options);
                self.streamed(&record, end).map(Some)
            }
            None => Ok(None),
        }
    }

    /// No monitor recorded why the start failed: what is left of it is undone, and
    /// with `--rm` the container is removed as after any start that fails.
    fn not_begun(&self, record: &Record, failure: Failure) -> Failure {
        let running = is_running(&self.dirs, &record.id);
        // Where there is no room for a run directory nobody else can start it either.
        let nobodys = matches!(running, Ok(false)) || !self.dirs.run(&record.id).exists();
        if record.host.auto_remove && nobodys {
            let _ = containers::remove_files(&self.dirs, &record.id);
        }
        failure
    }

    /// What the monitor said before it died.
    fn died(&self, id: &str) -> Failure {
        let said = fs::read_to_string(self.dirs.run(id).join(LOG)).unwrap_or_default();
        let failure = Failure::new(format!("the monitor of container {id} died"));
        match said.trim_end() {
            "" => failure,
            said => failure.hint(said),
        }
    }
}
