//! What a build shows: plain lines, a picture on a terminal, nothing; and where it failed.

use std::process::Command;

use crate::harness::{Host, Terminal};

const GOOD: &str = "FROM alpine\nRUN echo one && echo two >&2\nRUN printf three\n";

const BAD: &str = "FROM alpine\nRUN true\nRUN echo before; \\\n    exit 7\nCMD [\"x\"]\n";

/// Times are `T`.
fn timeless(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let number = rest[at..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let end = rest.len() - number.len();
        shown.push_str(&rest[..at]);
        let time =
            rest[at..end].contains('.') && (number.starts_with('s') || number.starts_with(' '));
        shown.push_str(if time { "T" } else { &rest[at..end] });
        rest = number;
    }
    shown + rest
}

/// A Dockerfile in the context and a command that builds it.
fn build(host: &Host, dockerfile: &str, options: &[&str]) -> Command {
    host.write("context/Dockerfile", dockerfile);
    let context = host.context();
    let arguments = [&["build"], options, &[context.as_str()]].concat();
    host.command(&arguments)
}

#[test]
fn plain_lines_tell_every_step() {
    let host = Host::with_own_images();
    let first = timeless(&host.build(GOOD, "--progress=plain -t shown").stderr);
    for part in [
        "#1 [internal] load build definition from Dockerfile\n",
        "[1/3] FROM ",
        " [2/3] RUN echo one && echo two >&2\n",
        " T one\n",
        " T two\n",
        " [3/3] RUN printf three\n",
        " T three\n",
        " DONE Ts\n",
        " exporting to image\n",
        " naming to docker.io/library/shown:latest",
    ] {
        assert!(first.contains(part), "{part:?} is not in\n{first}");
    }
    assert!(!first.contains('\x1b') && !first.contains('\r'), "{first}");
    // What has to do with one step stands together, and between two steps is a blank line.
    for block in first.trim_end().split("\n\n") {
        let number = |line: &str| line.split(' ').next().map(str::to_owned);
        let numbers: Vec<_> = block.lines().map(number).collect();
        assert!(numbers.windows(2).all(|two| two[0] == two[1]), "{first}");
    }
    let again = timeless(&host.build(GOOD, "--progress=plain -t shown").stderr);
    for part in [
        "[2/3] RUN echo one && echo two >&2\n",
        "[3/3] RUN printf three\n",
    ] {
        let (_, after) = again.split_once(part).unwrap();
        let (_, state) = after.split_once(' ').unwrap();
        assert!(state.starts_with("CACHED\n"), "{again}");
    }
    assert!(!again.contains(" T one"), "{again}");
}

#[test]
fn a_failed_step_shows_its_output_and_its_place() {
    let host = Host::with_own_images();
    let output = host.build(BAD, "--progress=plain");
    let shown = timeless(&output.clone().fails(7));
    let (_, block) = shown.split_once("------\n").expect(&shown);
    assert_eq!(
        block,
        concat!(
            " > [3/3] RUN echo before;     exit 7:\n",
            "T before\n",
            "------\n",
            "Dockerfile:3\n",
            "--------------------\n",
            "   1 |     FROM alpine\n",
            "   2 |     RUN true\n",
            "   3 | >>> RUN echo before; \\\n",
            "     |     ^^^^^^^^^^^^^^^^^^\n",
            "   4 | >>>     exit 7\n",
            "   5 |     CMD [\"x\"]\n",
            "--------------------\n",
            "ERROR: process \"/bin/sh -c echo before;     exit 7\" ",
            "did not complete successfully: exit code: 7",
        )
    );
    assert_eq!(output.stdout, "");
}

#[test]
fn a_mistake_in_the_dockerfile_shows_its_line() {
    let host = Host::with_own_images();
    let text = "FROM alpine\n\nRNU true\n";
    assert_eq!(
        host.build(text, "-q").fails(1),
        concat!(
            "Dockerfile:3\n",
            "--------------------\n",
            "   1 |     FROM alpine\n",
            "   2 |\n",
            "   3 | >>> RNU true\n",
            "     |     ^^^^^^^^\n",
            "--------------------\n",
            "ERROR: dockerfile parse error on line 3: ",
            "unknown instruction: RNU (did you mean RUN?)",
        )
    );
}

