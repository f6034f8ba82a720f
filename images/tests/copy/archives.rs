//! Archives: unpacked by `ADD`, and as a context from a pipe.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;

use crate::{Bench, options};
use rbox_images::context::{Context, FromStdin, SelectOptions};
use rbox_images::copy::{CopyOptions, Owner, apply};

/// A tar of (name, kind, link target or content).
fn archive(members: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, text) in members {
        let mut header = tar::Header::new_gnu();
        // Names that the builder would refuse.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_uid(7);
        header.set_gid(7);
        header.set_mtime(1_000_000_000);
        let data = *kind == tar::EntryType::Regular;
        header.set_size(if data { text.len() as u64 } else { 0 });
        if !data {
            header.as_old_mut().linkname[..text.len()].copy_from_slice(text.as_bytes());
        }
        header.set_cksum();
        bytes.extend(header.as_bytes());
        if data {
            bytes.extend(text.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
    }
    bytes.extend([0; 1024]);
    bytes
}

const FILE: tar::EntryType = tar::EntryType::Regular;
const LINK: tar::EntryType = tar::EntryType::Symlink;
const HARD: tar::EntryType = tar::EntryType::Link;
const DIRECTORY: tar::EntryType = tar::EntryType::Directory;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `ADD name to`.
fn add(bench: &Bench, name: &str, to: &str, owner: Option<Owner>) -> Result<(), String> {
    let context = bench.context();
    let sources = [name.to_owned()];
    let wanted = SelectOptions {
        sources: &sources,
        ..SelectOptions::default()
    };
    let selection = context.tree().select(&wanted).map_err(|e| e.to_string())?;
    selection.checksum(false).map_err(|e| e.to_string())?;
    let options = CopyOptions {
        instruction: "ADD",
        owner,
        unpack: Some(bench.base.path().to_owned()),
        ..options(to)
    };
    apply(&selection, &bench.view(), &options).map_err(|e| e.to_string())
}

#[test]
fn archives_are_unpacked_into_the_destination() {
    let Some(bench) = Bench::new("archives_are_unpacked_into_the_destination") else {
        return;
    };
    let tar = archive(&[
        ("./sub/", DIRECTORY, ""),
        ("sub/a", FILE, "content"),
        ("/absolute", FILE, "x"),
        ("hard", HARD, "/sub/a"),
    ]);
    let expected = ["to/", "to/absolute", "to/hard", "to/sub/", "to/sub/a"];
    bench.file("lower/to/kept", "");
    for (name, bytes) in [
        ("plain.tar", tar.clone()),
        ("packed", gzip(&tar)),
        ("packed.tar.zst", zstd::encode_all(&tar[..], 1).unwrap()),
    ] {
        fs::write(bench.path("context").join(name), bytes).unwrap();
        // With or without a slash: an archive's destination is a directory.
        add(&bench, name, "/to", None).unwrap();
        assert_eq!(bench.layer(), expected, "{name}");
        assert_eq!(bench.text("to/sub/a"), "content");
        assert_eq!(bench.stat("to/sub/a").mtime(), 1_000_000_000);
        assert_eq!(bench.stat("to/sub/a").uid(), 7);
        assert_eq!(bench.stat("to/hard").ino(), bench.stat("to/sub/a").ino());
    }
    add(
        &bench,
        "plain.tar",
        "/owned/",
        Some(Owner { uid: 1, gid: 2 }),
    )
    .unwrap();
    assert_eq!(
        (
            bench.stat("owned/sub/a").uid(),
            bench.stat("owned/sub/a").gid()
        ),
        (1, 2)
    );
    assert_eq!(bench.stat("owned").uid(), 1);
}

#[test]
fn what_is_no_archive_is_copied() {
    let Some(bench) = Bench::new("what_is_no_archive_is_copied") else {
        return;
    };
    bench.file("context/a.tar", "not a tar");
    bench.file("context/empty.tar", "");
    fs::write(bench.path("context/text.gz"), gzip(b"just text")).unwrap();
    let tar = gzip(&archive(&[("a", FILE, "x")]));
    fs::write(bench.path("context/damaged.tar.gz"), &tar[..20]).unwrap();
    for name in ["a.tar", "empty.tar", "text.gz", "damaged.tar.gz"] {
        add(&bench, name, "/to/", None).unwrap();
        let copy = fs::read(bench.path("upper/to").join(name)).unwrap();
        let original = fs::read(bench.path("context").join(name)).unwrap();
        assert_eq!(copy, original, "{name}");
    }
    fs::write(bench.path("context/x.tar.xz"), b"\xfd7zXZ\0...").unwrap();
    let error = add(&bench, "x.tar.xz", "/to/", None).unwrap_err();
    let text =
        "cannot unpack /x.tar.xz: compressed with xz: only gzip, zstd and plain tar are read";
    assert_eq!(error, text);
}

/// Archives that try to get out, and what is said of them.
fn hostile() -> [(Vec<u8>, &'static str); 5] {
    [
        (
            archive(&[("link", LINK, "../.."), ("link/outside/file", FILE, "evil")]),
            "leads out of the layer",
        ),
        (archive(&[("../outside/file", FILE, "evil")]), "\"..\""),
        (
            archive(&[("hard", HARD, "../outside/file")]),
            "leads out of the layer",
        ),
        (archive(&[(".wh.passwd", FILE, "")]), "deleted file"),
        (archive(&[("a/.wh..wh..opq", FILE, "")]), "deleted file"),
    ]
}

#[test]
fn no_archive_leads_out_of_its_directory() {
    let Some(bench) = Bench::new("no_archive_leads_out_of_its_directory") else {
        return;
    };
    bench.file("lower/outside/file", "of the image");
    bench.file("outside/file", "of the host");
    for (tar, text) in hostile() {
        fs::write(bench.path("context/evil.tar"), &tar).unwrap();
        let error = add(&bench, "evil.tar", "/to/", None).unwrap_err();
        assert!(error.contains(text), "{error}");
        let into = bench.path("into");
        fs::create_dir(&into).unwrap();
        let error = Context::tar(&tar[..], &into).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
        fs::remove_dir_all(&into).unwrap();
    }
    // A link leads to files of the destination, which is the archive's root.
    let links = archive(&[("link", LINK, "/"), ("link/outside/file", FILE, "evil")]);
    fs::write(bench.path("context/evil.tar"), links).unwrap();
    add(&bench, "evil.tar", "/to/", None).unwrap();
    assert_eq!(bench.text("to/outside/file"), "evil");
    let host = fs::read_to_string(bench.path("outside/file")).unwrap();
    assert_eq!(host, "of the host");
    assert!(!bench.path("upper/outside").exists());
}

#[test]
fn a_pipe_brings_a_context_or_a_dockerfile() {
    let Some(bench) = Bench::new("a_pipe_brings_a_context_or_a_dockerfile") else {
        return;
    };
    let tar = archive(&[("Dockerfile", FILE, "FROM scratch"), ("a", FILE, "x")]);
    let packed = zstd::encode_all(&tar[..], 1).unwrap();
    for bytes in [&tar, &gzip(&tar), &packed] {
        bench.directory("into");
        let read = FromStdin::read(&bytes[..], &bench.path("into")).unwrap();
        let FromStdin::Context(context) = read else {
            panic!("no context");
        };
        let dockerfile = context.dockerfile("Dockerfile").unwrap();
        assert_eq!(dockerfile.unwrap(), b"FROM scratch");
        assert_eq!(fs::metadata(bench.path("into/a")).unwrap().uid(), 0);
        fs::remove_dir_all(bench.path("into")).unwrap();
    }
    bench.directory("into");
    let long = format!("FROM scratch\n{}", "# comment\n".repeat(500));
    for text in ["FROM scratch\n", "", &long] {
        match FromStdin::read(text.as_bytes(), &bench.path("into")).unwrap() {
            FromStdin::Dockerfile(read) => assert_eq!(read, text.as_bytes()),
            FromStdin::Context(_) => panic!("{text:?} is no context"),
        }
    }
    let error = |bytes: &[u8]| {
        let read = FromStdin::read(bytes, &bench.path("into"));
        read.unwrap_err().to_string()
    };
    assert!(error(b"BZh91AY&SY").contains("bzip2"));
    assert!(error(&tar[..700]).contains("unexpected EOF"));
    let endless = std::io::repeat(b'#').take(5 << 20);
    let read = FromStdin::read(endless, &bench.path("into"));
    assert!(read.unwrap_err().to_string().contains("larger than"));
}
