//! Layers made here: of an upper directory, of a container's, and the images of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rbox_images::{
    AddImageError, Digest, IdRange, IdShift, ImageUser, Layer, SaveFormat, Store, Workspace,
};
use rustix::fs::{AtFlags, FileType, Mode, Timespec, Timestamps, XattrFlags, makedev};

use crate::archive::{Tar, config, gzip};
use crate::{Bench, names};

const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn open(path: &Path) -> OwnedFd {
    File::open(path).unwrap().into()
}

fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(path, name, value, XattrFlags::empty()).unwrap();
}

fn set_time(path: &Path, seconds: i64, nanoseconds: i64) {
    let at = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds as _,
    };
    let times = Timestamps {
        last_access: at,
        last_modification: at,
    };
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, flags).unwrap();
}

fn node(root: &Path, name: &str, kind: FileType, device: u64) {
    let mode = Mode::from_raw_mode(0o640);
    rustix::fs::mknodat(open(root), name, kind, mode, device).unwrap();
}

/// One of every kind, as overlayfs leaves it.
fn upper(workspace: &Workspace) -> PathBuf {
    let root = workspace.directory("upper").unwrap();
    fs::set_permissions(&root, PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir_all(root.join("etc/deep")).unwrap();
    fs::write(root.join("etc/deep/file"), "content").unwrap();
    fs::write(root.join("su"), "#!").unwrap();
    chown(root.join("su"), Some(12), Some(3_000_000)).unwrap();
    fs::set_permissions(root.join("su"), PermissionsExt::from_mode(0o4755)).unwrap();
    fs::hard_link(root.join("su"), root.join("etc/sudo")).unwrap();
    symlink("../nowhere", root.join("etc/link")).unwrap();
    fs::hard_link(root.join("etc/link"), root.join("zlink")).unwrap();
    fs::write(root.join("ping"), "ping").unwrap();
    set_attribute(&root.join("ping"), "security.capability", CAPABILITY);
    set_attribute(&root.join("ping"), "user.note", b"a\nb=c");
    set_attribute(&root.join("ping"), "trusted.overlay.origin", b"x");
    let long = "l".repeat(200);
    fs::create_dir(root.join(&long)).unwrap();
    fs::write(root.join(&long).join("x".repeat(255)), vec![7; 1000]).unwrap();
    fs::create_dir(root.join("hidden")).unwrap();
    set_attribute(&root.join("hidden"), "trusted.overlay.opaque", b"y");
    set_attribute(&root.join("etc"), "trusted.overlay.impure", b"y");
    node(&root, "gone", FileType::CharacterDevice, 0);
    // The kernel makes further whiteouts as links to the first.
    fs::hard_link(root.join("gone"), root.join("etc/gone")).unwrap();
    node(&root, "disk", FileType::BlockDevice, makedev(259, 70_000));
    node(&root, "pipe", FileType::Fifo, 0);
    let sparse = File::create(root.join("sparse")).unwrap();
    sparse.set_len(3 << 20).unwrap();
    set_time(&root.join("ping"), -5, 0);
    set_time(&root.join("etc/link"), 1_234_567_890, 0);
    root
}

type Facts = (u32, u32, u32, u64, Vec<u8>, BTreeMap<String, Vec<u8>>);

/// Everything that a layer keeps, by name; seconds of times only.
fn facts(root: &Path) -> BTreeMap<String, (Facts, i64)> {
    let mut all = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let stat = path.symlink_metadata().unwrap();
            let content = if stat.is_file() {
                fs::read(&path).unwrap()
            } else if stat.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                target.into_os_string().into_encoded_bytes()
            } else {
                Vec::new()
            };
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let whiteout = stat.mode() & 0o170_000 == 0o020_000 && stat.rdev() == 0;
            let fact = if whiteout {
                ((0, 0, 0, 0, Vec::new(), BTreeMap::new()), 0)
            } else {
                let (mode, device) = (stat.mode(), stat.rdev());
                let known = (mode, stat.uid(), stat.gid(), device, content, xattrs(&path));
                (known, stat.mtime())
            };
            all.insert(name.to_owned(), fact);
            if stat.is_dir() {
                todo.push(path);
            }
        }
    }
    all
}

fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut list = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut list[..]).unwrap();
    let names = list[..length].split(|b| *b == 0).filter(|n| !n.is_empty());
    names
        .map(|name| {
            let mut value = vec![0; 4096];
            let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
            value.truncate(length);
            (String::from_utf8(name.to_vec()).unwrap(), value)
        })
        .filter(|(name, _)| !name.starts_with("security.selinux"))
        .collect()
}

fn tree_of(bench: &Bench, layer: &Layer) -> PathBuf {
    bench
        .root()
        .join("layers")
        .join(layer.diff_id.hex())
        .join("fs")
}

fn config_of(layers: &[&Layer]) -> Vec<u8> {
    let ids: Vec<String> = layers.iter().map(|l| l.diff_id.to_string()).collect();
    let text = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": ids},
    });
    serde_json::to_vec(&text).unwrap()
}

fn add(bench: &Bench, layers: &[&Layer], name: &str) -> Digest {
    let ids: Vec<Digest> = layers.iter().map(|layer| layer.diff_id.clone()).collect();
    let names = [name.parse().unwrap()];
    let config = config_of(layers);
    bench.store.add_image(&config, &ids, &names).unwrap()
}

#[test]
fn an_upper_directory_becomes_a_layer_by_rename_and_its_tar_unpacks_to_the_same() {
    let Some(bench) = Bench::new("an_upper_directory_becomes_a_layer") else {
        return;
    };
    let workspace = bench.store.workspace().unwrap();
    let root = upper(&workspace);
    let _socket = UnixListener::bind(root.join("etc/socket")).unwrap();
    set_time(&root.join("etc"), 77, 5);
    let inode = root.join("ping").metadata().unwrap().ino();
    let layer = bench.store.commit_tree(&root, None).unwrap();
    assert!(!root.exists());
    drop(workspace);
    bench.assert_clean();

    let tree = tree_of(&bench, &layer);
    assert_eq!(tree.join("ping").metadata().unwrap().ino(), inode);
    let kept = facts(&tree);
    assert!(!kept.contains_key("etc/socket"));
    assert_eq!(tree.join("etc").metadata().unwrap().mtime(), 77);
    let names: Vec<&String> = kept["ping"].0.5.keys().collect();
    assert_eq!(names, ["security.capability", "user.note"]);
    assert!(kept["etc"].0.5.is_empty());

    // Saved without a blob, loaded elsewhere: the same files, and the layer packs the same again.
    add(&bench, &[&layer], "made");
    let hex = layer.diff_id.hex();
    assert!(!bench.root().join("blobs/sha256").join(hex).exists());
    let mut tar = Vec::new();
    let chosen = ["made".to_owned()];
    bench
        .store
        .save(&chosen, &mut tar, SaveFormat::Combined)
        .unwrap();
    let other = tempfile::tempdir().unwrap();
    let elsewhere = Store::open(other.path()).unwrap();
    elsewhere.load(&tar[..]).unwrap();
    let unpacked = elsewhere.get("made").unwrap().layers[0].clone();
    assert_eq!(facts(&unpacked), kept);
    let link = |name: &str| unpacked.join(name).symlink_metadata().unwrap().ino();
    assert_eq!(link("su"), link("etc/sudo"));
    assert_eq!(link("zlink"), link("etc/link"));
    let again = bench.store.commit_copy(&unpacked, &IdShift::default());
    assert_eq!(again.unwrap(), layer);
}

