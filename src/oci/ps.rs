//! `ps`.

use std::process::{Command as Program, Stdio};

use serde_json::json;

use super::call::Call;
use super::command::{Arity, Command};
use super::flags::{Flag, Kind};
use crate::engine::failure::{Context, Failure};
use crate::output::go_text::quote;
use crate::output::stdout::say;

static FORMAT: Flag = Flag::with_short(
    "format",
    "f",
    Kind::Text,
    "table or json (default: \"table\")",
);

/// `ps`.
pub static COMMAND: Command = Command {
    name: "ps",
    usage: "[command options] <container-id> [ps options]",
    about: "show the processes of a container, by the host's ps",
    flags: &[&FORMAT],
    arity: Arity::AtLeast(1),
    interspersed: false,
    protected: false,
    failure: "",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let pids = call.container()?.processes();
    match call.flags.text(&FORMAT).unwrap_or("table") {
        "json" => {
            say(&format!("{}\n", json!(pids)));
            return Ok(0);
        }
        "table" => {}
        _ => return Err(Failure::new("invalid format option")),
    }
    let everything = ["-ef".to_owned()];
    let options = match &call.flags.arguments[1..] {
        [] => &everything[..],
        given => given,
    };
    let output = Program::new("ps")
        .args(options)
        .stdin(Stdio::null())
        .output()
        .context(|| "execute the host's ps".into())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "ps: {}: {}",
            output.status,
            said.trim_end()
        )));
    }
    say(&only(&String::from_utf8_lossy(&output.stdout), &pids)?);
    Ok(0)
}

/// The header and the lines of these processes.
fn only(listing: &str, pids: &[i32]) -> Result<String, Failure> {
    let mut lines = listing.lines();
    let header = lines.next().unwrap_or_default();
    let column = header
        .split_whitespace()
        .position(|title| title == "PID")
        .ok_or_else(|| Failure::new("couldn't find PID field in ps output"))?;
    let mut text = format!("{header}\n");
    for line in lines.filter(|line| !line.is_empty()) {
        let field = line.split_whitespace().nth(column).unwrap_or_default();
        let pid: i32 = field
            .parse()
            .map_err(|_| Failure::new(format!("unexpected pid {}", quote(field))))?;
        if pids.contains(&pid) {
            text.push_str(&format!("{line}\n"));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn lines_of_other_processes_are_left_out() {
        let listing = "UID   PID  PPID\nroot    1     0\nroot    7     1\nroot   12     7\n";
        assert_eq!(
            only(listing, &[7, 99]).unwrap(),
            "UID   PID  PPID\nroot    7     1\n"
        );
        assert_eq!(only("PID\n", &[]).unwrap(), "PID\n");
    }

    #[test]
    fn a_listing_without_pids_is_refused() {
        let refused = |listing| only(listing, &[1]).unwrap_err().message;
        assert_eq!(refused("CMD\nsh\n"), "couldn't find PID field in ps output");
        assert_eq!(refused("PID CMD\nx sh\n"), "unexpected pid \"x\"");
    }
}
