//! `build`: a Dockerfile and a context become an image that runs.

use std::fs;

use crate::harness::{Host, Tar};

const HELLO: &str = "FROM alpine\nRUN echo hello > /greeting\nCMD [\"cat\", \"/greeting\"]\n";

#[test]
fn a_dockerfile_becomes_an_image_that_runs() {
    let host = Host::with_own_images();
    let built = host.build(HELLO, "-t hello");
    assert_eq!(built.clone().ok(), "", "progress goes to stderr");
    assert!(built.stderr.contains("RUN echo hello"), "{}", built.stderr);
    assert_eq!(host.ok("run --rm hello"), "hello");
    host.nothing_is_left();
}

/// The Dockerfile of the reference's transcript, as far as it says nothing of files.
const FULL: &str = r#"ARG VER=latest
FROM alpine:${VER} AS base
LABEL maintainer="me" \
      version=1.0
ARG BUILD_ARG=def
ENV A=1 B="two words" C=$BUILD_ARG
ENV LEGACY old style value
WORKDIR /app
WORKDIR sub
COPY a.txt sub/ ./
COPY --chown=1000:1000 a.txt /owned/
RUN echo "$A $B $C" > /env.txt && pwd >> /env.txt
RUN ["sh","-c","echo exec-form >> /env.txt"]
SHELL ["/bin/sh","-ec"]
RUN echo shell-changed >> /env.txt
EXPOSE 80 53/udp 8000-8002
VOLUME ["/vol","/vol2"]
USER nobody
RUN id -un > /tmp/who
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --timeout=3s --retries=2 CMD wget -q -O- localhost || exit 1
ONBUILD RUN echo onbuild-ran > /tmp/onbuild
ENTRYPOINT ["/bin/echo"]
CMD ["default","args"]
"#;

#[test]
fn every_instruction_leaves_its_mark() {
    let host = Host::with_own_images();
    host.write("context/a.txt", "a\n");
    host.write("context/sub/b.txt", "b\n");
    host.build(FULL, "-t full").ok();
    assert_eq!(host.ok("run --rm full"), "default args");
    let config = host
        .rbox(&["image", "inspect", "-f", "{{json .Config}}", "full"])
        .ok();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let expected = serde_json::json!({
        "User": "nobody",
        "WorkingDir": "/app/sub",
        "StopSignal": "SIGINT",
        "Entrypoint": ["/bin/echo"],
        "Cmd": ["default", "args"],
        "Labels": { "maintainer": "me", "version": "1.0" },
        "ExposedPorts": {
            "53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {},
        },
        "Volumes": { "/vol": {}, "/vol2": {} },
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&config[key], value, "{key}: {config:#}");
    }
    let env = config["Env"].as_array().unwrap();
    for variable in ["A=1", "B=two words", "C=def", "LEGACY=old style value"] {
        assert!(env.iter().any(|known| known == variable), "{env:?}");
    }
    let script = "cat /env.txt /tmp/who; ls; stat -c '%u:%g %a' /owned/a.txt";
    let seen = host.rbox(&["run", "--rm", "--entrypoint", "sh", "full", "-c", script]);
    assert_eq!(
        seen.ok(),
        "1 two words def\n/app/sub\nexec-form\nshell-changed\nnobody\na.txt\nb.txt\n1000:1000 644"
    );
}

#[test]
fn triggers_fire_in_the_next_build() {
    let host = Host::with_own_images();
    host.build(
        "FROM alpine\nONBUILD RUN echo fired > /fired\n",
        "-t parent",
    )
    .ok();
    assert_eq!(
        host.rbox(&["run", "--rm", "parent", "test", "-e", "/fired"])
            .code,
        1
    );
    host.build("FROM parent\n", "-t child").ok();
    assert_eq!(host.ok("run --rm child cat /fired"), "fired");
    host.build("FROM child\nRUN rm /fired\n", "-t grandchild")
        .ok();
    assert_eq!(
        host.rbox(&["run", "--rm", "grandchild", "test", "-e", "/fired"])
            .code,
        1
    );
}

