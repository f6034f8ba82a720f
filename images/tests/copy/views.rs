//! Views by themselves, and as what is copied from.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};

use crate::{Bench, options};
use rbox_images::View;
use rbox_images::context::{SelectOptions, Tree};
use rbox_images::copy::apply;

#[test]
fn nothing_is_mounted_anywhere() {
    let Some(bench) = Bench::new("nothing_is_mounted_anywhere") else {
        return;
    };
    bench.file("lower/a", "lower");
    bench.file("middle/a", "middle");
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let base = bench.base.path().display().to_string();
    let view = bench.view();
    assert_eq!(view.read("/a", 100).unwrap().unwrap(), b"middle");
    assert!(!mounts().contains(&base));
    drop(view);
    // Still the same directories: nothing holds them.
    drop(bench.view());
}

#[test]
fn files_are_read_within_bounds() {
    let Some(bench) = Bench::new("files_are_read_within_bounds") else {
        return;
    };
    bench.file("lower/big", &"x".repeat(100));
    bench.link("lower/shadow", "/etc/shadow");
    bench.directory("lower/dir");
    let view = View::open(&bench.lower(), None).unwrap();
    assert!(!view.is_writable());
    assert_eq!(view.read("big", 100).unwrap().unwrap().len(), 100);
    let error = |path, limit| view.read(path, limit).unwrap_err().to_string();
    assert_eq!(error("big", 99), "/big is larger than 99 bytes");
    assert_eq!(error("dir", 99), "/dir is not a regular file");
    assert!(view.read("shadow", 9).unwrap().is_none());
    assert!(view.read("none", 9).unwrap().is_none());
}

#[test]
fn many_layers_with_odd_names_are_stacked() {
    let Some(bench) = Bench::new("many_layers_with_odd_names_are_stacked") else {
        return;
    };
    let mut lower = Vec::new();
    for number in 0..60 {
        let name = format!("la,yer:{number}{}", "-".repeat(200));
        bench.file(&format!("{name}/file{number}"), "x");
        lower.push(bench.path(&name));
    }
    match View::open(&lower, None) {
        Ok(view) => {
            assert!(view.read("file0", 9).unwrap().is_some());
            assert!(view.read("file59", 9).unwrap().is_some());
        }
        // Linux before 6.7.
        Err(error) => assert!(error.to_string().contains("too many"), "{error}"),
    }
}

#[test]
fn copies_from_an_image_keep_their_owners() {
    let Some(bench) = Bench::new("copies_from_an_image_keep_their_owners") else {
        return;
    };
    let base = tempfile::tempdir().unwrap();
    let from = base.path();
    fs::create_dir_all(from.join("opt/app")).unwrap();
    fs::write(from.join("opt/app/file"), "x").unwrap();
    chown(from.join("opt/app/file"), Some(7), Some(8)).unwrap();
    std::os::unix::fs::symlink("/opt/app", from.join("link")).unwrap();
    let deleted = rustix::fs::mknodat(
        rustix::fs::CWD,
        from.join("opt/app/deleted"),
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::empty(),
        0,
    );
    deleted.unwrap();
    let image = View::open(&[from.to_owned()], None).unwrap();
    let tree = Tree::of_view(&image).unwrap();
    let sources = ["link".to_owned()];
    let wanted = SelectOptions {
        sources: &sources,
        ..SelectOptions::default()
    };
    let selection = tree.select(&wanted).unwrap();
    let owned = selection.checksum(false).unwrap();
    let given = selection.checksum(true).unwrap();
    assert_ne!(owned, given);
    apply(&selection, &bench.view(), &options("/app")).unwrap();
    assert_eq!(bench.layer(), ["app/", "app/file"]);
    assert_eq!(bench.stat("app/file").uid(), 7);
    chown(from.join("opt/app/file"), Some(9), Some(9)).unwrap();
    let again = Tree::of_view(&image).unwrap();
    let selection = again.select(&wanted).unwrap();
    assert_ne!(selection.checksum(false).unwrap(), owned);
    assert_eq!(selection.checksum(true).unwrap(), given);
}

#[test]
fn a_layer_by_itself_knows_nothing_of_what_is_below() {
    let Some(bench) = Bench::new("a_layer_by_itself_knows_nothing_of_what_is_below") else {
        return;
    };
    bench.file("context/a", "a");
    bench.link("lower/app", "/elsewhere");
    let (upper, work) = (bench.path("upper"), bench.work());
    let view = View::open(&[], Some((&upper, &work))).unwrap();
    let context = bench.context();
    let sources = ["a".to_owned()];
    let wanted = SelectOptions {
        sources: &sources,
        ..SelectOptions::default()
    };
    let selection = context.tree().select(&wanted).unwrap();
    apply(&selection, &view, &options("/app/")).unwrap();
    assert_eq!(bench.layer(), ["app/", "app/a"]);
    assert!(View::open(&[], None).is_err());
}
