//! `diff`.

use std::io::{self, BufWriter, IsTerminal, Write};

use rbox_images::Difference;

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};

/// `diff`.
pub static SPEC: Spec = Spec {
    usage: "CONTAINER",
    about: "Inspect changes to files or directories on a container's filesystem",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "rbox diff web\n",
    ..Spec::of::<Diff>()
};

#[derive(clap::Parser)]
struct Diff {
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Diff = call.parse()?;
    let container = line.container.trim();
    if container.is_empty() {
        return Err(Stop::failed("Container name cannot be empty"));
    }
    let terminal = io::stdout().is_terminal();
    let mut out = BufWriter::new(io::stdout().lock());
    call.engine()?.diff(container, &mut |difference, name| {
        let letter = match difference {
            Difference::Added => "A",
            Difference::Changed => "C",
            Difference::Deleted => "D",
        };
        write!(out, "{letter} /")?;
        if terminal {
            out.write_all(shown(name).as_bytes())?;
        } else {
            out.write_all(name)?;
        }
        out.write_all(b"\n")
    })?;
    out.flush().map_err(Stop::failed)?;
    Ok(0)
}

/// A container chooses its files' names; a terminal would obey some of them.
fn shown(name: &[u8]) -> String {
    let harmless = |c: char| match c.is_control() {
        true => '?',
        false => c,
    };
    String::from_utf8_lossy(name)
        .chars()
        .map(harmless)
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_terminal_gets_no_orders_from_a_name() {
        assert_eq!(super::shown(b"a\x1b[2J\nb"), "a?[2J?b");
        assert_eq!(super::shown("ä\u{9b}x".as_bytes()), "ä?x");
    }
}
