//! All that a command which is refused must not change.

use std::collections::BTreeSet;

use super::Host;

impl Host {
    /// Links, rules, names of namespaces, and files with their sizes; not what is told of events,
    /// as what was made and taken back is told, too.
    pub fn state(&self) -> String {
        let script = "ip -o link; nft list ruleset; ls /run/netns; \
                      find $RBOX_ROOT $RBOX_RUN_ROOT ! -path $RBOX_RUN_ROOT/containers \
                      ! -path $RBOX_RUN_ROOT/events -printf '%p %s\\n' 2>/dev/null | sort";
        self.sh(script).stdout
    }

    /// Lines of [`Host::state`] that were not there before, and those that are gone.
    pub fn changed_since(&self, before: &str) -> Vec<String> {
        let now = self.state();
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        lines(before)
            .symmetric_difference(&lines(&now))
            .cloned()
            .collect()
    }

    /// Runs each command line and compares what it says; then nothing has changed.
    /// `prefix` goes before each line, `{}` in a text stands for anything.
    #[track_caller]
    pub fn refuses(&self, code: i32, prefix: &str, help: &str, cases: &[(&str, &str)]) {
        let run = |line| {
            let words: Vec<&str> = prefix.split(' ').chain(split(line)).collect();
            self.rbox(&words)
        };
        let before = self.state();
        for (line, text) in cases {
            let output = run(line);
            let (said, wanted) = (output.fails(code), format!("rbox: {text}{help}"));
            assert!(
                is_like(&wanted, &said),
                "{line}\n said {said:?}\nnot {wanted:?}"
            );
        }
        assert_eq!(self.changed_since(&before), [""; 0]);
    }
}

/// Words; `''` is an empty one and `~` a blank in one.
fn split(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace()
        .map(|word| if word == "''" { "" } else { word })
        .map(|word| if word == "~" { " " } else { word })
}

fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once("{}") {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| is_like(rest, &text[at..]))
        }),
    }
}
