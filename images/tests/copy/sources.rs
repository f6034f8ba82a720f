//! What is found in a context, and what is not.

use std::fs;

use crate::{Bench, options};
use rbox_images::context::{Context, Ignore, SelectOptions};
use rbox_images::copy::apply;

#[test]
fn no_source_leads_out_of_the_context() {
    let Some(bench) = Bench::new("no_source_leads_out_of_the_context") else {
        return;
    };
    bench.file("secret", "secret");
    bench.file("context/inside", "inside");
    bench.link("context/link", "../secret");
    bench.link("context/root", "/");
    bench.link(
        "context/absolute",
        &bench.path("secret").display().to_string(),
    );
    bench.link("context/host", "/proc/self/root");
    for source in [
        "../secret",
        "/../secret",
        "link",
        "absolute",
        "root/secret",
        "host/etc",
    ] {
        let error = bench.copy(&[source, "/x"]).unwrap_err();
        assert!(error.ends_with(": not found"), "{source}: {error}");
    }
    // As Docker does: the context is the root of all paths.
    for source in ["../inside", "/inside", "root/inside", "root/root/../inside"] {
        bench.copy(&[source, "/x"]).unwrap();
        assert_eq!(bench.text("x"), "inside", "{source}");
    }
    assert_eq!(
        bench.copy(&["nosuch", "/x"]).unwrap_err(),
        "\"/nosuch\": not found"
    );
}

#[test]
fn patterns_match_names_of_their_directory() {
    let Some(bench) = Bench::new("patterns_match_names_of_their_directory") else {
        return;
    };
    for name in [
        "a.txt",
        "b.txt",
        "c.md",
        "sub/d.txt",
        "sub/e/f.txt",
        "arr[0].txt",
    ] {
        bench.file(&format!("context/{name}"), name);
    }
    let copied = |sources: &[&str]| {
        fs::remove_dir_all(bench.path("upper")).unwrap();
        bench.directory("upper");
        let mut words = sources.to_vec();
        words.push("/o/");
        bench.copy(&words).unwrap();
        let layer = bench.layer().join(" ");
        layer.replace("o/", "").trim().to_owned()
    };
    assert_eq!(copied(&["*.txt"]), "a.txt arr[0].txt b.txt");
    assert_eq!(copied(&["?.*"]), "a.txt b.txt c.md");
    assert_eq!(copied(&["arr[[]0].txt"]), "arr[0].txt");
    assert_eq!(copied(&["*/*.txt"]), "d.txt");
    assert_eq!(copied(&["s*"]), "d.txt e/ e/f.txt");
    assert_eq!(copied(&["nothing*"]), "");
    let error = bench.copy(&["a[", "/o/"]).unwrap_err();
    assert_eq!(error, "\"a[\": syntax error in pattern");
}

#[test]
fn parents_are_kept_when_asked_for() {
    let Some(bench) = Bench::new("parents_are_kept_when_asked_for") else {
        return;
    };
    bench.file("context/x/y/a.txt", "a");
    bench.file("context/x/y/z/b.txt", "b");
    bench.file("context/x/c.md", "c");
    let copied = |source: &str| {
        fs::remove_dir_all(bench.path("upper")).unwrap();
        bench.directory("upper");
        let sources = [source.to_owned()];
        let wanted = SelectOptions {
            sources: &sources,
            parents: true,
            ..SelectOptions::default()
        };
        let context = bench.context();
        let selection = context.tree().select(&wanted).unwrap();
        apply(&selection, &bench.view(), &options("/o/")).unwrap();
        bench.layer().join(" ")
    };
    assert_eq!(copied("x/y/a.txt"), "o/ o/x/ o/x/y/ o/x/y/a.txt");
    assert_eq!(copied("x/./y/a.txt"), "o/ o/y/ o/y/a.txt");
    assert_eq!(copied("./x/y/z"), "o/ o/x/ o/x/y/ o/x/y/z/ o/x/y/z/b.txt");
    assert_eq!(
        copied("**/*.txt"),
        "o/ o/x/ o/x/y/ o/x/y/a.txt o/x/y/z/ o/x/y/z/b.txt"
    );
    assert_eq!(copied("x/./**/b.txt"), "o/ o/y/ o/y/z/ o/y/z/b.txt");
}