#[test]
fn the_same_tree_is_the_same_layer_and_the_second_one_is_dropped() {
    let Some(bench) = Bench::new("the_same_tree_is_the_same_layer") else {
        return;
    };
    let workspace = bench.store.workspace().unwrap();
    let make = || {
        let root = workspace.directory("upper").unwrap();
        fs::set_permissions(&root, PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(root.join("a"), "1").unwrap();
        // Later than the epoch.
        set_time(&root.join("a"), 2_000_000_000, 3);
        fs::create_dir(root.join("b")).unwrap();
        bench.store.commit_tree(&root, Some(1_000)).unwrap()
    };
    let (first, second) = (make(), make());
    assert_eq!(first, second);
    let tree = tree_of(&bench, &first);
    assert_eq!(tree.join("a").metadata().unwrap().mtime(), 1_000);
    assert_eq!(tree.join("a").metadata().unwrap().mtime_nsec(), 0);
    assert_eq!(tree.join("b").metadata().unwrap().mtime(), 1_000);
    assert_eq!(names(&bench.root().join("layers")).len(), 1);
}

#[test]
fn an_empty_tree_is_the_layer_that_everybody_knows_as_empty() {
    let Some(bench) = Bench::new("an_empty_tree") else {
        return;
    };
    let workspace = bench.store.workspace().unwrap();
    let root = workspace.directory("upper").unwrap();
    fs::set_permissions(&root, PermissionsExt::from_mode(0o755)).unwrap();
    let layer = bench.store.commit_tree(&root, None).unwrap();
    let empty = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
    assert_eq!((layer.diff_id.as_str(), layer.tar_size), (empty, 1024));
}

#[test]
fn a_copy_tells_owners_as_the_container_sees_them_and_leaves_the_tree_alone() {
    let Some(bench) = Bench::new("a_copy_tells_owners") else {
        return;
    };
    let workspace = bench.store.workspace().unwrap();
    let root = workspace.directory("upper").unwrap();
    chown(&root, Some(100_000), Some(100_000)).unwrap();
    fs::set_permissions(&root, PermissionsExt::from_mode(0o755)).unwrap();
    fs::write(root.join("a"), "1").unwrap();
    chown(root.join("a"), Some(100_007), Some(100_008)).unwrap();
    let range = IdRange {
        inside: 0,
        outside: 100_000,
        size: 65_536,
    };
    let ids = IdShift {
        uids: vec![range],
        gids: vec![range],
    };
    let layer = bench.store.commit_copy(&root, &ids).unwrap();
    let made = tree_of(&bench, &layer).join("a").metadata().unwrap();
    assert_eq!((made.uid(), made.gid()), (7, 8));
    let tree = tree_of(&bench, &layer).metadata().unwrap();
    assert_eq!((tree.uid(), tree.gid()), (0, 0));
    assert_eq!(root.join("a").metadata().unwrap().uid(), 100_007);
}

#[test]
fn an_image_points_to_the_blobs_that_its_base_came_as() {
    let Some(bench) = Bench::new("an_image_points_to_the_blobs") else {
        return;
    };
    let packed = gzip(&Tar::default().file("base", b"1").finish());
    bench.import(&packed, "base");
    let plain = Tar::default().file("base", b"1").finish();
    let base = Layer {
        diff_id: Digest::of(&plain),
        size: 1,
        tar_size: plain.len() as u64,
    };
    let workspace = bench.store.workspace().unwrap();
    let root = workspace.directory("upper").unwrap();
    fs::write(root.join("top"), "22").unwrap();
    let top = bench.store.commit_tree(&root, None).unwrap();
    let id = add(&bench, &[&base, &top], "made");
    let image = bench.store.get("made").unwrap();
    assert_eq!((image.id.as_str(), image.size), (id.as_str(), 3));
    let manifest = bench.root().join("blobs/sha256");
    let digest: Digest = image.manifest_digest.parse().unwrap();
    let text = fs::read(manifest.join(digest.hex())).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let layers = &manifest["layers"];
    assert_eq!(layers[0]["digest"], Digest::of(&packed).to_string());
    assert!(layers[0]["mediaType"].as_str().unwrap().ends_with("+gzip"));
    assert_eq!(layers[1]["digest"], top.diff_id.to_string());
    assert_eq!(layers[1]["size"], top.tar_size);
    assert!(layers[1]["mediaType"].as_str().unwrap().ends_with(".tar"));

    // Without its own name the base's blob stays: the new image points to it.
    drop(workspace);
    bench.remove("base", false, &[]).unwrap();
    let chosen = ["made".to_owned()];
    let mut tar = Vec::new();
    bench
        .store
        .save(&chosen, &mut tar, SaveFormat::Combined)
        .unwrap();
    let other = tempfile::tempdir().unwrap();
    let loaded = Store::open(other.path()).unwrap();
    loaded.load(&tar[..]).unwrap();
    assert_eq!(loaded.get("made").unwrap().id, id.to_string());
}

#[test]
fn a_layers_blob_stays_as_long_as_the_layer() {
    let Some(bench) = Bench::new("a_layers_blob_stays") else {
        return;
    };
    let packed = gzip(&Tar::default().file("base", b"1").finish());
    let id = bench.import(&packed, "base");
    let users = [ImageUser {
        container_id: "c".repeat(64),
        running: false,
        image_id: id,
    }];
    bench.remove("base", true, &users).unwrap();
    // The container's image can still be built upon.
    let plain = Tar::default().file("base", b"1").finish();
    let ids = [Digest::of(&plain)];
    let config = config(&[&plain]);
    let names = ["again".parse().unwrap()];
    bench.store.add_image(&config, &ids, &names).unwrap();
    let mut tar = Vec::new();
    let chosen = ["again".to_owned()];
    bench
        .store
        .save(&chosen, &mut tar, SaveFormat::Combined)
        .unwrap();
}

#[test]
fn nothing_is_swept_while_the_store_is_held() {
    let Some(bench) = Bench::new("nothing_is_swept_while_held") else {
        return;
    };
    let hold = bench.store.hold().unwrap();
    let layer = {
        let workspace = bench.store.workspace().unwrap();
        let root = workspace.directory("upper").unwrap();
        fs::write(root.join("f"), "").unwrap();
        bench.store.commit_tree(&root, None).unwrap()
    };
    let id = bench.store.add_config(&config_of(&[&layer])).unwrap();
    bench.collect(&[]);
    let state = bench.store.get_kept(id.as_str()).unwrap();
    assert_eq!(state.layers, [tree_of(&bench, &layer)]);
    drop(hold);
    bench.collect(&[]);
    assert!(bench.store.get_kept(id.as_str()).is_err());
    bench.assert_empty();
}

#[test]
fn what_no_layer_can_hold_is_refused_and_nothing_stays() {
    let Some(bench) = Bench::new("what_no_layer_can_hold") else {
        return;
    };
    let refused = |text: &str, make: &dyn Fn(&Path)| {
        let workspace = bench.store.workspace().unwrap();
        let root = workspace.directory("upper").unwrap();
        make(&root);
        let error = bench.store.commit_tree(&root, None).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(!root.exists());
        drop(workspace);
        bench.assert_clean();
        assert!(names(&bench.root().join("layers")).is_empty());
    };
    refused(".wh.", &|root| fs::write(root.join(".wh.x"), "").unwrap());
    refused("elsewhere", &|root| {
        fs::create_dir(root.join("d")).unwrap();
        set_attribute(&root.join("d"), "trusted.overlay.redirect", b"/etc");
    });
    refused("contains \"=\"", &|root| {
        fs::write(root.join("f"), "").unwrap();
        set_attribute(&root.join("f"), "user.a=b", b"");
    });
    refused("larger than 64 GiB", &|root| {
        let file = File::create(root.join("f")).unwrap();
        file.set_len((64 << 30) + 1).unwrap();
    });
    let absent = Digest::of(b"absent");
    let layer = Layer {
        diff_id: absent.clone(),
        size: 0,
        tar_size: 0,
    };
    let error = bench.store.add_image(&config_of(&[&layer]), &[absent], &[]);
    assert!(matches!(error, Err(AddImageError::Missing(_))));
    let error = bench.store.add_image(&config_of(&[&layer]), &[], &[]);
    assert!(matches!(error, Err(AddImageError::Layers)));
}
