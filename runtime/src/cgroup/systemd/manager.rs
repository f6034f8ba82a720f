//! systemd's manager object (org.freedesktop.systemd1(5)): transient scopes.

use super::error::SystemdError;
use super::properties::Property;
use rbox_dbus::{BusError, Call, Connection, Received, Writer};
use std::path::Path;
use std::time::Duration;

const NAME: &str = "org.freedesktop.systemd1";
const OBJECT: &str = "/org/freedesktop/systemd1";
const INTERFACE: &str = "org.freedesktop.systemd1.Manager";
/// How long an answer may take; systemd's own clients wait as long.
const PATIENCE: Duration = Duration::from_secs(25);
const FINISHED_JOBS: &str = "type='signal',sender='org.freedesktop.systemd1',\
     interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";

/// The machine's systemd.
#[derive(Debug)]
pub(super) struct Manager {
    connection: Connection,
    /// Whether a bus is between us and it.
    on_bus: bool,
}

impl Manager {
    /// By systemd's own socket, which is for root.
    pub(super) fn direct(socket: &Path) -> Result<Manager, BusError> {
        Ok(Manager {
            connection: Connection::open(socket, PATIENCE)?,
            on_bus: false,
        })
    }

    /// By a bus.
    pub(super) fn on_bus(socket: &Path) -> Result<Manager, BusError> {
        let mut manager = Manager {
            connection: Connection::on_bus(socket, PATIENCE)?,
            on_bus: true,
        };
        let mut rule = Writer::default();
        rule.string(FINISHED_JOBS);
        manager.connection.ask_bus("AddMatch", "s", rule)?;
        // Without it systemd tells the bus nothing.
        manager.call("Subscribe", "", Writer::default())?;
        Ok(manager)
    }

    /// Starts the scope `unit` with the processes that its properties name, and
    /// waits until they are in it. A failed unit of that name is forgotten
    /// first.
    pub(super) fn start_scope(
        &mut self,
        unit: &str,
        properties: &[Property],
    ) -> Result<(), SystemdError> {
        let start = |manager: &mut Manager| {
            let mut body = Writer::default();
            body.string(unit);
            // Not in place of another job for it.
            body.string("fail");
            write_properties(&mut body, properties);
            // No auxiliary units.
            body.array(8, |_| {});
            manager.call("StartTransientUnit", "ssa(sv)a(sa(sv))", body)
        };
        let reply = match start(self) {
            Err(BusError::Call { name, .. }) if name == format!("{NAME}.UnitExists") => {
                self.forget_failure(unit)?;
                start(self)?
            }
            reply => reply?,
        };
        self.finish("start", unit, &reply)
    }

    /// Stops a unit, and kills what is in it. Nothing to do if there is none.
    pub(super) fn stop(&mut self, unit: &str) -> Result<(), SystemdError> {
        let mut body = Writer::default();
        body.string(unit);
        body.string("replace");
        match self.call("StopUnit", "ss", body) {
            Err(BusError::Call { name, .. }) if is_unknown(&name) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(reply) => {
                self.finish("stop", unit, &reply)?;
                self.forget_failure(unit)?;
                Ok(())
            }
        }
    }

    /// Changes properties of a running unit, until it is stopped.
    pub(super) fn set(&mut self, unit: &str, properties: &[Property]) -> Result<(), SystemdError> {
        let mut body = Writer::default();
        body.string(unit);
        body.boolean(true);
        write_properties(&mut body, properties);
        self.call("SetUnitProperties", "sba(sv)", body)?;
        Ok(())
    }

    /// Lets go of a unit that has ended badly.
    fn forget_failure(&mut self, unit: &str) -> Result<(), BusError> {
        let mut body = Writer::default();
        body.string(unit);
        match self.call("ResetFailedUnit", "s", body) {
            Err(BusError::Call { name, .. }) if is_unknown(&name) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Waits for the job that `reply` names.
    fn finish(
        &mut self,
        what: &'static str,
        unit: &str,
        reply: &Received,
    ) -> Result<(), SystemdError> {
        let Some(job) = reply.arguments.first() else {
            return Err(BusError::Protocol("systemd named no job").into());
        };
        let result = self.connection.wait_for(|signal| {
            // Number, object, unit, result.
            match signal.arguments.as_slice() {
                [_, object, _, result] if signal.member == "JobRemoved" && object == job => {
                    Some(result.clone())
                }
                _ => None,
            }
        })?;
        if result == "done" {
            Ok(())
        } else {
            Err(SystemdError::Job {
                what,
                unit: unit.to_owned(),
                result,
            })
        }
    }

    fn call(&mut self, member: &str, signature: &str, body: Writer) -> Result<Received, BusError> {
        self.connection.call(&Call {
            destination: self.on_bus.then_some(NAME),
            path: OBJECT,
            interface: INTERFACE,
            member,
            signature,
            body,
        })
    }
}

fn is_unknown(error: &str) -> bool {
    error == "org.freedesktop.systemd1.NoSuchUnit"
}

/// As `a(sv)`.
fn write_properties(body: &mut Writer, properties: &[Property]) {
    body.array(8, |array| {
        for property in properties {
            array.structure(|one| {
                one.string(property.name);
                property.value.write(one);
            });
        }
    });
}