/// What made an image, the last step last.
fn history(host: &Host, image: &str) -> Vec<String> {
    let id = host
        .rbox(&["image", "inspect", "-f", "{{.Id}}", image])
        .ok();
    let hex = id.strip_prefix("sha256:").unwrap();
    let blob = host.root().join("images/blobs/sha256").join(hex);
    let config: serde_json::Value = serde_json::from_slice(&fs::read(blob).unwrap()).unwrap();
    let steps = config["history"].as_array().unwrap();
    steps
        .iter()
        .map(|step| step["created_by"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_history_says_what_was_done() {
    let host = Host::with_own_images();
    let text = "FROM alpine\nARG V=1\nENV A=b\nRUN echo $V\nCOPY a.txt /x/\nCMD [\"a\", \"b\"]\n";
    host.write("context/a.txt", "a");
    host.build(text, "-t h").ok();
    let mut history = history(&host, "h");
    history.reverse();
    history.truncate(5);
    assert_eq!(
        history,
        [
            "CMD [\"a\" \"b\"]",
            "COPY a.txt /x/",
            "RUN |1 V=1 /bin/sh -c echo $V",
            "ENV A=b",
            "ARG V=1",
        ]
    );
}

#[test]
fn the_id_is_printed_and_written_and_all_names_are_given() {
    let host = Host::with_own_images();
    let file = host.scratch().join("iid");
    let id = host
        .build(
            HELLO,
            &format!("-q --iidfile {} -t one -t two:2", file.display()),
        )
        .ok();
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    assert_eq!(fs::read_to_string(file).unwrap(), id);
    for name in ["one:latest", "two:2"] {
        assert_eq!(host.ok(&format!("image inspect -f {{{{.Id}}}} {name}")), id);
    }
    let without_a_name = host.build("FROM alpine\nENV NAMELESS=1\n", "-q").ok();
    assert!(
        host.ok("images -q --no-trunc --filter dangling=true")
            .contains(&without_a_name)
    );
}

#[test]
fn a_failing_step_ends_the_build_with_its_code() {
    let host = Host::with_own_images();
    let failed = host.build(
        "FROM alpine\nRUN echo before; exit 7\nRUN echo never\n",
        "-t x",
    );
    let stderr = failed.fails(7);
    assert!(stderr.contains("before"), "{stderr}");
    assert!(
        stderr.contains("did not complete successfully: exit code: 7"),
        "{stderr}"
    );
    assert!(!stderr.contains("echo never\n#"), "{stderr}");
    host.fails(1, "image inspect x");
    host.nothing_is_left();
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn a_dockerfile_comes_from_stdin_or_from_anywhere() {
    let host = Host::with_own_images();
    let context = host.context();
    host.write("context/a.txt", "from the context");
    let alone = host.fed(&["build", "-q", "-t", "alone", "-"], HELLO.as_bytes());
    alone.ok();
    assert_eq!(host.ok("run --rm alone"), "hello");
    let with_context = b"FROM alpine\nCOPY a.txt /\n";
    host.fed(
        &["build", "-q", "-t", "both", "-f", "-", &context],
        with_context,
    )
    .ok();
    assert_eq!(host.ok("run --rm both cat /a.txt"), "from the context");
    let outside = host.write("elsewhere/My.Dockerfile", "FROM alpine\nCOPY a.txt /b\n");
    host.ok(&format!("build -q -t outside -f {outside} {context}"));
    assert_eq!(host.ok("run --rm outside cat /b"), "from the context");
    let failed = host
        .fed(&["build", "-"], b"FROM alpine\nCOPY a.txt /\n")
        .fails(1);
    assert!(failed.contains("build context"), "{failed}");
}

#[test]
fn a_context_may_be_a_tar_on_stdin() {
    let host = Host::with_own_images();
    let tar = Tar::default()
        .file("Dockerfile", b"FROM alpine\nCOPY a.txt /\n")
        .file("Other", b"FROM alpine\nCOPY a.txt /other\n")
        .file("a.txt", b"packed")
        .finish();
    host.fed(&["build", "-q", "-t", "t", "-"], &tar).ok();
    assert_eq!(host.ok("run --rm t cat /a.txt"), "packed");
    host.fed(&["build", "-q", "-t", "t", "-f", "Other", "-"], &tar)
        .ok();
    assert_eq!(host.ok("run --rm t cat /other"), "packed");
}

#[test]
fn arguments_come_from_the_command_line_and_the_environment() {
    let host = Host::with_own_images();
    let text = "ARG TAG\nFROM alpine:$TAG\nARG A=default\nARG B\nARG TARGETARCH\n\
                RUN echo \"$A $B $TARGETARCH $http_proxy\" > /args\n";
    host.build(
        text,
        "-q -t a --build-arg TAG=latest --build-arg B=given --build-arg http_proxy=http://proxy",
    )
    .ok();
    let expected = format!("default given {} http://proxy", arch());
    assert_eq!(host.ok("run --rm a cat /args"), expected);
    let history = history(&host, "a");
    let told = history.iter().any(|step| step.contains("http://proxy"));
    assert!(!told, "{history:?}");
    let mut command = host.command(&["build", "-q", "-t", "b", "--build-arg", "A", "--build-arg"]);
    let output = command
        .args(["TAG=latest", &host.context()])
        .env("A", "of the environment")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(
        host.ok("run --rm b cat /args")
            .starts_with("of the environment")
    );
    let unused = host.build("FROM alpine\n", "--build-arg NOBODY=1");
    assert!(
        unused.clone().stderr.contains("NOBODY"),
        "{}",
        unused.stderr
    );
    unused.ok();
}

fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[test]
fn labels_of_the_command_line_win() {
    let host = Host::with_own_images();
    host.build(
        "FROM alpine\nLABEL a=file b=file\n",
        "-q -t l --label a=line --label c=line",
    )
    .ok();
    let labels = host
        .rbox(&["image", "inspect", "-f", "{{json .Config.Labels}}", "l"])
        .ok();
    let labels: serde_json::Value = serde_json::from_str(&labels).unwrap();
    assert_eq!(
        labels,
        serde_json::json!({ "a": "line", "b": "file", "c": "line" })
    );
}

#[test]
fn with_a_source_date_two_builds_are_one_image() {
    let host = Host::with_own_images();
    host.write("context/a.txt", "a");
    let text = "FROM alpine\nWORKDIR /w\nCOPY a.txt .\nRUN date > /dev/null; mkdir d; echo x > d/f\nCMD [\"x\"]\n";
    host.write("context/Dockerfile", text);
    let build = |epoch: &str| {
        let output = host
            .command(&["build", "-q", "--no-cache", &host.context()])
            .env("SOURCE_DATE_EPOCH", epoch)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let one = build("1700000000");
    // Another minute for the clock of the files.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    let file = fs::File::options()
        .write(true)
        .open(format!("{}/a.txt", host.context()))
        .unwrap();
    file.set_modified(later).unwrap();
    assert_eq!(build("1700000000"), one);
    assert_ne!(build("1600000000"), one);
    let created = host.ok(&format!("image inspect -f {{{{.Created}}}} {one}"));
    assert_eq!(created, "2023-11-14T22:13:20Z");
}

#[test]
fn what_cannot_be_built_is_refused_before_anything_is_done() {
    let host = Host::with_own_images();
    host.write("context/Dockerfile", HELLO);
    let context = host.context();
    for (line, said) in [
        (
            format!("build --ssh default {context}"),
            "unsupported flag: --ssh",
        ),
        (
            format!("build --cache-from x {context}"),
            "unsupported flag: --cache-from",
        ),
        (
            format!("build --output type=local,dest=x {context}"),
            "unsupported flag: --output",
        ),
        (
            format!("build --squash {context}"),
            "unsupported flag: --squash",
        ),
    ] {
        let error = host.fails(125, &line);
        assert!(error.contains(said), "{error}");
    }
    for (line, said) in [
        (
            format!("build --platform linux/s390x {context}"),
            "for linux/s390x",
        ),
        (
            "build https://github.com/a/b.git".to_owned(),
            "remote contexts are not supported",
        ),
        (
            "build git@github.com:a/b.git".to_owned(),
            "remote contexts are not supported",
        ),
        (
            format!("build --target nosuch {context}"),
            "target stage \"nosuch\" could not be found",
        ),
        (
            format!("build -f {context}/nosuch {context}"),
            "no such file or directory",
        ),
        (format!("build {context}/nosuch"), "not found"),
        (format!("build {context}/Dockerfile"), "must be a directory"),
        (
            format!("build --secret id=x,src=/nosuch {context}"),
            "failed to stat secret x",
        ),
    ] {
        let error = host.fails(1, &line);
        assert!(error.contains(said), "{line}: {error}");
    }
    let error = host.fails(1, "build");
    assert!(error.contains("requires 1 argument"), "{error}");
    let error = host.fails(125, &format!("build -t Bad {context}"));
    assert!(error.contains("must be lowercase"), "{error}");
    assert_eq!(host.ok("images -q --filter dangling=true"), "");
}

#[test]
fn an_empty_context_and_a_missing_base_are_told() {
    let host = Host::with_own_images();
    let error = host.fails(1, &format!("build {}", host.context()));
    assert!(
        error.contains("failed to read dockerfile: open Dockerfile: no such file or directory"),
        "{error}"
    );
    let error = host.build("FROM localhost:1/nosuch:1\n", "").fails(1);
    assert!(error.contains("nosuch:1"), "{error}");
    let error = host.build("FROM alpine\nCOPY --from=localhost:1/nosuch /a /a\n", "");
    assert!(error.fails(1).contains("nosuch"));
}

#[test]
fn this_machine_s_platform_may_be_named() {
    let host = Host::with_own_images();
    let platform = format!("--platform linux/{}", arch());
    host.build(HELLO, &format!("-q {platform}")).ok();
    host.build("FROM --platform=$BUILDPLATFORM alpine\n", "-q")
        .ok();
}
