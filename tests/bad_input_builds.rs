//! Mistakes in Dockerfiles, in `.dockerignore` and on the command line of `build`: each is named
//! with its line, ends with code 1, and leaves nothing behind.

use crate::harness::Host;

const NO_DESTINATION: &str = "requires at least two arguments, but only one was provided. \
                              Destination could not be determined";

/// The images and the containers that there are, and what is mounted.
fn inventory(host: &Host) -> [String; 3] {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    [host.ok("images -aq"), host.ok("ps -aq"), mounts]
}

/// The line that the excerpt names, and the message without its prefix.
fn told(stderr: &str) -> (Option<usize>, String) {
    let line = stderr
        .lines()
        .find_map(|line| line.strip_prefix("Dockerfile:")?.parse().ok());
    let message = stderr.lines().find_map(|line| line.strip_prefix("ERROR: "));
    let message = message.unwrap_or_else(|| panic!("no message: {stderr}"));
    (line, message.to_owned())
}

#[track_caller]
fn check(host: &Host, cases: &[(&str, Option<usize>, &str)]) {
    let before = inventory(host);
    let mut wrong = Vec::new();
    for (text, line, message) in cases {
        let output = host.build(text, "-q -t never");
        assert_eq!(output.stdout, "", "{text:?}");
        // A program that is not there is the shell's 127.
        let code = if text.contains("nosuchprogram") {
            127
        } else {
            1
        };
        let told = told(&output.fails(code));
        let message = match line {
            Some(line) if told.1.starts_with("dockerfile parse error") => {
                format!("dockerfile parse error on line {line}: {message}")
            }
            _ => (*message).to_owned(),
        };
        if told != (*line, message) {
            wrong.push((text, told));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        inventory(host),
        before,
        "something is left of a build that failed"
    );
}

#[test]
fn what_is_no_dockerfile_is_refused_before_anything_is_done() {
    let host = Host::with_own_images();
    check(
        &host,
        &[
            ("", None, "the Dockerfile cannot be empty"),
            ("# nothing\n\n", None, "file with no instructions"),
            ("ARG a\n", Some(1), "no build stage in current context"),
            ("RUN true\n", Some(1), "no build stage in current context"),
            (
                "FROM\n",
                Some(1),
                "FROM requires either one or three arguments",
            ),
            (
                "FROM alpine AS\n",
                Some(1),
                "FROM requires either one or three arguments",
            ),
            (
                "FROM alpine AS 1\n",
                Some(1),
                "invalid name for build stage: \"1\", name can't start with a number or contain symbols",
            ),
            (
                "FROM alpine\nBOGUS\n",
                Some(2),
                "unknown instruction: BOGUS",
            ),
            (
                "FROM alpine\n\n# c\nCPOY a b\n",
                Some(4),
                "unknown instruction: CPOY (did you mean COPY?)",
            ),
            (
                "FROM alpine\nRUN true \\\n  && true\nx\n",
                Some(4),
                "unknown instruction: x",
            ),
            (
                "FROM alpine\nRUN\n",
                Some(2),
                "RUN requires at least one argument",
            ),
            (
                "FROM alpine\nRUN []\n",
                Some(2),
                "RUN requires at least one argument",
            ),
            (
                "FROM alpine\nRUN --bogus true\n",
                Some(2),
                "unknown flag: --bogus",
            ),
            (
                "FROM alpine\nRUN --network true\n",
                Some(2),
                "missing a value on flag: --network",
            ),
            (
                "FROM alpine\nRUN --security=insecure true\n",
                Some(2),
                "RUN --security=insecure is not supported",
            ),
            (
                "FROM alpine\nRUN --mount=type=ssh true\n",
                Some(2),
                "mount type \"ssh\" is not supported",
            ),
            (
                "FROM alpine\nRUN --mount=type=bnd,target=/x true\n",
                Some(2),
                "unsupported mount type \"bnd\" (did you mean bind?)",
            ),
            (
                "FROM alpine\nRUN --mount=type=cache true\n",
                Some(2),
                "target is required for mount type 'cache'",
            ),
            (
                "FROM alpine\nRUN --mount=type=cache,target=/x,sharing=mine true\n",
                Some(2),
                "unsupported sharing value \"mine\"",
            ),
            (
                "FROM alpine\nRUN <<EOF\ntrue\n",
                Some(2),
                "unterminated heredoc",
            ),
            (
                "FROM alpine\nCOPY a\n",
                Some(2),
                &format!("COPY {NO_DESTINATION}"),
            ),
            (
                "FROM alpine\nADD a\n",
                Some(2),
                &format!("ADD {NO_DESTINATION}"),
            ),
            (
                "FROM alpine\nCOPY --form=a b c\n",
                Some(2),
                "unknown flag: --form (did you mean --from?)",
            ),
            (
                "FROM alpine\nCOPY <<../x /\n../x\n",
                Some(2),
                "COPY cannot accept a heredoc as a file named \"../x\"",
            ),
            (
                "FROM alpine\nENV\n",
                Some(2),
                "ENV requires at least one argument",
            ),
            (
                "FROM alpine\nENV A\n",
                Some(2),
                "ENV must have two arguments",
            ),
            (
                "FROM alpine\nENV A=1 B\n",
                Some(2),
                "Syntax error - can't find = in \"B\". Must be of the form: name=value",
            ),
            (
                "FROM alpine\nLABEL =a\n",
                Some(2),
                "LABEL names can not be blank",
            ),
            (
                "FROM alpine\nARG\n",
                Some(2),
                "ARG requires at least one argument",
            ),
            (
                "FROM alpine\nWORKDIR\n",
                Some(2),
                "WORKDIR requires exactly one argument",
            ),
            (
                "FROM alpine\nUSER\n",
                Some(2),
                "USER requires exactly one argument",
            ),
            (
                "FROM alpine\nEXPOSE\n",
                Some(2),
                "EXPOSE requires at least one argument",
            ),
            (
                "FROM alpine\nVOLUME [\"\"]\n",
                Some(2),
                "VOLUME specified can not be an empty string",
            ),
            (
                "FROM alpine\nVOLUME [1]\n",
                Some(2),
                "when using JSON array syntax, arrays must be comprised of strings only",
            ),
            (
                "FROM alpine\nSHELL sh\n",
                Some(2),
                "SHELL requires the arguments to be in JSON form",
            ),
            (
                "FROM alpine\nONBUILD FROM x\n",
                Some(2),
                "FROM isn't allowed as an ONBUILD trigger",
            ),
            (
                "FROM alpine\nONBUILD ONBUILD RUN x\n",
                Some(2),
                "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
            ),
            (
                "FROM alpine\nHEALTHCHECK --interval=x CMD y\n",
                Some(2),
                "--interval: time: invalid duration \"x\"",
            ),
            (
                "FROM alpine\nHEALTHCHECK x\n",
                Some(2),
                "Unknown type \"X\" in HEALTHCHECK (try CMD)",
            ),
            (
                "# syntax=example.com/mine\nFROM alpine\n",
                Some(1),
                "the Dockerfile frontend example.com/mine is not supported",
            ),
            (
                "# escape=x\nFROM alpine\n",
                Some(1),
                "invalid escape token 'x' does not match ` or \\",
            ),
        ],
    );
}

#[test]
fn what_cannot_be_built_is_told_with_its_line() {
    let host = Host::with_own_images();
    host.write("context/a", "a");
    host.write("context/b", "b");
    check(
        &host,
        &[
            (
                "FROM $NONE\n",
                Some(1),
                "base name ($NONE) should not be blank",
            ),
            (
                "FROM alpine\nCOPY --from=0 a /\n",
                Some(2),
                "invalid from flag value 0: refers to current build stage",
            ),
            (
                "FROM alpine\nENV A=\"b\n",
                Some(2),
                "failed to process \"\\\"b\": unexpected end of statement while looking for matching double-quote",
            ),
            (
                "FROM alpine\nENV A=${b:?give-it}\n",
                Some(2),
                "failed to process \"${b:?give-it}\": b: give-it",
            ),
            (
                "FROM alpine\nLABEL a=${b\n",
                Some(2),
                "failed to process \"${b\": syntax error: missing '}'",
            ),
            (
                "FROM alpine\nSTOPSIGNAL BOGUS\n",
                Some(2),
                "Invalid signal: BOGUS",
            ),
            (
                "FROM alpine\nEXPOSE bogus\n",
                Some(2),
                "invalid containerPort: bogus",
            ),
            (
                "FROM alpine\nCOPY nosuch /\n",
                Some(2),
                "failed to compute cache key: \"/nosuch\": not found",
            ),
            (
                "FROM alpine\nCOPY a b /x\n",
                Some(2),
                "When using COPY with more than one source file, the destination must be a directory and end with a /",
            ),
            (
                "FROM alpine\nCOPY --chmod=9 a /x\n",
                Some(2),
                "invalid chmod parameter: \"9\": it should be octal digits between 0 and 07777, or like u=rwX,go=rX",
            ),
            (
                "FROM alpine\nCOPY --chown=nosuch a /x\n",
                Some(2),
                "unable to convert uid/gid chown string to host mapping: can't find uid for user nosuch: no such user: nosuch",
            ),
            (
                "FROM alpine\nRUN nosuchprogram\n",
                Some(2),
                "process \"/bin/sh -c nosuchprogram\" did not complete successfully: exit code: 127",
            ),
        ],
    );
}

#[test]
fn what_the_command_line_asks_for_is_named() {
    let host = Host::with_own_images();
    host.write("context/Dockerfile", "FROM alpine\n");
    host.write("context/other", "BOGUS\n");
    let context = host.context();
    let before = inventory(&host);
    for (options, code, text) in [
        (
            &["--target=nosuch", "CONTEXT"][..],
            1,
            "ERROR: target stage \"nosuch\" could not be found",
        ),
        (&["--platform=linux/riscv64", "CONTEXT"], 1, "linux/riscv64"),
        (
            &["-f", "CONTEXT/nosuch", "CONTEXT"],
            1,
            "nosuch: no such file or directory",
        ),
        (
            &["-f", "CONTEXT/other", "CONTEXT"],
            1,
            "unknown instruction: BOGUS",
        ),
        (
            &["/nosuch"],
            1,
            "unable to prepare context: path \"/nosuch\" not found",
        ),
        (
            &["CONTEXT/Dockerfile"],
            1,
            "unable to prepare context: context must be a directory",
        ),
        (
            &["-t", "Bad", "CONTEXT"],
            125,
            "repository name (library/Bad) must be lowercase",
        ),
        (&["-t", "a:b:c", "CONTEXT"], 125, "invalid reference format"),
        (
            &["--progress=loud", "CONTEXT"],
            125,
            "invalid progress mode",
        ),
        (
            &["--secret", "id=a,src=/nosuch", "CONTEXT"],
            1,
            "failed to stat secret a",
        ),
        (&["--ssh=default", "CONTEXT"], 125, "--ssh"),
        (&["--push", "CONTEXT"], 125, "--push"),
        (&["--output=type=tar", "CONTEXT"], 125, "--output"),
        (&["--bogus", "CONTEXT"], 125, "unknown flag: --bogus"),
        (
            &["https://example.com/x.git"],
            1,
            "remote contexts are not supported",
        ),
        (&[], 1, "requires 1 argument"),
        (&["a", "b"], 1, "requires 1 argument"),
    ] {
        let words: Vec<String> = options
            .iter()
            .map(|word| word.replace("CONTEXT", &context))
            .collect();
        let mut arguments = vec!["build"];
        arguments.extend(words.iter().map(String::as_str));
        let output = host.rbox(&arguments);
        assert_eq!(output.stdout, "", "{arguments:?}");
        let stderr = output.fails(code);
        assert!(stderr.contains(text), "{arguments:?}: {stderr}");
    }
    assert_eq!(inventory(&host), before);
}

#[test]
fn a_wrong_dockerignore_is_told_with_its_line() {
    let host = Host::with_own_images();
    for (text, message) in [
        (
            "a\n!\n",
            "error from .dockerignore: line 2: illegal exclusion pattern: \"!\"",
        ),
        (
            "[a\n",
            "error from .dockerignore: line 1: \"[a\": syntax error in pattern",
        ),
    ] {
        host.write("context/.dockerignore", text);
        let stderr = host.build("FROM alpine\nCOPY . /x\n", "-q").fails(1);
        assert_eq!(told(&stderr), (None, message.to_owned()));
    }
}

#[test]
fn a_dockerfile_that_doubles_itself_fills_no_memory() {
    let host = Host::with_own_images();
    let mut text = "FROM alpine\nENV A=0123456789\n".to_owned();
    text.push_str(&"ENV A=$A$A\n".repeat(40));
    let stderr = host.build(&text, "-q").fails(1);
    assert!(
        stderr.contains("the result is longer than 1048576 bytes"),
        "{stderr}"
    );
    let deep = format!("FROM alpine\nENV A={}\n", "${b:-".repeat(10_000));
    let stderr = host.build(&deep, "-q").fails(1);
    assert!(
        stderr.contains("more than 32 substitutions within each other"),
        "{stderr}"
    );
    let large = format!("FROM alpine\n{}", "#".repeat(5 << 20));
    let stderr = host.build(&large, "-q").fails(1);
    assert!(stderr.contains("4194304 bytes"), "{stderr}");
}
