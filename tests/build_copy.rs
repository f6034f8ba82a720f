//! `COPY` and `ADD`: what is where afterwards, whose it is, and what is refused.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::harness::{Host, Output, Tar};

/// Builds `made` of a context directory `context` of the test's own files.
fn build(host: &Host, dockerfile: &str) -> Output {
    host.write("context/Dockerfile", dockerfile);
    let context = host.scratch().join("context");
    host.rbox(&["build", "-q", "-t", "made", context.to_str().unwrap()])
}

/// What a script prints in a container of the image.
#[track_caller]
fn inside(host: &Host, script: &str) -> String {
    host.rbox(&["run", "--rm", "--network=none", "made", "sh", "-c", script])
        .ok()
}

fn write(host: &Host, names: &[&str]) {
    for name in names {
        host.write(&format!("context/{name}"), &format!("{name}\n"));
    }
}

#[test]
fn copies_land_where_docker_puts_them() {
    let host = Host::with_own_images();
    write(&host, &["a.txt", "b.txt", "dir/c", "dir/sub/d", "other"]);
    build(
        &host,
        "FROM alpine\nWORKDIR /w\nRUN mkdir /there\n\
         COPY a.txt /new\nCOPY a.txt /slash/\nCOPY a.txt /there\nCOPY *.txt rel/\n\
         COPY dir /contents\nCOPY dir/ /there/\nCOPY a.txt b.txt other ./\nCOPY nothing* /none/\n\
         COPY [\"a.txt\", \"/with space/\"]\n",
    )
    .ok();
    let found = inside(
        &host,
        "find /new /slash /there /w /contents '/with space' -type f | sort; cat /new",
    );
    let expected = "/contents/c\n/contents/sub/d\n/new\n/slash/a.txt\n/there/a.txt\n/there/c\n\
                    /there/sub/d\n/w/a.txt\n/w/b.txt\n/w/other\n/w/rel/a.txt\n/w/rel/b.txt\n\
                    /with space/a.txt\na.txt";
    assert_eq!(found, expected);
}

#[test]
fn copies_have_the_owners_and_modes_that_were_asked_for() {
    let host = Host::with_own_images();
    write(&host, &["file", "dir/run"]);
    std::os::unix::fs::chown(host.scratch().join("context/file"), Some(1234), Some(1234)).unwrap();
    build(
        &host,
        "FROM alpine\nARG WHO=nobody\n\
         COPY file /plain\nCOPY --chown=nobody:daemon file /named\nCOPY --chown=7 file /id\n\
         COPY --chown=$WHO --chmod=0750 dir /made/dir\nCOPY --chmod=u=rwX,go=rX,+x file /symbolic\n",
    )
    .ok();
    let found = inside(
        &host,
        "stat -c '%n %u:%g %a' /plain /named /id /made /made/dir /made/dir/run /symbolic",
    );
    let expected = "/plain 0:0 644\n/named 65534:2 644\n/id 7:7 644\n/made 65534:65534 755\n\
                    /made/dir 65534:65534 755\n/made/dir/run 65534:65534 750\n/symbolic 0:0 755";
    assert_eq!(found, expected);
    let error = build(&host, "FROM alpine\nCOPY --chown=nosuch file /x\n").fails(1);
    assert!(error.contains("no such user: nosuch"), "{error}");
    let error = build(&host, "FROM alpine\nCOPY --chmod=999 file /x\n").fails(1);
    assert!(error.contains("invalid chmod parameter"), "{error}");
}

#[test]
fn copies_from_stages_and_images_keep_owners_links_and_times() {
    let host = Host::with_own_images();
    build(
        &host,
        "FROM alpine AS first\n\
         RUN mkdir -p /out/d && echo x > /out/d/f && chown 5:6 /out/d/f && ln -s d/f /out/link \
         && ln /out/d/f /out/hard && touch -d '2001-02-03 04:05:06' /out/d/f && ln -s out /by-link\n\
         FROM alpine\nCOPY --from=first /by-link /copy\nCOPY --from=0 /out/link /followed\n\
         COPY --from=alpine /etc/alpine-release /release\n",
    )
    .ok();
    let found = inside(
        &host,
        "stat -c '%n %u:%g %h %F' /copy/d/f /copy/link /followed; date -ur /copy/d/f +%Y; \
         cmp /release /etc/alpine-release && echo same",
    );
    let expected = "/copy/d/f 5:6 2 regular file\n/copy/link 0:0 1 symbolic link\n\
                    /followed 5:6 1 regular file\n2001\nsame";
    assert_eq!(found, expected);
}

#[test]
fn links_parents_and_exclusions() {
    let host = Host::with_own_images();
    write(
        &host,
        &[
            "src/a/one.txt",
            "src/a/two.log",
            "src/b/three.txt",
            "keep.md",
        ],
    );
    build(
        &host,
        "FROM alpine\nRUN ln -s /real /alias\n\
         COPY --link --chown=3:4 src/a /linked/\n\
         COPY --parents src/*/*.txt /all/\nCOPY --parents src/./a/one.txt /pivot/\n\
         COPY --exclude=**/*.log --exclude=b src /some/\nCOPY keep.md /alias/\n",
    )
    .ok();
    let found = inside(
        &host,
        "find /linked /all /pivot /some /real -type f | sort; stat -c %u:%g /linked/one.txt",
    );
    let expected = "/all/src/a/one.txt\n/all/src/b/three.txt\n/linked/one.txt\n/linked/two.log\n\
                    /pivot/a/one.txt\n/real/keep.md\n/some/a/one.txt\n3:4";
    assert_eq!(found, expected);
}

