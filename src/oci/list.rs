//! `list`.

use std::fs;

use serde_json::Value;

use super::call::{Call, failure};
use super::command::{Arity, Command};
use super::container_state::describe;
use super::flags::{Flag, Kind};
use crate::engine::failure::Failure;
use crate::output::stdout::say;
use crate::output::{json, table};

static FORMAT: Flag = Flag::with_short(
    "format",
    "f",
    Kind::Text,
    "table or json (default: \"table\")",
);
static QUIET: Flag = Flag::with_short("quiet", "q", Kind::Switch, "print ids only");

/// `list`.
pub static COMMAND: Command = Command {
    name: "list",
    usage: "[command options]",
    about: "list the containers below --root",
    flags: &[&FORMAT, &QUIET],
    arity: Arity::Exactly(0),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

/// Narrowest column of the table, as runc has it.
const NARROWEST: usize = 12;

const HEADER: &str = "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n";

fn run(call: &Call) -> Result<u8, Failure> {
    let containers = call.root().list().map_err(failure)?;
    if call.flags.on(&QUIET) {
        let ids = containers.iter().map(|one| format!("{}\n", one.id()));
        say(&ids.collect::<String>());
        return Ok(0);
    }
    // Who owns containers is asked only where there are any.
    let passwd = match containers.is_empty() {
        true => String::new(),
        false => fs::read_to_string("/etc/passwd").unwrap_or_default(),
    };
    let states: Vec<Value> = containers
        .iter()
        .map(|one| describe(one, &owner(&passwd, one.owner_uid())))
        .collect();
    match call.flags.text(&FORMAT).unwrap_or("table") {
        "table" => say(&rows(&states)),
        // Go's nil slice.
        "json" if states.is_empty() => say("null\n"),
        "json" => say(&format!("{}\n", json::compact_html(&Value::Array(states)))),
        _ => return Err(Failure::new("invalid format option")),
    }
    Ok(0)
}

fn rows(states: &[Value]) -> String {
    let mut text = HEADER.to_owned();
    for state in states {
        let cell = |name: &str| match &state[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let cells = ["id", "pid", "status", "bundle", "created", "owner"].map(cell);
        text.push_str(&format!("{}\n", cells.join("\t")));
    }
    table::align_from(NARROWEST, &text)
}

/// The user's name, or `#1000` for one without.
fn owner(passwd: &str, uid: u32) -> String {
    let number = uid.to_string();
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then_some(name)
    });
    named.map_or_else(|| format!("#{uid}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{owner, rows};
    use serde_json::json;

    #[test]
    fn the_table_is_runcs() {
        assert_eq!(
            rows(&[]),
            "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n"
        );
        let state = json!({
            "id": "c1", "pid": 2657, "status": "created", "bundle": "/tmp/runc-play/bb",
            "created": "2026-11-22T03:14:16.489571229Z", "owner": "root",
        });
        assert_eq!(
            rows(&[state]),
            "ID          PID         STATUS      BUNDLE              CREATED                          OWNER\n\
             c1          2657        created     /tmp/runc-play/bb   2026-11-22T03:14:16.489571229Z   root\n"
        );
    }

    #[test]
    fn owners_have_names_where_there_are_any() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbroken\nbin:x:1:1::/:/bin/false\n";
        assert_eq!(owner(passwd, 0), "root");
        assert_eq!(owner(passwd, 1), "bin");
        assert_eq!(owner(passwd, 1000), "#1000");
    }
}
