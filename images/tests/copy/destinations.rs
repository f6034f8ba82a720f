//! Where copies go.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;

use crate::{Bench, options};
use rbox_images::copy::{Owner, make_directory, write};

#[test]
fn a_file_goes_to_its_new_name_or_into_a_directory() {
    let Some(bench) = Bench::new("a_file_goes_to_its_new_name_or_into_a_directory") else {
        return;
    };
    bench.file("context/a.txt", "a");
    bench.directory("lower/there");
    bench.copy(&["a.txt", "/new"]).unwrap();
    bench.copy(&["a.txt", "/dir/"]).unwrap();
    bench.copy(&["a.txt", "/there"]).unwrap();
    bench.copy(&["a.txt", "b.txt"]).unwrap();
    bench.copy(&["a.txt", "."]).unwrap();
    let expected = [
        "dir/",
        "dir/a.txt",
        "new",
        "there/",
        "there/a.txt",
        "work/",
        "work/a.txt",
        "work/b.txt",
    ];
    assert_eq!(bench.layer(), expected);
    assert_eq!(bench.text("work/b.txt"), "a");
}

#[test]
fn a_directory_brings_its_contents_and_merges() {
    let Some(bench) = Bench::new("a_directory_brings_its_contents_and_merges") else {
        return;
    };
    bench.file("context/src/sub/new", "new");
    bench.file("context/src/top", "top");
    bench.file("lower/app/sub/old", "old");
    bench.file("lower/app/top", "replaced");
    bench.copy(&["src", "/app"]).unwrap();
    assert_eq!(
        bench.layer(),
        ["app/", "app/sub/", "app/sub/new", "app/top"]
    );
    assert_eq!(bench.text("app/top"), "top");
    let whole = bench.view().read("app/sub/old", 10).unwrap();
    assert_eq!(whole.unwrap(), b"old");
}

#[test]
fn several_files_need_a_directory() {
    let Some(bench) = Bench::new("several_files_need_a_directory") else {
        return;
    };
    bench.file("context/a", "");
    bench.file("context/b", "");
    bench.directory("lower/there");
    let error = bench.copy(&["a", "b", "/x"]).unwrap_err();
    let text = "When using COPY with more than one source file, the destination must be a \
                directory and end with a /";
    assert_eq!(error, text);
    assert_eq!(bench.copy(&["?", "/x"]).unwrap_err(), text);
    assert!(bench.layer().is_empty());
    bench.copy(&["a", "b", "/x/"]).unwrap();
    bench.copy(&["?", "/there"]).unwrap();
    assert_eq!(
        bench.layer(),
        ["there/", "there/a", "there/b", "x/", "x/a", "x/b"]
    );
}

#[test]
fn files_and_directories_do_not_replace_each_other() {
    let Some(bench) = Bench::new("files_and_directories_do_not_replace_each_other") else {
        return;
    };
    bench.file("context/src/name", "");
    bench.file("context/dir/name/x", "");
    bench.directory("lower/a/name");
    bench.file("lower/b/name", "");
    bench.link("lower/c/name", "/a");
    let error = |words: &[&str]| bench.copy(words).unwrap_err();
    assert_eq!(
        error(&["src", "/a"]),
        "cannot replace to directory /a/name with file"
    );
    for place in ["/b", "/c"] {
        let text = format!("cannot copy to non-directory: {place}/name");
        assert_eq!(error(&["dir", place]), text);
    }
    assert_eq!(
        error(&["dir", "/b/name"]),
        "cannot copy to non-directory: /b/name"
    );
    assert_eq!(
        error(&["dir", "/b/name/x"]),
        "cannot copy to non-directory: /b/name/x"
    );
}

#[test]
fn links_of_the_image_lead_inside_the_image() {
    let Some(bench) = Bench::new("links_of_the_image_lead_inside_the_image") else {
        return;
    };
    let outside = bench.path("outside");
    fs::create_dir(&outside).unwrap();
    bench.file("context/a", "a");
    bench.file("context/tree/x/a", "a");
    bench.link("lower/absolute", &outside.display().to_string());
    bench.link("lower/up", "../../../../real");
    bench.link("lower/file", "/etc/target");
    bench.directory("lower/real");
    bench.copy(&["a", "/absolute/"]).unwrap();
    bench.copy(&["a", "/up/a"]).unwrap();
    bench.copy(&["a", "/file"]).unwrap();
    bench.copy(&["tree", "/up"]).unwrap();
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
    let inside = outside.strip_prefix("/").unwrap().join("a");
    assert_eq!(bench.text(inside.to_str().unwrap()), "a");
    assert_eq!(bench.text("real/a"), "a");
    assert_eq!(bench.text("real/x/a"), "a");
    assert_eq!(bench.text("etc/target"), "a");
    bench.link("lower/circle", "circle");
    let error = bench.copy(&["a", "/circle/x"]).unwrap_err();
    assert_eq!(error, "/circle/x: too many levels of symbolic links");
}

#[test]
fn a_file_replaces_the_link_in_its_place_when_it_comes_with_a_directory() {
    let Some(bench) = Bench::new("a_file_replaces_the_link_in_its_place") else {
        return;
    };
    bench.file("context/tree/a", "new");
    bench.file("lower/victim", "untouched");
    bench.link("lower/app/a", "/victim");
    bench.copy(&["tree", "/app"]).unwrap();
    assert_eq!(bench.text("app/a"), "new");
    assert_eq!(bench.layer(), ["app/", "app/a"]);
}

#[test]
fn names_that_mean_deletions_are_refused() {
    let Some(bench) = Bench::new("names_that_mean_deletions_are_refused") else {
        return;
    };
    bench.file("context/tree/.wh.passwd", "");
    bench.file("context/a", "");
    for words in [
        ["tree", "/etc"],
        ["tree/.wh.passwd", "/etc/"],
        ["a", "/etc/.wh.passwd"],
        ["a", "/etc/.wh.x/"],
    ] {
        let error = bench.copy(&words).unwrap_err();
        assert!(error.contains("mean deleted files"), "{error}");
    }
}

#[test]
fn working_directories_and_heredocs() {
    let Some(bench) = Bench::new("working_directories_and_heredocs") else {
        return;
    };
    bench.link("lower/link", "/real");
    let view = bench.view();
    let owner = Owner { uid: 5, gid: 6 };
    assert!(make_directory(&view, "/link/a/b", owner).unwrap());
    assert!(!make_directory(&view, "/link/a/b", owner).unwrap());
    assert!(!make_directory(&view, "/", owner).unwrap());
    write("EOF", b"text\n", &view, &options("/script")).unwrap();
    write("EOF", b"text\n", &view, &options("/dir/")).unwrap();
    drop(view);
    assert_eq!(bench.owner_and_mode("real/a/b"), (5, 6, 0o755));
    assert_eq!(bench.owner_and_mode("script"), (0, 0, 0o644));
    assert_eq!(bench.text("dir/EOF"), "text\n");
}

#[test]
fn nothing_is_whited_out_by_replacing() {
    let Some(bench) = Bench::new("nothing_is_whited_out_by_replacing") else {
        return;
    };
    bench.file("lower/etc/motd", "old");
    bench.file("context/motd", "new");
    bench.copy(&["motd", "/etc/motd"]).unwrap();
    assert!(!bench.stat("etc/motd").file_type().is_char_device());
    assert_eq!(bench.text("etc/motd"), "new");
}
