//! What a build finds in the cache, and what makes it do a step again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Host, Output};

const TEXT: &str = "FROM alpine
ARG V=1
RUN echo first > /first
COPY a.txt /copied/
RUN cat /copied/a.txt /first > /both
CMD [\"cat\", \"/both\"]
";

/// How many steps were found in the cache, the base image not counted.
fn cached(built: &Output) -> usize {
    let lines: Vec<&str> = built.stderr.lines().collect();
    let named = |wanted: &str| {
        lines.iter().any(|line| {
            let Some((number, _)) = line.split_once(wanted) else {
                return false;
            };
            lines.contains(&format!("{number}CACHED").as_str())
        })
    };
    ["[2/4] ", "[3/4] ", "[4/4] "]
        .into_iter()
        .filter(|step| named(step))
        .count()
}

fn host() -> Host {
    let host = Host::with_own_images();
    host.write("context/a.txt", "a\n");
    host
}

#[track_caller]
fn builds(host: &Host, text: &str, options: &str, expected: usize) -> String {
    let file = host.scratch().join("iid");
    let built = host.build(
        text,
        &format!("--progress plain --iidfile {} {options}", file.display()),
    );
    assert_eq!(cached(&built), expected, "{}", built.stderr);
    built.ok();
    fs::read_to_string(file).unwrap()
}

#[test]
fn with_nothing_changed_the_image_is_the_same() {
    let host = host();
    let first = builds(&host, TEXT, "", 0);
    assert_eq!(builds(&host, TEXT, "", 3), first);
    // The files were touched, and are what they were.
    host.write("context/a.txt", "a\n");
    assert_eq!(builds(&host, TEXT, "", 3), first);
}

#[test]
fn a_changed_file_makes_its_copy_and_what_follows_anew() {
    let host = host();
    builds(&host, TEXT, "", 0);
    host.write("context/a.txt", "b\n");
    builds(&host, TEXT, "", 1);
    // What was built before is found again.
    host.write("context/a.txt", "a\n");
    builds(&host, TEXT, "", 3);
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(format!("{}/a.txt", host.context()), mode).unwrap();
    builds(&host, TEXT, "", 1);
    host.write("context/other.txt", "not copied");
    builds(&host, TEXT, "", 3);
}

#[test]
fn a_changed_instruction_is_done_again() {
    let host = host();
    builds(&host, TEXT, "", 0);
    builds(&host, &TEXT.replace("echo first", "echo 1st"), "", 0);
    builds(
        &host,
        &TEXT.replace("# x\n", "").replace("CMD", "# x\nCMD"),
        "",
        3,
    );
    // An argument reaches the processes after it. What they write differs, too: with the same files
    // of the same second below them, the steps that follow would be found.
    let text = TEXT.replace("echo first", "echo first $V");
    builds(&host, &text, "", 0);
    builds(&host, &text, "--build-arg V=2", 0);
    builds(&host, &text, "--build-arg V=1", 3);
    builds(&host, &TEXT.replace("CMD", "ENV X=1\nCMD"), "", 3);
}

#[test]
fn steps_that_come_to_the_same_files_are_one() {
    let host = host();
    // Times are no different either.
    let epoch = "--build-arg SOURCE_DATE_EPOCH=1700000000";
    builds(&host, TEXT, epoch, 0);
    // Another command with the same result: what follows finds the same files below it.
    let other = TEXT.replace("echo first > /first", "echo first | cat > /first");
    builds(&host, &other, epoch, 2);
}

#[test]
fn the_cache_can_be_left_out_for_all_or_for_a_stage() {
    let host = host();
    builds(&host, TEXT, "", 0);
    builds(&host, TEXT, "--no-cache", 0);
    let two = "FROM alpine AS one\nRUN echo 1 > /1\nFROM alpine AS two\nCOPY --from=one /1 /\nRUN echo 2\n";
    host.build(two, "").ok();
    let again = host.build(two, "--progress plain --no-cache-filter two");
    let steps = again.stderr.matches("CACHED").count();
    // Both base images, and the step of the first stage.
    assert_eq!(steps, 3, "{}", again.stderr);
    again.ok();
}

#[test]
fn a_secret_and_a_proxy_are_no_part_of_the_key() {
    let host = host();
    let secret = host.write("secret", "one");
    let text = "FROM alpine\nRUN --mount=type=secret,id=s cat /run/secrets/s > /dev/null\nRUN true\nRUN echo\n";
    let options = format!("--secret id=s,src={secret}");
    builds(&host, text, &options, 0);
    host.write("secret", "two");
    builds(
        &host,
        text,
        &format!("{options} --build-arg http_proxy=x"),
        3,
    );
}

#[test]
fn records_that_are_gone_or_damaged_cost_time_alone() {
    let host = host();
    let first = builds(&host, TEXT, "-t kept", 0);
    let records = host.root().join("images/cache");
    for record in fs::read_dir(&records).unwrap() {
        fs::write(record.unwrap().path(), "{").unwrap();
    }
    builds(&host, TEXT, "", 0);
    fs::remove_dir_all(records).unwrap();
    let second = builds(&host, TEXT, "", 0);
    for id in [first, second] {
        assert_eq!(host.ok(&format!("run --rm {id}")), "a\nfirst");
    }
}
