//! What a compose command tells while it works. Nothing here prints: whoever runs the command
//! shows it, line by line or redrawn.

use std::fmt;

use crate::engine::Failure;
use crate::engine::build::event::Listener;

/// What something happens to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// By its name.
    Container(String),
    /// By its name on the machine.
    Network(String),
    /// By its name on the machine.
    Volume(String),
    /// As the file names it, or as it is called after the service.
    Image(String),
}

impl Thing {
    /// Its name alone.
    pub fn name(&self) -> &str {
        match self {
            Thing::Container(name)
            | Thing::Network(name)
            | Thing::Volume(name)
            | Thing::Image(name) => name,
        }
    }
}

impl fmt::Display for Thing {
    /// `Container proj-web-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Thing::Container(_) => "Container",
            Thing::Network(_) => "Network",
            Thing::Volume(_) => "Volume",
            Thing::Image(_) => "Image",
        };
        write!(f, "{kind} {}", self.name())
    }
}

/// What happens to it. Its text is Docker Compose's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is made.
    Creating,
    /// It is there.
    Created,
    /// Another one takes its place.
    Recreate,
    /// Another one is in its place.
    Recreated,
    /// Its process is started.
    Starting,
    /// Its process runs.
    Started,
    /// It ran already, as it should.
    Running,
    /// It gets its stop signal.
    Stopping,
    /// It has ended.
    Stopped,
    /// It is stopped and started.
    Restarting,
    /// It gets a signal.
    Killing,
    /// It got it.
    Killed,
    /// It is taken away.
    Removing,
    /// It is gone.
    Removed,
    /// It is made to stand still.
    Pausing,
    /// It stands still.
    Paused,
    /// It is made to run on.
    Unpausing,
    /// It runs on.
    Unpaused,
    /// It has to become healthy, or end, before others start.
    Waiting,
    /// Its health check succeeded.
    Healthy,
    /// It ran to its end, as it should.
    Exited,
    /// It is fetched.
    Pulling,
    /// It is here.
    Pulled,
    /// It is sent.
    Pushing,
    /// It is there.
    Pushed,
    /// It is built.
    Building,
    /// It was built.
    Built,
    /// There was nothing to do, and why.
    Skipped(String),
    /// It is left as it is although something was asked, and why: others use it.
    Kept(String),
    /// It failed; the text is the error's.
    Failed(String),
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Something is done to it; another state follows.
    Working,
    /// That is over.
    Done,
    /// It is over, and not as asked.
    Warning,
    /// It failed.
    Error,
}

impl State {
    /// How far that is.
    pub fn phase(&self) -> Phase {
        match self {
            State::Creating
            | State::Recreate
            | State::Starting
            | State::Stopping
            | State::Restarting
            | State::Killing
            | State::Removing
            | State::Pausing
            | State::Unpausing
            | State::Waiting
            | State::Pulling
            | State::Pushing
            | State::Building => Phase::Working,
            State::Kept(_) => Phase::Warning,
            State::Failed(_) => Phase::Error,
            _ => Phase::Done,
        }
    }

    /// What there is to say beside the word.
    pub fn detail(&self) -> Option<&str> {
        match self {
            State::Skipped(why) | State::Kept(why) | State::Failed(why) => Some(why),
            _ => None,
        }
    }

    /// The word.
    pub fn word(&self) -> &'static str {
        match self {
            State::Creating => "Creating",
            State::Created => "Created",
            State::Recreate => "Recreate",
            State::Recreated => "Recreated",
            State::Starting => "Starting",
            State::Started => "Started",
            State::Running => "Running",
            State::Stopping => "Stopping",
            State::Stopped => "Stopped",
            State::Restarting => "Restarting",
            State::Killing => "Killing",
            State::Killed => "Killed",
            State::Removing => "Removing",
            State::Removed => "Removed",
            State::Pausing => "Pausing",
            State::Paused => "Paused",
            State::Unpausing => "Unpausing",
            State::Unpaused => "Unpaused",
            State::Waiting => "Waiting",
            State::Healthy => "Healthy",
            State::Exited => "Exited",
            State::Pulling => "Pulling",
            State::Pulled => "Pulled",
            State::Pushing => "Pushing",
            State::Pushed => "Pushed",
            State::Building => "Building",
            State::Built => "Built",
            State::Skipped(_) => "Skipped",
            State::Kept(_) => "Resource is still in use",
            State::Failed(_) => "Error",
        }
    }
}

/// Is told. Called by several threads.
pub trait Progress: Sync {
    /// Something is in a new state.
    fn tell(&self, thing: &Thing, state: State);
    /// Something that the user should know although nothing failed.
    fn warn(&self, warning: &Failure);
    /// Who hears what builds say.
    fn builds(&self) -> &dyn Listener;
}