#[test]
fn quiet_says_the_id_and_nothing_else() {
    let host = Host::with_own_images();
    let output = host.build(GOOD, "-q -t shown");
    assert_eq!(output.stderr, "");
    let id = host.ok("image inspect -f {{.Id}} shown");
    assert_eq!(output.ok(), id);
    let output = host.build(BAD, "--progress=quiet");
    assert_eq!(output.stdout, "");
    let shown = timeless(&output.fails(7));
    assert!(
        shown.starts_with("------\n > [3/3] RUN echo before"),
        "{shown}"
    );
}

#[test]
fn warnings_come_last_with_their_lines() {
    let host = Host::with_own_images();
    let text = "FROM alpine\nENV a b\nMAINTAINER me\n";
    let shown = host.build(text, "--progress=plain").stderr;
    let (_, warnings) = shown.split_once("\n 2 warnings found:\n").expect(&shown);
    assert_eq!(
        warnings,
        concat!(
            " - LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy ",
            "\"ENV key value\" format (line 2)\n",
            " - MaintainerDeprecated: Maintainer instruction is deprecated in favor of using ",
            "label (line 3)\n",
        )
    );
    let skipped = format!("# check=skip=all\n{text}");
    let shown = host.build(&skipped, "--progress=plain").stderr;
    assert!(!shown.contains("warning"), "{shown}");
}

#[test]
fn a_terminal_gets_a_picture() {
    let host = Host::with_own_images();
    let mut screen = Terminal::start(&build(
        &host,
        "FROM alpine\nRUN echo speaks; sleep 1\n",
        &[],
    ));
    screen.expect("[+] Building ");
    screen.expect(" => [2/2] RUN echo speaks; sleep 1");
    screen.expect(" => => # speaks");
    // Drawn over the picture before.
    screen.expect("\x1b[");
    let last = screen.expect("FINISHED");
    assert!(last.contains('\r'), "{last}");
    screen.expect("\x1b[34m => [2/2] RUN echo speaks; sleep 1");
    assert_eq!(screen.wait(), 0);

    let mut screen = Terminal::start(&build(
        &host,
        "FROM alpine\nRUN echo speaks; sleep 1\n",
        &[],
    ));
    screen.expect("FINISHED");
    screen.expect(" => CACHED [2/2] RUN echo speaks; sleep 1");
    assert_eq!(screen.wait(), 0);
}

#[test]
fn lines_of_the_picture_are_as_wide_as_the_terminal() {
    let host = Host::with_own_images();
    let long = "x".repeat(300);
    let text = format!("FROM alpine\nRUN : {long}\n");
    let mut screen = Terminal::start(&build(&host, &text, &[]));
    let shown = screen.expect("FINISHED") + &screen.expect("RUN : x") + &screen.expect("exporting");
    assert!(!shown.contains(&"x".repeat(81)), "{shown}");
    assert_eq!(screen.wait(), 0);
}

#[test]
fn what_a_step_writes_does_not_move_the_picture() {
    let host = Host::with_own_images();
    let text = "FROM alpine\nRUN printf 'a\\033[2J\\033[Hb\\n'; sleep 1; exit 1\n";
    let mut screen = Terminal::start(&build(&host, text, &[]));
    let shown = screen.expect(" => => # ab");
    assert!(!shown.contains("\x1b[2J"), "{shown:?}");
    screen.expect("FINISHED");
    screen.expect("\x1b[31m => ERROR [2/2] RUN printf");
    screen.expect("------");
    screen.expect("ERROR: process ");
    assert_eq!(screen.wait(), 1);
}

#[test]
fn plain_is_plain_on_a_terminal_too() {
    let host = Host::with_own_images();
    let mut screen = Terminal::start(&build(&host, GOOD, &["--progress=plain"]));
    let shown = screen.expect("exporting to image");
    assert!(
        shown.contains("#1 [internal]") && !shown.contains("[+]"),
        "{shown}"
    );
    assert_eq!(screen.wait(), 0);
}
