//! `RUN --mount`: caches, files of stages and of the context, memory, secrets.

use crate::harness::{Host, Output};

/// Builds `dockerfile` with a context of one file, `sub/file`.
fn build(host: &Host, options: &[&str], dockerfile: &str) -> Output {
    host.write("context/sub/file", "of the context\n");
    let file = host.write("Dockerfile", dockerfile);
    let context = host.scratch().join("context").display().to_string();
    let mut words = vec!["build", "--progress", "plain", "--no-cache", "-t", "web"];
    words.extend(options);
    words.extend(["-f", &file, &context]);
    host.rbox(&words)
}

#[test]
fn a_cache_outlives_the_build_and_is_in_no_image() {
    let host = Host::with_own_images();
    let count = "FROM alpine\nRUN --mount=type=cache,target=/c,mode=0700,uid=7 \
                 echo x >> /c/f && echo lines $(wc -l < /c/f) $(stat -c %a:%u /c)\n";
    for lines in 1..=2 {
        let built = build(&host, &[], count);
        let text = format!("lines {lines} 700:7");
        assert!(built.stderr.contains(&text), "{built:?}");
    }
    host.ok("run --rm web test ! -e /c");
    host.ok("builder prune -f");
    let caches = host.root().join("build-cache-mounts");
    assert_eq!(std::fs::read_dir(&caches).unwrap().count(), 1);
    host.ok("builder prune -af");
    assert_eq!(std::fs::read_dir(&caches).unwrap().count(), 0);
    build(&host, &["--no-cache"], count).ok();
    host.ok("system prune -f");
    assert_eq!(std::fs::read_dir(&caches).unwrap().count(), 1);
    host.ok("system prune -af");
    assert_eq!(std::fs::read_dir(&caches).unwrap().count(), 0);
}

#[test]
fn steps_share_a_cache_or_wait_or_get_one_of_their_own() {
    let host = Host::with_own_images();
    // Both stages are built at the same time.
    let text = |sharing: &str, together: bool| {
        // Those who can meet wait for each other; the others give each other time to.
        let wait = match together {
            true => {
                "for i in $(seq 400); do test -e /c/a && test -e /c/b && break; sleep 0.05; done"
            }
            false => "sleep 1",
        };
        let step = format!(
            "RUN --mount=type=cache,id={sharing},target=/c,sharing={sharing} \
             mkdir /c/busy || echo met; echo $s > /c/$s; {wait}; ls /c | wc -l > /n; rmdir /c/busy || true"
        );
        format!(
            "FROM alpine AS a\nENV s=a\n{step}\nFROM alpine AS b\nENV s=b\n{step}\n\
             FROM alpine\nCOPY --from=a /n /a\nCOPY --from=b /n /b\n"
        )
    };
    for (sharing, together) in [("locked", false), ("private", false), ("shared", true)] {
        let built = build(&host, &[], &text(sharing, together));
        assert_eq!(built.code, 0, "{built:?}");
        let lines = built.stderr.lines();
        let met = lines.filter(|line| line.ends_with(" met")).count();
        assert_eq!(met > 0, together, "{sharing}: {built:?}");
    }
}

#[test]
fn files_of_the_context_and_of_stages_are_seen_and_stay_as_they_are() {
    let host = Host::with_own_images();
    let text = "FROM alpine AS base\nRUN mkdir /d && echo staged > /d/f && ln -s /etc /d/up\n\
                FROM alpine\n\
                RUN --mount=type=bind,source=sub,target=/m cat /m/file && ! touch /m/new\n\
                RUN --mount=type=bind,from=base,source=/d/f,target=/one \
                    --mount=type=bind,from=base,source=/d,target=/two,rw \
                    grep staged /one && echo changed > /two/f && touch /two/new\n\
                RUN --mount=type=bind,from=base,source=/d,target=/two \
                    grep staged /two/f && ! test -e /two/new\n\
                RUN --mount=type=bind,from=base,source=/d/up/alpine-release,target=/r test -s /r\n";
    build(&host, &[], text).ok();
    assert_eq!(
        host.sh(&format!("ls {}/context/sub", host.scratch().display()))
            .ok(),
        "file"
    );
    let text = "FROM alpine\nRUN --mount=type=bind,source=nosuch,target=/m true\n";
    assert_ne!(build(&host, &[], text).code, 0);
}

#[test]
fn memory_is_as_large_as_asked_and_gone_after_the_step() {
    let host = Host::with_own_images();
    let text = "FROM alpine\nRUN --mount=type=tmpfs,target=/t,size=1m \
                ! head -c 2000000 /dev/zero > /t/big && rm /t/big && \
                cp /bin/busybox /t/true && /t/true\n\
                RUN ! test -e /t\n";
    build(&host, &[], text).ok();
}

#[test]
fn secrets_are_seen_by_their_step_and_written_nowhere() {
    let host = Host::with_own_images();
    let file = host.write("token", "hunter-two");
    let source = format!("id=token,src={file}");
    let text = "FROM alpine\n\
                RUN --mount=type=secret,id=token,mode=0440,gid=7 \
                    test $(stat -c %a:%g /run/secrets/token) = 440:7 && \
                    test $(wc -c < /run/secrets/token) = 10\n\
                RUN --mount=type=secret,id=token,env=TOKEN test ${#TOKEN} = 10\n\
                RUN --mount=type=secret,id=token,target=/a/b/c test -s /a/b/c\n\
                RUN ! test -e /run/secrets && ! test -e /a && test -z \"$TOKEN\"\n";
    build(&host, &["--secret", &source], text).ok();
    for root in [host.root(), host.run_root()] {
        let found = host.sh(&format!("grep -rl hunter-two {} || true", root.display()));
        assert_eq!(found.ok(), "");
    }
    let missing = "FROM alpine\nRUN --mount=type=secret,id=other,required=true true\n";
    assert_ne!(build(&host, &[], missing).code, 0);
    let optional = "FROM alpine\nRUN --mount=type=secret,id=other ! test -e /run/secrets/other\n";
    build(&host, &[], optional).ok();
}
