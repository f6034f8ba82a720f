//! import, save and load keep everything that a file has.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use rbox_images::{Change, ImportOptions, Loaded, SaveFormat, Store};
use tar::EntryType;

use crate::archive::{Node, Tar, gzip};
use crate::{Bench, named, names};

const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// One of every kind.
fn everything() -> Vec<u8> {
    let dir = EntryType::Directory;
    Tar::default()
        .put(&Node {
            name: "./",
            kind: dir,
            mode: 0o711,
            mtime: "900000000",
            ..Node::default()
        })
        .put(&Node {
            name: "tmp/",
            kind: dir,
            mode: 0o1777,
            mtime: "1.5",
            ..Node::default()
        })
        .put(&Node {
            name: "bin/su",
            mode: 0o4755,
            owner: (12, 34),
            mtime: "1234567890.987654321",
            data: b"#!",
            ..Node::default()
        })
        .put(&Node {
            name: "bin/ping",
            mode: 0o755,
            data: b"ping",
            xattrs: &[
                ("security.capability", CAPABILITY),
                ("user.note", b"a\nb=c"),
            ],
            ..Node::default()
        })
        .put(&Node {
            name: "tmp/group",
            mode: 0o2640,
            owner: (0, 70000),
            ..Node::default()
        })
        .hardlink("bin/sudo", "bin/su")
        .put(&Node {
            name: "bin/sh",
            kind: EntryType::Symlink,
            link: "/bin/../nosuch",
            owner: (5, 6),
            mtime: "77",
            ..Node::default()
        })
        .put(&Node {
            name: "dev/null",
            kind: EntryType::Char,
            mode: 0o666,
            device: (1, 3),
            owner: (1, 2),
            mtime: "42",
            ..Node::default()
        })
        .put(&Node {
            name: "dev/loop0",
            kind: EntryType::Block,
            mode: 0o660,
            device: (7, 0),
            ..Node::default()
        })
        .put(&Node {
            name: "run/fifo",
            kind: EntryType::Fifo,
            mode: 0o622,
            ..Node::default()
        })
        .put(&Node {
            name: "bin/",
            kind: dir,
            mode: 0o555,
            mtime: "-3.25",
            ..Node::default()
        })
        .file(&("long/".repeat(40) + "name"), b"deep")
        .finish()
}

/// All that a container could see of a tree.
fn describe(tree: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut todo = vec![tree.to_owned()];
    while let Some(path) = todo.pop() {
        let found = path.symlink_metadata().unwrap();
        let name = path.strip_prefix(tree).unwrap().display().to_string();
        // Times of directories that the archive does not name are those of unpacking.
        let implied = name.starts_with("long") || ["dev", "run"].contains(&name.as_str());
        let mtime = if found.is_dir() && implied {
            (0, 0)
        } else {
            (found.mtime(), found.mtime_nsec())
        };
        let content = if found.is_file() {
            String::from_utf8(std::fs::read(&path).unwrap()).unwrap()
        } else if found.is_symlink() {
            std::fs::read_link(&path).unwrap().display().to_string()
        } else {
            String::new()
        };
        lines.push(format!(
            "{name} {:o} {}:{} {mtime:?} links={} rdev={} {content} {:?}",
            found.mode(),
            found.uid(),
            found.gid(),
            if found.is_dir() { 0 } else { found.nlink() },
            found.rdev(),
            xattrs(&path),
        ));
        if found.is_dir() {
            todo.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    lines.sort();
    lines
}

fn xattrs(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut list = Vec::with_capacity(1000);
    rustix::fs::llistxattr(path, rustix::buffer::spare_capacity(&mut list)).unwrap();
    let names = list.split(|b| *b == 0).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let mut value = Vec::with_capacity(1000);
            rustix::fs::lgetxattr(path, name, rustix::buffer::spare_capacity(&mut value)).unwrap();
            (
                std::ffi::OsStr::from_bytes(name)
                    .to_str()
                    .unwrap()
                    .to_owned(),
                value,
            )
        })
        .collect()
}