#[test]
fn heredocs_become_files() {
    let host = Host::with_own_images();
    build(
        &host,
        "FROM alpine\nARG NAME=world\nCOPY <<EOF /hello\nhello $NAME\nEOF\n\
         COPY --chmod=755 <<\"one\" <<two /dir/\n#!/bin/sh\necho $0\none\nsecond\ntwo\n",
    )
    .ok();
    let found = inside(
        &host,
        "cat /hello; /dir/one; cat /dir/two; stat -c %a /hello /dir/one",
    );
    assert_eq!(found, "hello world\n/dir/one\nsecond\n644\n755");
}

#[test]
fn add_unpacks_archives_of_the_context() {
    let host = Host::with_own_images();
    let tar = Tar::default()
        .directory("d/")
        .file("d/a", b"a\n")
        .symlink("link", "d/a")
        .finish();
    host.write("context/plain.txt", "plain");
    let context = host.scratch().join("context");
    fs::write(context.join("x.tar"), &tar).unwrap();
    fs::write(context.join("fake.tar.xz"), b"\xfd7zXZ\0").unwrap();
    build(
        &host,
        "FROM alpine\nADD x.tar /unpacked\nADD --unpack=false x.tar /packed/\n\
         COPY x.tar /copied\nADD plain.txt /plain\n",
    )
    .ok();
    let found = inside(
        &host,
        "cat /unpacked/link; ls /packed; cmp /copied /packed/x.tar && cat /plain",
    );
    assert_eq!(found, "a\nx.tar\nplain");
    let error = build(&host, "FROM alpine\nADD fake.tar.xz /x\n").fails(1);
    assert!(error.contains("compressed with xz"), "{error}");
    let error = build(&host, "FROM alpine\nADD https://example.com/x.git /x\n").fails(1);
    assert!(error.contains("git"), "{error}");
}

/// Serves the same file again and again; its URL.
fn serve(headers: &str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                request.push(byte[0]);
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn add_downloads_files() {
    let host = Host::with_own_images();
    let server = serve("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "hello");
    // sha256 of "hello".
    let digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let dockerfile = format!(
        "FROM alpine\nADD {server}/dir/file.txt?x=1 /to/\n\
         ADD --checksum={digest} --chmod=755 --chown=nobody {server}/f /named\n"
    );
    build(&host, &dockerfile).ok();
    let found = inside(
        &host,
        "cat /to/file.txt; echo; stat -c '%a %Y' /to/file.txt; stat -c '%U %a' /named",
    );
    assert_eq!(found, "hello\n600 784111777\nnobody 755");
    let wrong = digest.replace("2cf2", "0000");
    let error = build(
        &host,
        &format!("FROM alpine\nADD --checksum={wrong} {server}/f /x\n"),
    )
    .fails(1);
    assert!(error.contains("digest mismatch"), "{error}");
    host.write("context/local", "");
    let error = build(
        &host,
        &format!("FROM alpine\nADD --checksum={digest} local /x\n"),
    )
    .fails(1);
    assert!(error.contains("checksum can't be specified"), "{error}");
}

#[test]
fn what_cannot_be_copied_is_said() {
    let host = Host::with_own_images();
    write(&host, &["a", "b", "dir/etc"]);
    let several = "the destination must be a directory and end with a /";
    for (dockerfile, text) in [
        ("COPY nosuch /x", "\"/nosuch\": not found"),
        ("COPY ../../etc/passwd /x", "\"/etc/passwd\": not found"),
        ("COPY a b /x", several),
        (
            "ADD a b /x",
            "When using ADD with more than one source file",
        ),
        (
            "COPY a /etc/passwd/x",
            "cannot copy to non-directory: /etc/passwd",
        ),
        (
            "COPY dir/etc /",
            "cannot replace to directory /etc with file",
        ),
        ("COPY --from=alpine /nosuch /x", "\"/nosuch\": not found"),
        ("COPY a[ /x", "syntax error in pattern"),
    ] {
        let error = build(&host, &format!("FROM alpine\n{dockerfile}\n")).fails(1);
        assert!(error.contains(text), "{dockerfile}: {error}");
    }
}

#[test]
fn large_and_sparse_files_are_copied_as_they_are() {
    let host = Host::with_own_images();
    fs::create_dir_all(host.scratch().join("context")).unwrap();
    let file = fs::File::create(host.scratch().join("context/sparse")).unwrap();
    file.set_len(64 << 20).unwrap();
    (&file).write_all(b"start").unwrap();
    build(&host, "FROM alpine\nCOPY sparse /sparse\n").ok();
    let found = inside(
        &host,
        "stat -c %s /sparse; test $(du -k /sparse | cut -f1) -lt 100 && echo sparse; head -c5 /sparse",
    );
    assert_eq!(found, "67108864\nsparse\nstart");
}

#[test]
fn copying_into_nothing_makes_an_image_of_that_alone() {
    let host = Host::with_own_images();
    write(&host, &["app"]);
    build(
        &host,
        "FROM scratch\nCOPY app /bin/app\nCMD [\"/bin/app\"]\n",
    )
    .ok();
    build(&host, "FROM alpine\nCOPY --from=made / /all/\n").ok();
    assert_eq!(inside(&host, "cd /all && find . -type f"), "./bin/app");
}
