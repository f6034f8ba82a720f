//! Builds of several stages.

use crate::harness::Host;

#[test]
fn a_stage_takes_files_from_others_and_from_images() {
    let host = Host::with_own_images();
    let text = "FROM alpine AS one
RUN echo one > /file; chown 7:8 /file; chmod 600 /file
FROM scratch AS two
COPY --from=one /file /from-one
FROM alpine
COPY --from=two /from-one /a
COPY --from=0 --chown=1:2 /file /b
COPY --from=alpine /etc/alpine-release /c
RUN --mount=type=bind,from=one,source=/file,target=/mnt/f cat /mnt/f > /d
";
    host.build(text, "-q -t staged").ok();
    let seen = host.rbox(&[
        "run",
        "--rm",
        "staged",
        "sh",
        "-c",
        "cat /a /b /d; stat -c '%u:%g %a' /a /b; cmp /c /etc/alpine-release && ls -A /mnt",
    ]);
    assert_eq!(seen.ok(), "one\none\none\n7:8 600\n1:2 600");
}

#[test]
fn a_stage_that_nobody_needs_is_not_built() {
    let host = Host::with_own_images();
    let text = "FROM alpine AS base
RUN echo base > /base
FROM base AS broken
RUN false
FROM nosuch-image AS missing
FROM base AS last
RUN cat /base
";
    host.build(text, "-q -t s").ok();
    assert_eq!(host.ok("run --rm s cat /base"), "base");
    host.build(text, "-q -t target --target base").ok();
    host.build(text, "-q --target broken").fails(1);
}

#[test]
fn a_target_is_the_image() {
    let host = Host::with_own_images();
    let text =
        "FROM alpine AS one\nCMD [\"echo\", \"one\"]\nFROM one AS two\nCMD [\"echo\", \"two\"]\n";
    for (target, said) in [("one", "one"), ("Two", "two"), ("0", "one")] {
        host.build(text, &format!("-q -t t --target {target}")).ok();
        assert_eq!(host.ok("run --rm t"), said);
    }
}

/// Each stage waits for a file that the other one makes.
#[test]
fn independent_stages_are_built_at_the_same_time() {
    let host = Host::with_own_images();
    let wait = "until [ -e /meet/$OTHER ]; do sleep 0.05; done";
    let text = format!(
        "FROM alpine AS one
RUN --mount=type=cache,id=meet,target=/meet touch /meet/one; OTHER=two; {wait}; echo 1 > /1
FROM alpine AS two
RUN --mount=type=cache,id=meet,target=/meet touch /meet/two; OTHER=one; {wait}; echo 2 > /2
FROM alpine
COPY --from=one /1 /
COPY --from=two /2 /
"
    );
    host.build(&text, "-q -t met").ok();
    assert_eq!(host.ok("run --rm met cat /1 /2"), "1\n2");
}

#[test]
fn a_failing_stage_ends_the_others() {
    let host = Host::with_own_images();
    // The one that fails waits until the other runs, which would never end by itself.
    let text = "FROM alpine AS endless
RUN --mount=type=cache,id=meet,target=/meet touch /meet/up; while :; do sleep 1; done
FROM alpine AS fails
RUN --mount=type=cache,id=meet,target=/meet until [ -e /meet/up ]; do sleep 0.05; done; exit 9
FROM alpine
COPY --from=endless /x /
COPY --from=fails /x /
";
    let failed = host.build(text, "--progress plain");
    assert!(failed.stderr.contains("CANCELED"), "{}", failed.stderr);
    failed.fails(9);
    assert_eq!(host.ok("ps -aq"), "");
    host.nothing_is_left();
}

#[test]
fn a_step_that_two_stages_share_is_done_once() {
    let host = Host::with_own_images();
    let shared =
        "RUN --mount=type=cache,id=count,target=/count echo x >> /count/done; echo shared > /s";
    let text = format!(
        "FROM alpine AS one\n{shared}\nRUN echo 1 > /1\n\
         FROM alpine AS two\n{shared}\nRUN echo 2 > /2\n\
         FROM alpine\nCOPY --from=one /1 /\nCOPY --from=two /2 /\n\
         RUN --mount=type=cache,id=count,target=/count wc -l < /count/done > /times\n"
    );
    host.build(&text, "-q -t once").ok();
    assert_eq!(host.ok("run --rm once cat /times"), "1");
}

#[test]
fn arguments_of_a_stage_are_there_in_the_stages_on_it() {
    let host = Host::with_own_images();
    let text = "FROM alpine AS base\nARG A=inherited\nFROM base\nRUN echo $A > /a\n";
    host.build(text, "-q -t inherits").ok();
    assert_eq!(host.ok("run --rm inherits cat /a"), "inherited");
}
