//! firewalld: a bridge is let through when it is in the zone `trusted`.
//!
//! Asked by D-Bus (firewalld.dbus(5)), in the runtime configuration only: nothing is written to
//! /etc/firewalld. A bridge that the administrator has put into another zone stays there.

use std::path::Path;
use std::time::Duration;

use rbox_dbus::{BusError, Call, Connection, Writer};

const BUS: &str = "/run/dbus/system_bus_socket";
const NAME: &str = "org.fedoraproject.FirewallD1";
const OBJECT: &str = "/org/fedoraproject/FirewallD1";
const INTERFACE: &str = "org.fedoraproject.FirewallD1.zone";
const ZONE: &str = "trusted";
/// How long a start waits for firewalld; it takes about 50 ms.
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts an interface into the zone; false when it is in one already.
///
/// # Errors
/// [`BusError`]: firewalld is not there, refuses, or takes too long.
pub fn trust(interface: &str) -> Result<bool, BusError> {
    let mut connection = Connection::on_bus(Path::new(BUS), PATIENCE)?;
    if !zone_of(&mut connection, interface)?.is_empty() {
        return Ok(false);
    }
    match call(&mut connection, "addInterface", &[ZONE, interface]) {
        // Another start was quicker.
        Err(BusError::Call { message, .. }) if message.starts_with("ZONE_ALREADY_SET") => Ok(false),
        result => result.map(|_| true),
    }
}

/// Takes an interface out of the zone. Nothing to do when it is not there.
///
/// # Errors
/// [`BusError`]: firewalld is not there, refuses, or takes too long.
pub fn forget(interface: &str) -> Result<(), BusError> {
    let mut connection = Connection::on_bus(Path::new(BUS), PATIENCE)?;
    if zone_of(&mut connection, interface)? == ZONE {
        call(&mut connection, "removeInterface", &[ZONE, interface])?;
    }
    Ok(())
}

/// The zone that an interface is in; empty when it is in none of its own.
fn zone_of(connection: &mut Connection, interface: &str) -> Result<String, BusError> {
    call(connection, "getZoneOfInterface", &[interface])
}

fn call(connection: &mut Connection, member: &str, arguments: &[&str]) -> Result<String, BusError> {
    let mut body = Writer::default();
    for argument in arguments {
        body.string(argument);
    }
    let reply = connection.call(&Call {
        destination: Some(NAME),
        path: OBJECT,
        interface: INTERFACE,
        member,
        signature: &"s".repeat(arguments.len()),
        body,
    })?;
    Ok(reply.arguments.into_iter().next().unwrap_or_default())
}
