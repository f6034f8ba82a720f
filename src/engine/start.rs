//! `start`: hands a container to a new monitor and, when attached, joins it.

use super::attach::{self, AttachEnd, AttachOptions};
use super::claim::Claim;
use super::failure::{Context, Failure};
use super::protocol::{Frame, Request};
use super::{Engine, containers, spawn, terminal};

impl Engine {
    /// Starts a container. Attached: streams until it ends and returns how that
    /// went. Detached: returns once its process runs. A running one is left as it
    /// is (detached) or joined (attached).
    pub fn start(
        &self,
        name: &str,
        attach: Option<&AttachOptions>,
    ) -> Result<Option<AttachEnd>, Failure> {
        let (container, lock) = loop {
            let container = containers::find(&self.dirs, name)?;
            if container.run.is_some() {
                return match attach {
                    Some(options) => self.attach(name, options).map(Some),
                    None => Ok(None),
                };
            }
            // Waits for the monitor of the run before this one to finish its clean-up.
            if let Claim::Ours(lock) = self.claim(&container.record.id)? {
                break (container, lock);
            }
        };
        let id = &container.record.id;
        let ran_before = !container.last.addresses.is_empty();
        let run_dir = self.dirs.run(id);
        // Removed while we waited.
        let container = containers::read_record(&self.dirs.container(id))?
            .ok_or_else(|| Failure::no_such_container(name))?;
        let mut stream = spawn::monitor(&self.dirs, id, lock)?;
        let streams = attach.map(|options| options.streams);
        let size = attach.and_then(|_| terminal::size());
        Frame::Request(Request::Start { attach: streams, size })
            .write(&mut stream)
            .context(|| format!("ask the monitor of {id}"))?;
        match Frame::read(&mut stream).context(|| format!("hear the monitor of {id}"))? {
            Some(Frame::Started) => {}
            Some(Frame::Failed(failure)) => return Err(failure),
            _ => {
                return Err(Failure::new(format!("the monitor of container {id} died"))
                    .hint(format!("see {}", run_dir.join("monitor.log").display())));
            }
        }
        if ran_before {
            self.tell_consumers(id)?;
        }
        match attach {
            Some(options) => {
                attach::stream(stream, id, container.config.tty, options).map(Some)
            }
            None => Ok(None),
        }
    }
}
