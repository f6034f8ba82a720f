use super::*;
use crate::dockerfile::{
    Add, ArgDeclaration, Command, Copy, Healthcheck, Heredoc, MountKind, Program, Run,
};

fn file(text: &str) -> Dockerfile {
    Dockerfile::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The instructions of the only stage.
fn instructions(text: &str) -> Vec<Located<Instruction>> {
    let mut file = file(&format!("FROM scratch\n{text}"));
    assert_eq!(file.stages.len(), 1);
    file.stages.remove(0).instructions
}

/// The only instruction after a `FROM`.
fn one(text: &str) -> Instruction {
    let mut all = instructions(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0).value
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    list.iter().map(owned).collect()
}

fn exec(words: &[&str]) -> Command {
    Command::Exec(strings(words))
}

fn shell(line: &str) -> Command {
    Command::Shell(line.to_owned())
}

fn whole(text: &str) -> String {
    Dockerfile::parse(text.as_bytes())
        .expect_err(text)
        .to_string()
}

/// What is wrong with an instruction on line 2.
fn wrong(text: &str) -> String {
    let error = whole(&format!("FROM scratch\n{text}"));
    let at = "dockerfile parse error on line 2: ";
    error
        .strip_prefix(at)
        .unwrap_or_else(|| panic!("{error}"))
        .to_owned()
}

fn copy(text: &str) -> Copy {
    match one(text) {
        Instruction::Copy(copy) => copy,
        other => panic!("{other:?}"),
    }
}

fn add(text: &str) -> Add {
    match one(text) {
        Instruction::Add(add) => add,
        other => panic!("{other:?}"),
    }
}

fn run(text: &str) -> Run {
    match one(text) {
        Instruction::Run(run) => run,
        other => panic!("{other:?}"),
    }
}

fn warnings(text: &str) -> Vec<(usize, String)> {
    let warnings = file(text).warnings;
    warnings
        .into_iter()
        .map(|w| (*w.lines.start(), w.value))
        .collect()
}

#[test]
fn stages_have_names_platforms_and_lines() {
    let file = file(concat!(
        "# a comment\n",
        "ARG VERSION=3.23\n",
        "ARG A B=\"c d\"\n",
        "FROM alpine:${VERSION} AS Build\n",
        "RUN true\n",
        "\n",
        "from --platform=$BUILDPLATFORM scratch \\\n",
        "  # within\n",
        "  as two\n",
        "COPY --from=build / /\n",
        "FROM build\n",
    ));
    let arguments: Vec<_> = file
        .global_args
        .iter()
        .flat_map(|args| &args.value)
        .collect();
    let declared = |name: &str, default: Option<&str>| ArgDeclaration {
        name: name.to_owned(),
        default: default.map(str::to_owned),
    };
    assert_eq!(
        arguments,
        [
            &declared("VERSION", Some("3.23")),
            &declared("A", None),
            &declared("B", Some("\"c d\""))
        ]
    );
    let [first, second, third] = file.stages.as_slice() else {
        panic!("{:?}", file.stages)
    };
    assert_eq!(first.name.as_deref(), Some("build"));
    assert_eq!(
        (first.base.as_str(), first.lines.clone()),
        ("alpine:${VERSION}", 4..=4)
    );
    assert_eq!(first.text, "FROM alpine:${VERSION} AS Build");
    assert_eq!(second.platform.as_deref(), Some("$BUILDPLATFORM"));
    assert_eq!(
        (second.name.as_deref(), second.lines.clone()),
        (Some("two"), 7..=9)
    );
    assert_eq!(
        second.text,
        "FROM --platform=$BUILDPLATFORM scratch   as two"
    );
    assert_eq!(second.instructions[0].lines, 10..=10);
    assert_eq!(
        (third.name.as_deref(), third.base.as_str()),
        (None, "build")
    );
}

#[test]
fn commands_have_a_json_and_a_shell_form() {
    assert_eq!(
        one("CMD [\"a\", \"b c\"]"),
        Instruction::Cmd(exec(&["a", "b c"]))
    );
    assert_eq!(
        one("cmd echo  \"$HOME\""),
        Instruction::Cmd(shell("echo  \"$HOME\""))
    );
    assert_eq!(one("CMD [a]"), Instruction::Cmd(shell("[a]")));
    assert_eq!(one("CMD [\"a\""), Instruction::Cmd(shell("[\"a\"")));
    assert_eq!(one("CMD"), Instruction::Cmd(exec(&[])));
    assert_eq!(one("CMD []"), Instruction::Cmd(exec(&[])));
    assert_eq!(
        one("ENTRYPOINT [\"/e\"]"),
        Instruction::Entrypoint(exec(&["/e"]))
    );
    assert_eq!(
        one("ENTRYPOINT /e x"),
        Instruction::Entrypoint(shell("/e x"))
    );
    assert_eq!(run("RUN [\"a\",\"b\"]").command, exec(&["a", "b"]));
    assert_eq!(run("RUN a && b").command, shell("a && b"));
    assert_eq!(
        one("SHELL [\"/bin/sh\", \"-ec\"]"),
        Instruction::Shell(strings(&["/bin/sh", "-ec"]))
    );
}

#[test]
fn env_label_and_arg_keep_their_quotes_for_the_expansion() {
    assert_eq!(
        one(r#"ENV a=1 b="two words" c=x\ y d=$a e="#),
        Instruction::Env(pairs(&[
            ("a", "1"),
            ("b", "\"two words\""),
            ("c", r"x\ y"),
            ("d", "$a"),
            ("e", "")
        ]))
    );
    assert_eq!(
        one("ENV name  the  rest "),
        Instruction::Env(pairs(&[("name", "the  rest")]))
    );
    assert_eq!(
        one("LABEL a=b=c \"x y\"=z"),
        Instruction::Label(pairs(&[("a", "b=c"), ("\"x y\"", "z")]))
    );
    let Instruction::Arg(args) = one("ARG a b= c='d e'") else {
        panic!()
    };
    let args: Vec<_> = args
        .iter()
        .map(|a| (a.name.as_str(), a.default.as_deref()))
        .collect();
    assert_eq!(args, [("a", None), ("b", Some("")), ("c", Some("'d e'"))]);
}

#[test]
fn the_rest_of_the_line_or_words() {
    assert_eq!(one("WORKDIR /a b"), Instruction::Workdir("/a b".into()));
    assert_eq!(one("USER $u:$g"), Instruction::User("$u:$g".into()));
    assert_eq!(
        one("STOPSIGNAL SIGINT"),
        Instruction::StopSignal("SIGINT".into())
    );
    assert_eq!(
        one("MAINTAINER A B <a@b>"),
        Instruction::Maintainer("A B <a@b>".into())
    );
    assert_eq!(
        one("EXPOSE 80  53/udp $p"),
        Instruction::Expose(strings(&["80", "53/udp", "$p"]))
    );
    assert_eq!(
        one("VOLUME /a /b"),
        Instruction::Volume(strings(&["/a", "/b"]))
    );
    assert_eq!(
        one("VOLUME [\" /a b \"]"),
        Instruction::Volume(strings(&["/a b"]))
    );
}

#[test]
fn copies_have_sources_a_destination_and_flags() {
    let plain = copy("COPY a b* c/");
    assert_eq!(
        (plain.sources, plain.destination),
        (strings(&["a", "b*"]), "c/".to_owned())
    );
    assert_eq!(
        (plain.link, plain.parents, plain.from),
        (false, false, None)
    );
    let all = copy(concat!(
        "COPY --from=build --chown=1:2 --chmod=u+x --link --parents ",
        "--exclude=*.o --exclude=x [\"a b\", \"c\"]"
    ));
    assert_eq!(
        (all.sources, all.destination),
        (strings(&["a b"]), "c".to_owned())
    );
    assert_eq!(all.from.as_deref(), Some("build"));
    assert_eq!(
        (all.chown.as_deref(), all.chmod.as_deref()),
        (Some("1:2"), Some("u+x"))
    );
    assert_eq!(
        (all.link, all.parents, all.excludes),
        (true, true, strings(&["*.o", "x"]))
    );
    assert!(!copy("COPY --link=false a b").link);

    let plain = add("ADD https://example.com/x /");
    assert_eq!(
        (plain.checksum, plain.unpack, plain.keep_git_dir),
        (None, None, false)
    );
    let all = add("ADD --checksum=sha256:0 --unpack=false --keep-git-dir --chown=a x /");
    assert_eq!(all.checksum.as_deref(), Some("sha256:0"));
    assert_eq!((all.unpack, all.keep_git_dir), (Some(false), true));
    assert_eq!(all.copy.chown.as_deref(), Some("a"));
}

#[test]
fn run_has_mounts_and_a_network() {
    let run = run(concat!(
        "RUN --mount=type=cache,target=/c --mount=type=secret,id=s --network=none ",
        "--security=sandbox -- --odd"
    ));
    assert_eq!(run.command, shell("--odd"));
    let kinds: Vec<_> = run.mounts.iter().map(|mount| mount.kind).collect();
    assert_eq!(kinds, [MountKind::Cache, MountKind::Secret]);
    assert_eq!(run.network.as_deref(), Some("none"));
    assert_eq!(run.security.as_deref(), Some("sandbox"));
}

#[test]
fn health_is_checked_by_a_command_or_not_at_all() {
    assert_eq!(
        one("HEALTHCHECK none"),
        Instruction::Healthcheck(Healthcheck::None)
    );
    let health = one(concat!(
        "HEALTHCHECK --interval=5s --timeout=1m30s --start-period=1h --start-interval=10ms ",
        "--retries=3 CMD wget -q x || exit 1"
    ));
    let expected = Healthcheck::Command {
        command: shell("wget -q x || exit 1"),
        interval: 5_000_000_000,
        timeout: 90_000_000_000,
        start_period: 3_600_000_000_000,
        start_interval: 10_000_000,
        retries: 3,
    };
    assert_eq!(health, Instruction::Healthcheck(expected));
    let Instruction::Healthcheck(Healthcheck::Command {
        command, interval, ..
    }) = one("HEALTHCHECK --interval=0s cmd [\"a\"]")
    else {
        panic!()
    };
    assert_eq!((command, interval), (exec(&["a"]), 0));
}

#[test]
fn continuations_are_joined_and_comments_in_them_are_none() {
    let all = instructions("RUN a \\\n  # no\n\t#no\n  b \\  \n  c\nRUN d # text\n");
    assert_eq!(all[0].value, Instruction::Run(run("RUN a   b   c")));
    assert_eq!((all[0].lines.clone(), all[1].lines.clone()), (2..=6, 7..=7));
    assert_eq!(run("RUN d # text").command, shell("d # text"));
    assert_eq!(run("RUN a\\\nb").command, shell("ab"));
    assert_eq!(
        run("RUN a \\\\\nRUN b".split('\n').next().unwrap()).command,
        shell("a \\\\")
    );
    assert_eq!(run("RUN a \\").command, shell("a"));
    assert_eq!(run("\\\nRUN a").command, shell("a"));
    assert_eq!(run("  run\ta\r\n").command, shell("a"));
    assert_eq!(instructions("# only\n\n \t\n\\\n").len(), 0);
}

#[test]
fn the_escape_character_is_chosen_by_a_directive() {
    let file = file("# escape=`\nFROM scratch\nRUN a `\n b \\\nCOPY x` y z\n");
    assert_eq!(file.escape, '`');
    let [run, copy] = file.stages[0].instructions.as_slice() else {
        panic!()
    };
    assert_eq!(run.text, "RUN a  b \\");
    assert_eq!(copy.lines, 5..=5);
}

#[test]
fn heredocs_follow_their_line() {
    let run = run("RUN <<EOF cat <<-'B' 3<<C\na $x\nEOF\n\t\tb\n\tB\nEOF\nC\n");
    let heredoc = |name: &str, content: &str, expand, descriptor| Heredoc {
        name: name.to_owned(),
        content: content.to_owned(),
        expand,
        descriptor,
    };
    assert_eq!(
        run.heredocs,
        [
            heredoc("EOF", "a $x\n", true, 0),
            heredoc("B", "b\n", false, 0),
            heredoc("C", "EOF\n", true, 3)
        ]
    );
    assert_eq!(run.command, shell("<<EOF cat <<-'B' 3<<C"));
    let copy = copy("COPY a <<x.txt <<\"y\" /d/\n1\n\n# kept \\\nx.txt\n$2\ny");
    assert_eq!(
        (copy.sources, copy.destination),
        (strings(&["a"]), "/d/".to_owned())
    );
    assert_eq!(
        copy.heredocs,
        [
            heredoc("x.txt", "1\n\n# kept \\\n", true, 0),
            heredoc("y", "$2\n", false, 0)
        ]
    );
    assert_eq!(
        add("ADD <<a /b\nx\r\na\r\n").copy.heredocs,
        [heredoc("a", "x\r\n", true, 0)]
    );
    let all = instructions("RUN <<A\nx\nA\nRUN y\n");
    assert_eq!((all[0].lines.clone(), all[1].lines.clone()), (2..=4, 5..=5));
}

#[test]
fn not_every_two_angles_are_a_heredoc() {
    assert!(run("RUN cat <<<word").heredocs.is_empty());
    assert!(run("RUN echo $((1<<2))").heredocs.is_empty());
    assert!(run("RUN echo \"a <<EOF\"").heredocs.is_empty());
    assert!(run("RUN [\"cat\", \"<<EOF\"]").heredocs.is_empty());
    assert_eq!(copy("COPY [\"<<EOF\", \"/x\"]").sources, ["<<EOF"]);
    assert_eq!(one("CMD cat <<EOF"), Instruction::Cmd(shell("cat <<EOF")));
    assert_eq!(
        one("ENV a=<<EOF"),
        Instruction::Env(pairs(&[("a", "<<EOF")]))
    );
}

#[test]
fn a_run_executes_words_a_text_or_a_script() {
    let program = |text: &str| run(text).program();
    let shell = |text: &str| Program::Shell(text.to_owned());
    assert_eq!(program("RUN [\"a\"]"), Program::Exec(strings(&["a"])));
    assert_eq!(program("RUN a b"), shell("a b"));
    assert_eq!(program("RUN <<EOF\na\nb\nEOF"), shell("a\nb\n"));
    assert_eq!(program("RUN --network=none <<-E\n\ta\n\tE"), shell("a\n"));
    assert_eq!(
        program("RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF"),
        Program::Script("#!/usr/bin/env python3\nprint(1)\n".into())
    );
    assert_eq!(
        program("RUN cat <<A - <<B\n1\nA\n2\nB"),
        shell("cat <<A - <<B\n1\nA\n2\nB")
    );
    assert_eq!(program("RUN python3 <<E\nx\nE"), shell("python3 <<E\nx\nE"));
}

#[test]
fn what_is_shown_is_one_line() {
    let shown = |text: &str| instructions(text).remove(0).text;
    assert_eq!(shown("run  a \\\n  b"), "RUN a   b");
    assert_eq!(
        shown("RUN <<EOF\n  first \nsecond\nEOF"),
        "RUN <<EOF (first...)"
    );
    assert_eq!(shown("RUN <<EOF\nonly\nEOF"), "RUN <<EOF (only)");
    assert_eq!(shown("COPY <<EOF /x\na\nEOF"), "COPY <<EOF /x");
    assert_eq!(shown("copy --link a b"), "COPY --link a b");
    assert_eq!(shown("cmd"), "CMD");
}

#[test]
fn triggers_are_checked_and_kept_as_text() {
    assert_eq!(
        one("ONBUILD run echo $x"),
        Instruction::OnBuild("run echo $x".into())
    );
    let heredoc = one("ONBUILD COPY <<EOF /x\na\nEOF");
    assert_eq!(
        heredoc,
        Instruction::OnBuild("COPY <<EOF /x\na\nEOF".into())
    );
    let again = parse_instruction("COPY <<EOF /x\na\nEOF").unwrap();
    assert_eq!(
        again.value,
        Instruction::Copy(copy("COPY <<EOF /x\na\nEOF"))
    );
    assert_eq!(parse_instruction("run a").unwrap().text, "RUN a");
    for (text, error) in [
        ("", "file with no instructions"),
        (
            "FROM x",
            "dockerfile parse error on line 1: FROM isn't allowed as an ONBUILD trigger",
        ),
        (
            "ONBUILD RUN x",
            "dockerfile parse error on line 1: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
        ),
        (
            "RUN a\nRUN b",
            "dockerfile parse error on line 1: onbuild trigger should be a single expression",
        ),
        (
            "COPY a",
            &format!("dockerfile parse error on line 1: {NO_DESTINATION}"),
        ),
    ] {
        assert_eq!(parse_instruction(text).unwrap_err().to_string(), error);
    }
}

const NO_DESTINATION: &str = "COPY requires at least two arguments, but only one was provided. \
                              Destination could not be determined";

#[test]
fn wrong_instructions_are_told() {
    for (text, error) in [
        ("BOGUS x", "unknown instruction: BOGUS"),
        ("RNU x", "unknown instruction: RNU (did you mean RUN?)"),
        ("copi a b", "unknown instruction: copi (did you mean COPY?)"),
        (
            "\"RUN\" x",
            "unknown instruction: \"RUN\" (did you mean RUN?)",
        ),
        ("RUN", "RUN requires at least one argument"),
        ("RUN []", "RUN requires at least one argument"),
        ("RUN --network=none", "RUN requires at least one argument"),
        ("RUN --bogus x", "unknown flag: --bogus"),
        (
            "RUN --mont=x y",
            "unknown flag: --mont (did you mean --mount?)",
        ),
        ("RUN --mount=type=x y", "unsupported mount type \"x\""),
        (
            "RUN --mount=type=ssh y",
            "mount type \"ssh\" is not supported",
        ),
        (
            "RUN --security=insecure x",
            "RUN --security=insecure is not supported",
        ),
        (
            "RUN --device=nvidia x",
            "RUN --device=nvidia is not supported",
        ),
        (
            "RUN [\"a\", 1]",
            "when using JSON array syntax, arrays must be comprised of strings only",
        ),
        ("COPY a", NO_DESTINATION),
        ("COPY", NO_DESTINATION),
        ("COPY --from=x a", NO_DESTINATION),
        ("COPY [\"a\"]", NO_DESTINATION),
        ("COPY --checksum=x a b", "unknown flag: --checksum"),
        ("COPY --from a b", "missing a value on flag: --from"),
        (
            "COPY --from=a --from=b a b",
            "duplicate flag specified: --from",
        ),
        (
            "COPY --link=1 a b",
            "expecting boolean value for flag --link, not: 1",
        ),
        (
            "COPY a <<EOF\nEOF",
            "COPY cannot accept a heredoc as a destination",
        ),
        (
            "COPY <<a/b /x\na/b",
            "COPY cannot accept a heredoc as a file named \"a/b\"",
        ),
        (
            "COPY <<.. /x\n..",
            "COPY cannot accept a heredoc as a file named \"..\"",
        ),
        ("ADD --from=a b c", "unknown flag: --from"),
        ("RUN <<EOF\nx", "unterminated heredoc"),
        ("CMD --x", "unknown flag: --x"),
        ("ENV", "ENV requires at least one argument"),
        ("ENV A", "ENV must have two arguments"),
        (
            "ENV A=1 B",
            "Syntax error - can't find = in \"B\". Must be of the form: name=value",
        ),
        ("ENV =x", "ENV names can not be blank"),
        ("LABEL", "LABEL requires at least one argument"),
        ("LABEL a", "LABEL must have two arguments"),
        ("ARG", "ARG requires at least one argument"),
        ("ARG =x", "ARG names can not be blank"),
        ("WORKDIR", "WORKDIR requires exactly one argument"),
        ("USER", "USER requires exactly one argument"),
        ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
        ("MAINTAINER", "MAINTAINER requires exactly one argument"),
        ("EXPOSE", "EXPOSE requires at least one argument"),
        ("VOLUME", "VOLUME requires at least one argument"),
        ("VOLUME []", "VOLUME requires at least one argument"),
        (
            "VOLUME [\" \"]",
            "VOLUME specified can not be an empty string",
        ),
        ("SHELL", "SHELL requires at least one argument"),
        ("SHELL []", "SHELL requires at least one argument"),
        (
            "SHELL sh -c",
            "SHELL requires the arguments to be in JSON form",
        ),
        ("ONBUILD", "ONBUILD requires at least one argument"),
        (
            "ONBUILD ONBUILD RUN x",
            "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
        ),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        (
            "ONBUILD maintainer x",
            "MAINTAINER isn't allowed as an ONBUILD trigger",
        ),
        ("ONBUILD BOGUS", "unknown instruction: BOGUS"),
        ("ONBUILD COPY x", NO_DESTINATION),
        ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        (
            "HEALTHCHECK --retries=1 NONE",
            "HEALTHCHECK NONE takes no arguments",
        ),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        (
            "HEALTHCHECK wget",
            "Unknown type \"WGET\" in HEALTHCHECK (try CMD)",
        ),
        (
            "HEALTHCHECK --interval=5 CMD x",
            "--interval: time: missing unit in duration \"5\"",
        ),
        (
            "HEALTHCHECK --timeout=1us CMD x",
            "Interval \"timeout\" cannot be less than 1ms",
        ),
        (
            "HEALTHCHECK --timeout=-1s CMD x",
            "Interval \"timeout\" cannot be less than 1ms",
        ),
        (
            "HEALTHCHECK --retries=-1 CMD x",
            "--retries: invalid value \"-1\", it must be a number from 0 to 2147483647",
        ),
        ("FROM", "FROM requires either one or three arguments"),
        ("FROM a b", "FROM requires either one or three arguments"),
        (
            "FROM a AS b c",
            "FROM requires either one or three arguments",
        ),
        ("FROM a ON b", "FROM requires either one or three arguments"),
        (
            "FROM a AS 1b",
            "invalid name for build stage: \"1b\", name can't start with a number or contain symbols",
        ),
        (
            "FROM a AS b/c",
            "invalid name for build stage: \"b/c\", name can't start with a number or contain symbols",
        ),
        ("FROM --bogus=x a", "unknown flag: --bogus"),
        ("RUN a\0b", "a NUL byte"),
    ] {
        assert_eq!(wrong(text), error, "{text}");
    }
}

#[test]
fn wrong_files_are_told_with_their_line() {
    for (text, error) in [
        ("", "the Dockerfile cannot be empty"),
        ("# nothing\n\n", "file with no instructions"),
        (
            "ARG a\n",
            "dockerfile parse error on line 1: no build stage in current context",
        ),
        (
            "\n\nRUN x\n",
            "dockerfile parse error on line 3: no build stage in current context",
        ),
        (
            "FROM a\n# x\nRUN b \\\n c\n\nBOGUS\n",
            "dockerfile parse error on line 6: unknown instruction: BOGUS",
        ),
        (
            "# escape=x\nFROM a",
            "dockerfile parse error on line 1: invalid escape token 'x' does not match ` or \\",
        ),
        (
            "# syntax=example.com/f\nFROM a",
            "dockerfile parse error on line 1: the Dockerfile frontend example.com/f is not supported",
        ),
    ] {
        assert_eq!(whole(text), error);
    }
    let latin = Dockerfile::parse(b"FROM a\n# \xe9 in a comment is nobody's business\nRUN \xe9\n");
    let error = latin.unwrap_err();
    assert_eq!(error.lines(), Some(&(3..=3)));
    assert_eq!(
        error.to_string(),
        "dockerfile parse error on line 3: bytes that are not UTF-8"
    );
    let large = vec![b'#'; LARGEST + 1];
    assert_eq!(
        Dockerfile::parse(&large).unwrap_err().to_string(),
        "the Dockerfile has 4194305 bytes, the limit is 4194304"
    );
    let heredoc = Dockerfile::parse(b"FROM a\nRUN <<E\nx\ny").unwrap_err();
    assert_eq!(heredoc.lines(), Some(&(2..=4)));
}

#[test]
fn a_byte_order_mark_is_no_text() {
    let file = Dockerfile::parse(b"\xef\xbb\xbf# escape=`\nFROM a\n").unwrap();
    assert_eq!(file.escape, '`');
}

#[test]
fn what_should_be_told_is_a_warning() {
    let told = warnings(concat!(
        "FROM --platform=linux/amd64 a as One\n",
        "MAINTAINER me\n",
        "ENV a b\n",
        "RUN x \\\n\n  y\n",
        "run z\n",
        "CMD a\n",
        "CMD [\"b\"]\n",
        "FROM b AS scratch\n",
        "FROM c AS one\n",
    ));
    let expected = [
        (
            1,
            "FromAsCasing: 'as' and 'FROM' keywords' casing do not match",
        ),
        (1, "StageNameCasing: Stage name 'One' should be lowercase"),
        (
            1,
            "FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"linux/amd64\"",
        ),
        (
            2,
            "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label",
        ),
        (
            3,
            "LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format",
        ),
        (5, "NoEmptyContinuation: Empty continuation line"),
        (
            7,
            "ConsistentInstructionCasing: Command 'run' should match the case of the command majority (uppercase)",
        ),
        (
            8,
            "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
        ),
        (
            8,
            "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used",
        ),
        (
            10,
            "ReservedStageName: Stage name should not use the same name as reserved stage \"scratch\"",
        ),
        (
            11,
            "DuplicateStageName: Duplicate stage name \"one\", stage names should be unique",
        ),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(line, text)| (*line, (*text).to_owned()))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(warnings("from a as b\nrun x\n"), []);
    assert_eq!(warnings("FROM --platform=$TARGETPLATFORM a\n").len(), 1);
}

#[test]
fn warnings_are_skipped_or_are_errors_when_the_file_says_so() {
    assert_eq!(
        warnings("# check=skip=JSONArgsRecommended\nFROM a\nCMD a\n"),
        []
    );
    assert_eq!(warnings("# check=skip=all;error=true\nFROM a\nCMD a\n"), []);
    assert_eq!(
        whole("# check=error=true\nFROM a\nENV a b\nCMD a\n"),
        "dockerfile parse error on line 3: \
         lint violation found for rules: JSONArgsRecommended, LegacyKeyValueFormat"
    );
}