#[test]
fn unpacking_keeps_all_that_a_file_has() {
    let Some(bench) = Bench::new("unpacking_keeps_all_that_a_file_has") else {
        return;
    };
    bench.import(&gzip(&everything()), "x");
    let tree = bench.tree("x");
    let stat = |name: &str| tree.join(name).symlink_metadata().unwrap();
    let su = stat("bin/su");
    assert_eq!(
        (su.mode() & 0o7777, su.uid(), su.gid(), su.nlink()),
        (0o4755, 12, 34, 2)
    );
    assert_eq!((su.mtime(), su.mtime_nsec()), (1_234_567_890, 987_654_321));
    assert_eq!(su.ino(), stat("bin/sudo").ino());
    assert_eq!(stat("tmp").mode() & 0o7777, 0o1777);
    assert_eq!(
        (stat("tmp").mtime(), stat("tmp").mtime_nsec()),
        (1, 500_000_000)
    );
    assert_eq!(
        (stat("bin").mode() & 0o7777, stat("bin").mtime()),
        (0o555, -4)
    );
    assert_eq!(
        (stat("").mode() & 0o7777, stat("").mtime()),
        (0o711, 900_000_000)
    );
    assert_eq!(stat("tmp/group").mode() & 0o7777, 0o2640);
    assert_eq!(stat("tmp/group").gid(), 70000);
    let null = stat("dev/null");
    assert!(null.file_type().is_char_device());
    assert_eq!(null.rdev(), rustix::fs::makedev(1, 3));
    assert_eq!(
        (null.mode() & 0o7777, null.uid(), null.gid(), null.mtime()),
        (0o666, 1, 2, 42)
    );
    assert!(stat("dev/loop0").file_type().is_block_device());
    assert!(stat("run/fifo").file_type().is_fifo());
    assert_eq!(stat("run").mode() & 0o7777, 0o755);
    let link = stat("bin/sh");
    assert_eq!((link.uid(), link.gid(), link.mtime()), (5, 6, 77));
    assert_eq!(
        std::fs::read_link(tree.join("bin/sh")).unwrap(),
        Path::new("/bin/../nosuch")
    );
    let ping = xattrs(&tree.join("bin/ping"));
    assert!(ping.contains(&("security.capability".to_owned(), CAPABILITY.to_vec())));
    assert!(ping.contains(&("user.note".to_owned(), b"a\nb=c".to_vec())));
    assert_eq!(bench.store.get("x").unwrap().size, 2 + 4 + 4);
    bench.assert_clean();
}

