//! The table of `--trace-timing`: when each process had done what.
//!
//! ```text
//!       at    took  milliseconds
//!    0.000          client     main
//!    0.214   0.214  client     flags parsed
//!    1.630            monitor    main
//!    2.055   0.425    monitor    root filesystem mounted
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use rbox_timing::{Mark, Part, Trace};

/// What the client says when it has nothing more to do but to wait for the rest of the trace.
pub const DONE: &str = "done";

/// The table. `took` is since the mark before of the same process: the processes run side by side.
pub fn table(trace: &Trace) -> String {
    let began = trace.marks.first().map_or(Duration::ZERO, |mark| mark.at);
    let mut before: BTreeMap<u32, Duration> = BTreeMap::new();
    let mut text = "      at    took  milliseconds\n".to_owned();
    let last = trace.marks.len().saturating_sub(1);
    for (index, mark) in trace.marks.iter().enumerate() {
        let at = milliseconds(mark.at.saturating_sub(began));
        let took = before
            .insert(mark.process, mark.at)
            .map(|before| milliseconds(mark.at.saturating_sub(before)))
            .unwrap_or_default();
        let who = who(mark, &trace.marks);
        text.push_str(&format!("{at:>8}{took:>8}  {who:<14} {}\n", mark.what));
        if mark.part == Part::Client && mark.what == DONE && index < last {
            text.push_str("  nobody waits for what follows\n");
        }
    }
    if trace.lost > 0 {
        text.push_str(&format!("  and {} more\n", trace.lost));
    }
    if trace.unfinished {
        text.push_str("  a monitor is at it still\n");
    }
    text
}

/// The part, further in the further it is from the user, and which of them, if there are several.
fn who(mark: &Mark, marks: &[Mark]) -> String {
    let (indent, name) = match mark.part {
        Part::Client => ("", "client"),
        Part::Monitor => ("  ", "monitor"),
        Part::Process => ("    ", "process"),
    };
    let mut same: Vec<u32> = marks
        .iter()
        .filter(|other| other.part == mark.part)
        .map(|other| other.process)
        .collect();
    same.sort_unstable();
    same.dedup();
    match same.iter().position(|process| *process == mark.process) {
        Some(index) if same.len() > 1 => format!("{indent}{name} {}", index + 1),
        _ => format!("{indent}{name}"),
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: u64, part: Part, process: u32, what: &str) -> Mark {
        Mark {
            at: Duration::from_micros(at),
            part,
            process,
            what: what.into(),
        }
    }

    #[test]
    fn times_are_since_the_first_mark_and_since_the_same_process() {
        let trace = Trace {
            marks: vec![
                mark(1000, Part::Client, 0, "main"),
                mark(1200, Part::Client, 0, "monitor spawned"),
                mark(2000, Part::Monitor, 1, "main"),
                mark(2500, Part::Process, 2, "born"),
                mark(2600, Part::Monitor, 1, "process cloned"),
                mark(3000, Part::Client, 0, DONE),
                mark(4000, Part::Monitor, 1, "gone"),
            ],
            lost: 2,
            unfinished: true,
        };
        assert_eq!(
            table(&trace),
            "      at    took  milliseconds\n\
             \x20  0.000          client         main\n\
             \x20  0.200   0.200  client         monitor spawned\n\
             \x20  1.000            monitor      main\n\
             \x20  1.500              process    born\n\
             \x20  1.600   0.600    monitor      process cloned\n\
             \x20  2.000   1.800  client         done\n\
             \x20 nobody waits for what follows\n\
             \x20  3.000   1.400    monitor      gone\n\
             \x20 and 2 more\n\
             \x20 a monitor is at it still\n"
        );
    }

    #[test]
    fn several_of_a_kind_are_numbered() {
        let trace = Trace {
            marks: vec![
                mark(0, Part::Client, 0, "main"),
                mark(0, Part::Monitor, 1, "main"),
                mark(0, Part::Monitor, 4, "main"),
            ],
            ..Trace::default()
        };
        let table = table(&trace);
        assert!(table.contains(" client         main\n"), "{table}");
        assert!(table.contains("   monitor 1    main\n"), "{table}");
        assert!(table.contains("   monitor 2    main\n"), "{table}");
    }
}