#[test]
fn what_is_ignored_is_not_there() {
    let Some(bench) = Bench::new("what_is_ignored_is_not_there") else {
        return;
    };
    for name in [
        "a",
        "b.log",
        "dir.log/x",
        "dir.log/kept",
        "dir.log/deep/y",
        "sub/c.log",
    ] {
        bench.file(&format!("context/{name}"), name);
    }
    bench.link("context/link", "b.log");
    let ignoring = || {
        bench
            .context()
            .ignoring(Ignore::parse(b"**/*.log\n!dir.log/kept").unwrap())
    };
    let copy = |context: &Context, source: &str| {
        let sources = [source.to_owned()];
        let wanted = SelectOptions {
            sources: &sources,
            ..SelectOptions::default()
        };
        let selection = context.tree().select(&wanted).map_err(|e| e.to_string())?;
        selection.checksum(false).map_err(|e| e.to_string())?;
        apply(&selection, &bench.view(), &options("/o/")).map_err(|e| e.to_string())
    };
    for source in ["b.log", "link", "dir.log/x"] {
        let text = format!("\"/{source}\": not found: it is excluded by .dockerignore");
        assert_eq!(copy(&ignoring(), source).unwrap_err(), text);
    }
    copy(&ignoring(), "*.log").unwrap();
    assert_eq!(bench.layer(), ["o/", "o/kept"]);
    copy(&ignoring(), ".").unwrap();
    let expected = [
        "o/",
        "o/a",
        "o/dir.log/",
        "o/dir.log/kept",
        "o/kept",
        "o/link",
        "o/sub/",
    ];
    assert_eq!(bench.layer(), expected);
}

#[test]
fn excluded_files_are_left_out_of_each_source() {
    let Some(bench) = Bench::new("excluded_files_are_left_out_of_each_source") else {
        return;
    };
    for name in ["a.txt", "a.log", "dir/b.txt", "dir/b.log", "dir/c.log/x"] {
        bench.file(&format!("context/{name}"), name);
    }
    let context = bench.context();
    let sources = ["a*".to_owned(), "dir".to_owned()];
    let excludes = Ignore::of(&["*.log".to_owned()]).unwrap();
    let wanted = SelectOptions {
        sources: &sources,
        excludes: Some(&excludes),
        parents: false,
    };
    let selection = context.tree().select(&wanted).unwrap();
    apply(&selection, &bench.view(), &options("/o/")).unwrap();
    assert_eq!(bench.layer(), ["o/", "o/a.txt", "o/b.txt"]);
}

type Change<'a> = &'a dyn Fn(&std::path::Path);

#[test]
fn a_file_that_changes_between_key_and_copy_is_an_error() {
    let Some(bench) = Bench::new("a_file_that_changes_between_key_and_copy_is_an_error") else {
        return;
    };
    let changes: [(&str, Change); 4] = [
        ("content", &|path| fs::write(path, "other").unwrap()),
        ("a link", &|path| {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/etc/shadow", path).unwrap();
        }),
        ("a directory", &|path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("a pipe", &|path| {
            fs::remove_file(path).unwrap();
            let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
            rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
        }),
    ];
    for (what, change) in changes {
        let path = bench.file("context/file", "content");
        let context = bench.context();
        let sources = ["file".to_owned()];
        let wanted = SelectOptions {
            sources: &sources,
            ..SelectOptions::default()
        };
        let selection = context.tree().select(&wanted).unwrap();
        selection.checksum(false).unwrap();
        change(&path);
        let error = apply(&selection, &bench.view(), &options("/x")).unwrap_err();
        assert!(
            error.to_string().contains("changed while"),
            "{what}: {error}"
        );
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir(&path);
    }
}

#[test]
fn contexts_are_directories_also_through_links() {
    let Some(bench) = Bench::new("contexts_are_directories_also_through_links") else {
        return;
    };
    bench.file("context/Dockerfile", "FROM scratch");
    bench.file("context/.dockerignore", "Dockerfile");
    bench.link("link", "context");
    let context = Context::directory(&bench.path("link")).unwrap();
    assert_eq!(
        context.dockerfile("Dockerfile").unwrap().unwrap(),
        b"FROM scratch"
    );
    assert_eq!(
        context.ignore_file("Dockerfile").unwrap().unwrap(),
        b"Dockerfile"
    );
    bench.file("context/Dockerfile.dockerignore", "x");
    assert_eq!(context.ignore_file("Dockerfile").unwrap().unwrap(), b"x");
    bench.link("context/evil", "/etc/passwd");
    assert!(context.dockerfile("evil").unwrap().is_none());
    assert!(context.dockerfile("../secret").unwrap().is_none());
    let error = |name: &str| {
        Context::directory(&bench.path(name))
            .unwrap_err()
            .to_string()
    };
    assert!(error("nosuch").ends_with("nosuch\" not found"));
    assert!(error("context/Dockerfile").contains("must be a directory"));
}