#[test]
fn the_umask_of_the_importing_user_does_not_matter() {
    let Some(bench) = Bench::new("the_umask_of_the_importing_user_does_not_matter") else {
        return;
    };
    // The umask belongs to the whole process: this only checks what is made without a mode.
    bench.import(&Tar::default().file("a/b/c", b"").finish(), "x");
    for path in ["", "a", "a/b"] {
        let mode = bench.tree("x").join(path).metadata().unwrap().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
}

#[test]
fn save_and_load_in_every_form_give_the_same_image() {
    let Some(bench) = Bench::new("save_and_load_in_every_form_give_the_same_image") else {
        return;
    };
    let tar = everything();
    let packings = [
        tar.clone(),
        gzip(&tar),
        zstd::encode_all(&tar[..], 1).unwrap(),
    ];
    for (packing, packed) in packings.iter().enumerate() {
        let name = format!("kept:{packing}");
        let id = bench.import(packed, &name);
        let before = describe(&bench.tree(&name));
        for format in [
            SaveFormat::Combined,
            SaveFormat::Oci,
            SaveFormat::DockerArchive,
        ] {
            let mut saved = Vec::new();
            bench
                .store
                .save(std::slice::from_ref(&name), &mut saved, format)
                .unwrap();
            let other = Bench::new("").unwrap();
            let outer = if packing == 1 {
                gzip(&saved)
            } else {
                saved.clone()
            };
            let loaded = other.store.load(&outer[..]).unwrap();
            assert_eq!(loaded, [Loaded::Reference(name.clone())]);
            assert_eq!(other.store.get(&name).unwrap().id, id);
            assert_eq!(describe(&other.tree(&name)), before);
            let mut again = Vec::new();
            other
                .store
                .save(std::slice::from_ref(&name), &mut again, format)
                .unwrap();
            assert_eq!(again, saved, "{packing} {format:?}");
            other.assert_clean();
        }
    }
    // Three packings of one layer: it is unpacked once.
    assert_eq!(names(&bench.root().join("layers")).len(), 1);
}

#[test]
fn a_saved_archive_holds_what_other_tools_look_for() {
    let Some(bench) = Bench::new("a_saved_archive_holds_what_other_tools_look_for") else {
        return;
    };
    bench.import(&Tar::default().file("a", b"1").finish(), "one");
    bench.import(
        &Tar::default().file("a", b"2").finish(),
        "reg.test:5000/two:v2",
    );
    bench
        .store
        .tag("one", &"one:also".parse().unwrap())
        .unwrap();
    let mut saved = Vec::new();
    let wanted = ["one".to_owned(), "reg.test:5000/two:v2".to_owned()];
    bench
        .store
        .save(&wanted, &mut saved, SaveFormat::Combined)
        .unwrap();
    let mut archive = tar::Archive::new(&saved[..]);
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        files.insert(name, std::io::read_to_string(entry).unwrap());
    }
    let manifest: serde_json::Value = serde_json::from_str(&files["manifest.json"]).unwrap();
    assert_eq!(
        manifest[0]["RepoTags"],
        serde_json::json!(["one:also", "one:latest"])
    );
    assert_eq!(
        manifest[1]["RepoTags"],
        serde_json::json!(["reg.test:5000/two:v2"])
    );
    for image in manifest.as_array().unwrap() {
        assert!(files.contains_key(image["Config"].as_str().unwrap()));
        assert!(files.contains_key(image["Layers"][0].as_str().unwrap()));
    }
    let index: serde_json::Value = serde_json::from_str(&files["index.json"]).unwrap();
    let annotations = &index["manifests"][2]["annotations"];
    assert_eq!(
        annotations["io.containerd.image.name"],
        "reg.test:5000/two:v2"
    );
    assert_eq!(annotations["org.opencontainers.image.ref.name"], "v2");
    assert_eq!(files["oci-layout"], r#"{"imageLayoutVersion":"1.0.0"}"#);
    assert!(files["repositories"].contains("\"one\""));
    let error = bench
        .store
        .save(&["nosuch".to_owned()], Vec::new(), SaveFormat::Combined);
    assert_eq!(error.unwrap_err().to_string(), "No such image: nosuch");
    let error = bench
        .store
        .save(&["nosuch:1".to_owned()], Vec::new(), SaveFormat::Combined);
    assert_eq!(error.unwrap_err().to_string(), "No such image: nosuch:1");
}

#[test]
fn saving_by_id_gives_an_archive_without_names() {
    let Some(bench) = Bench::new("saving_by_id_gives_an_archive_without_names") else {
        return;
    };
    let id = bench.import(&Tar::default().file("a", b"1").finish(), "one");
    let mut saved = Vec::new();
    bench
        .store
        .save(&[id[7..19].to_owned()], &mut saved, SaveFormat::Combined)
        .unwrap();
    let other = Bench::new("").unwrap();
    assert_eq!(
        other.store.load(&saved[..]).unwrap(),
        [Loaded::Id(id.clone())]
    );
    assert!(other.store.get(&id).unwrap().references.is_empty());
}

#[test]
fn an_imported_image_says_what_it_was_told() {
    let Some(bench) = Bench::new("an_imported_image_says_what_it_was_told") else {
        return;
    };
    let changes: Vec<Change> = ["CMD [\"echo\",\"imported\"]", "ENV A=1", "EXPOSE 80"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let options = ImportOptions {
        changes,
        message: Some("msg".to_owned()),
        ..named("h4imp:2")
    };
    let id = bench
        .store
        .import(&Tar::default().file("a", b"").finish()[..], &options)
        .unwrap();
    let image = bench.store.get("h4imp:2").unwrap();
    assert_eq!(image.id, id);
    assert_eq!(image.references, ["h4imp:2"]);
    let config = image.config.config().as_ref().unwrap();
    assert_eq!(config.cmd().as_ref().unwrap(), &["echo", "imported"]);
    assert_eq!(config.env().as_ref().unwrap(), &["A=1"]);
    assert_eq!(config.exposed_ports().as_ref().unwrap(), &["80/tcp"]);
    let history = image.config.history().as_ref().unwrap();
    assert_eq!(history[0].comment().as_deref(), Some("msg"));
    assert!(image.check_platform().is_ok());

    let platform = Some("linux/s390x".parse().unwrap());
    let options = ImportOptions {
        platform,
        ..named("foreign")
    };
    bench
        .store
        .import(&Tar::default().file("a", b"").finish()[..], &options)
        .unwrap();
    let image = bench.store.get("foreign").unwrap();
    let error = image.check_platform().unwrap_err().to_string();
    assert!(
        error.starts_with("image foreign:latest was built for linux/s390x"),
        "{error}"
    );
    let history = image.config.history().as_ref().unwrap();
    assert_eq!(history[0].comment().as_deref(), Some("Imported from -"));
}

#[test]
fn parallel_imports_share_one_layer_and_lose_nothing() {
    let Some(bench) = Bench::new("parallel_imports_share_one_layer_and_lose_nothing") else {
        return;
    };
    let tar = gzip(&everything());
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (store, tar): (&Store, _) = (&bench.store, &tar);
            scope.spawn(move || store.import(&tar[..], &named(&format!("x:{n}"))).unwrap());
        }
    });
    assert_eq!(names(&bench.root().join("layers")).len(), 1);
    let mut references: Vec<String> = bench
        .store
        .list()
        .unwrap()
        .into_iter()
        .flat_map(|image| image.references)
        .collect();
    references.sort();
    assert_eq!(
        references,
        (0..8).map(|n| format!("x:{n}")).collect::<Vec<_>>()
    );
    bench.assert_clean();
}

#[test]
fn what_a_killed_writer_left_is_swept_and_a_living_one_is_not() {
    let Some(bench) = Bench::new("what_a_killed_writer_left_is_swept_and_a_living_one_is_not")
    else {
        return;
    };
    let tmp = bench.root().join("tmp");
    for name in ["1-0", "2-0"] {
        std::fs::create_dir_all(tmp.join(name).join("layer-1/fs/half")).unwrap();
    }
    let living = std::fs::File::open(tmp.join("2-0")).unwrap();
    living.lock().unwrap();
    bench.import(&Tar::default().file("a", b"").finish(), "x");
    assert_eq!(names(&tmp), ["2-0"]);
    drop(living);
    bench.import(&Tar::default().file("b", b"").finish(), "y");
    bench.assert_clean();
}
