//! Archives that try to get out, or that are broken.

use std::io::Read;

use rbox_images::ImportOptions;
use tar::EntryType;

use crate::Bench;
use crate::archive::{Node, Tar, gzip, record};

/// Imports and expects a refusal that says `text`, with nothing left behind.
fn refused(what: &str, tar: &[u8], text: &str) {
    let Some(bench) = Bench::new(what) else {
        return;
    };
    let error = bench
        .store
        .import(tar, &ImportOptions::default())
        .expect_err(what)
        .to_string();
    assert!(error.contains(text), "{what}: {error:?} lacks {text:?}");
    bench.assert_empty();
}

#[test]
fn names_that_lead_out_are_refused() {
    for (name, text) in [
        ("/etc/passwd", "absolute"),
        ("../outside/file", "\"..\""),
        ("a/../../outside/file", "\"..\""),
        ("a/..", "\"..\""),
        ("", "empty"),
    ] {
        refused(
            name,
            &Tar::default()
                .file("fine", b"x")
                .file(name, b"evil")
                .finish(),
            text,
        );
    }
    let long = "d/".repeat(3000) + "f";
    refused(
        "long",
        &Tar::default().file(&long, b"").finish(),
        "too long",
    );
    refused(
        "component",
        &Tar::default().file(&"n".repeat(300), b"").finish(),
        "too long",
    );
}

#[test]
fn whiteouts_of_nothing_are_refused() {
    for name in [
        ".wh.",
        ".wh..",
        ".wh...",
        "a/.wh...",
        ".wh..wh.x",
        ".wh.a/b",
    ] {
        refused(
            name,
            &Tar::default().dir("a").file(name, b"").finish(),
            "whiteout names no file",
        );
    }
}

#[test]
fn links_among_the_parents_never_lead_out() {
    let Some(bench) = Bench::new("links_among_the_parents_never_lead_out") else {
        return;
    };
    let outside = bench.outside();
    let outside = outside.to_str().unwrap();
    for (target, text) in [
        (outside, "leads nowhere in this layer"),
        ("../../../../../../outside", "out of the layer"),
        ("../outside", "out of the layer"),
        ("nowhere", "leads nowhere"),
        ("link", "too many symbolic links"),
    ] {
        let evil = Tar::default()
            .symlink("link", target)
            .file("link/file", b"evil")
            .finish();
        refused(target, &evil, text);
        let deep = Tar::default()
            .symlink("link", target)
            .file("link/a/b/c", b"evil")
            .finish();
        refused(target, &deep, text);
        let whiteout = Tar::default()
            .symlink("link", target)
            .file("link/.wh.file", b"")
            .finish();
        refused(target, &whiteout, text);
        let opaque = Tar::default()
            .symlink("link", target)
            .file("link/.wh..wh..opq", b"");
        refused(target, &opaque.finish(), text);
        let linked = Tar::default()
            .symlink("link", target)
            .hardlink("got", "link/file")
            .finish();
        refused(target, &linked, text);
    }
    bench.import(&Tar::default().file("x", b"").finish(), "x");
    bench.assert_clean();
}

#[test]
fn hard_links_stay_in_the_layer() {
    for (target, text) in [
        ("/etc/passwd", "leads out of the layer"),
        ("../outside/file", "leads out of the layer"),
        ("a/../../x", "leads out of the layer"),
        ("nosuch", "not in this layer"),
        ("nosuch/file", "not in this layer"),
        ("dir", "leads to a directory"),
        (".", "leads to a directory"),
        ("", "leads out of the layer"),
    ] {
        refused(
            target,
            &Tar::default().dir("dir").hardlink("got", target).finish(),
            text,
        );
    }
}

#[test]
fn a_file_written_over_a_link_replaces_the_link() {
    let Some(bench) = Bench::new("a_file_written_over_a_link_replaces_the_link") else {
        return;
    };
    let target = bench.outside().join("file");
    let target = target.to_str().unwrap();
    let tar = Tar::default()
        .symlink("link", target)
        .file("link", b"evil")
        .symlink("again", target)
        .hardlink("hard", "again")
        .file("hard", b"evil")
        .symlink("device", target)
        .put(&Node {
            name: "device",
            kind: EntryType::Fifo,
            ..Node::default()
        })
        .symlink("dir", bench.outside().to_str().unwrap())
        .dir("dir")
        .file("dir/file", b"evil")
        .finish();
    bench.import(&tar, "x");
    bench.assert_clean();
    let tree = bench.tree("x");
    assert_eq!(std::fs::read(tree.join("link")).unwrap(), b"evil");
    assert_eq!(std::fs::read(tree.join("dir/file")).unwrap(), b"evil");
    assert!(tree.join("again").is_symlink());
}

#[test]
fn files_below_links_inside_the_layer_are_fine() {
    let Some(bench) = Bench::new("files_below_links_inside_the_layer_are_fine") else {
        return;
    };
    let tar = Tar::default()
        .dir("usr/lib")
        .symlink("lib", "usr/lib")
        .file("lib/a", b"relative")
        .dir("run")
        .dir("var")
        .symlink("var/run", "/run")
        .file("var/run/b", b"absolute")
        .symlink("var/up", "../usr")
        .file("var/up/lib/new/c", b"made")
        .hardlink("var/run/d", "lib/a")
        .finish();
    bench.import(&tar, "x");
    let tree = bench.tree("x");
    for (path, text) in [
        ("usr/lib/a", "relative"),
        ("run/b", "absolute"),
        ("usr/lib/new/c", "made"),
        ("run/d", "relative"),
    ] {
        assert_eq!(std::fs::read_to_string(tree.join(path)).unwrap(), text);
    }
    bench.assert_clean();
}

#[test]
fn later_members_replace_earlier_ones() {
    let Some(bench) = Bench::new("later_members_replace_earlier_ones") else {
        return;
    };
    let tar = Tar::default()
        .dir("d")
        .file("d/inner/deep", b"x")
        .file("d", b"now a file")
        .file("f", b"first")
        .file("f", b"second")
        .file("g", b"file")
        .dir("g")
        .file("g/h", b"below")
        .finish();
    bench.import(&tar, "x");
    let tree = bench.tree("x");
    assert_eq!(std::fs::read(tree.join("d")).unwrap(), b"now a file");
    assert_eq!(std::fs::read(tree.join("f")).unwrap(), b"second");
    assert_eq!(std::fs::read(tree.join("g/h")).unwrap(), b"below");
}

#[test]
fn nothing_can_stand_in_the_place_of_the_layer_itself() {
    for kind in [
        EntryType::Regular,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
    ] {
        let node = Node {
            name: "./",
            kind,
            link: "/etc",
            ..Node::default()
        };
        // A regular file whose name ends in a slash is a directory, in the oldest tars.
        if kind != EntryType::Regular {
            refused(
                "root",
                &Tar::default().put(&node).finish(),
                "the layer's own directory",
            );
        }
        let dot = Node { name: ".", ..node };
        refused(
            "root",
            &Tar::default().put(&dot).finish(),
            "the layer's own directory",
        );
    }
    let parent = Tar::default().file("a", b"x").file("a/b", b"y").finish();
    refused("file as parent", &parent, "not a directory");
}

#[test]
fn overlayfs_own_attributes_are_not_taken_from_archives() {
    let Some(bench) = Bench::new("overlayfs_own_attributes_are_not_taken_from_archives") else {
        return;
    };
    let node = Node {
        name: "dir",
        kind: EntryType::Directory,
        mode: 0o755,
        xattrs: &[
            ("trusted.overlay.redirect", b"/etc"),
            ("trusted.kept", b"1"),
        ],
        ..Node::default()
    };
    bench.import(&Tar::default().put(&node).finish(), "x");
    let mut list = Vec::with_capacity(1000);
    let path = bench.tree("x").join("dir");
    rustix::fs::listxattr(&path, rustix::buffer::spare_capacity(&mut list)).unwrap();
    assert_eq!(list, b"trusted.kept\0");
}

#[test]
fn broken_archives_are_refused() {
    let good = Tar::default().file("a", &[7; 5000]).finish();
    refused("empty", b"", "the archive to import is empty");
    refused("junk", b"junk\n", "unexpected EOF");
    refused("junk", &[b'j'; 2000], "invalid tar header");
    refused("cut", &good[..3000], "unexpected EOF");
    let packed = gzip(&good);
    refused(
        "cut gzip",
        &packed[..packed.len() - 9],
        "error processing tar file",
    );
    let mut flipped = packed.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    refused("flipped gzip", &flipped, "error processing tar file");
    let zstd = zstd::encode_all(&good[..], 3).unwrap();
    refused(
        "cut zstd",
        &zstd[..zstd.len() - 5],
        "error processing tar file",
    );
    refused("xz", b"\xfd7zXZ\0aaaaaaaaaaa", "compressed with xz");
    let unknown = Node {
        name: "x",
        kind: EntryType::new(b'V'),
        ..Node::default()
    };
    refused(
        "kind",
        &Tar::default().put(&unknown).finish(),
        "unknown type",
    );
}

#[test]
fn a_damaged_checksum_after_the_last_file_is_noticed() {
    let mut packed = gzip(&Tar::default().file("a", b"x").finish());
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    refused("crc", &packed, "error processing tar file");
}

#[test]
fn headers_that_would_fill_memory_are_refused_at_once() {
    let header = |kind: u8, size: u64| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(EntryType::new(kind));
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    for kind in [b'x', b'L', b'K'] {
        let Some(bench) = Bench::new("headers_that_would_fill_memory_are_refused_at_once") else {
            return;
        };
        let gigabytes = header(kind, 7 << 30);
        let endless = gigabytes.chain(std::io::repeat(b'a'));
        let error = bench
            .store
            .import(endless, &ImportOptions::default())
            .unwrap_err();
        assert!(error.to_string().contains("too large"), "{error}");
        bench.assert_empty();
    }
}

#[test]
fn a_sparse_file_claims_its_size_without_taking_it() {
    use std::os::unix::fs::MetadataExt as _;
    let Some(bench) = Bench::new("a_sparse_file_claims_its_size_without_taking_it") else {
        return;
    };
    let mut records = Vec::new();
    record(&mut records, "GNU.sparse.major", b"1");
    record(&mut records, "GNU.sparse.minor", b"0");
    record(&mut records, "GNU.sparse.name", b"holes");
    record(&mut records, "GNU.sparse.realsize", b"1099511627776");
    let mut data = b"1\n1048576\n4\n".to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"data");
    let pax = Node {
        kind: EntryType::XHeader,
        data: &records,
        ..Node::default()
    };
    let tar = Tar::default()
        .put(&pax)
        .file("GNUSparseFile.1/holes", &data)
        .file("after", b"y");
    bench.import(&tar.finish(), "x");
    let found = std::fs::metadata(bench.tree("x").join("holes")).unwrap();
    assert_eq!(found.len(), 1 << 40);
    assert!(found.blocks() * 512 < 1 << 20);
    let mut start = vec![0; (1 << 20) + 4];
    let mut file = std::fs::File::open(bench.tree("x").join("holes")).unwrap();
    file.read_exact(&mut start).unwrap();
    assert_eq!(&start[1 << 20..], b"data");
    assert_eq!(std::fs::read(bench.tree("x").join("after")).unwrap(), b"y");
}

#[test]
fn a_tree_too_deep_for_descriptors_comes_and_goes() {
    let Some(bench) = Bench::new("a_tree_too_deep_for_descriptors_comes_and_goes") else {
        return;
    };
    let deep = "d/".repeat(2000) + "f";
    bench.import(&Tar::default().file(&deep, b"x").finish(), "x");
    let broken = Tar::default().file(&deep, b"y").file("..", b"").finish();
    bench
        .store
        .import(&broken[..], &ImportOptions::default())
        .unwrap_err();
    bench.remove("x", false, &[]).unwrap();
    bench.assert_empty();
}

#[test]
fn a_deep_path_is_walked_with_few_descriptors() {
    let Some(bench) = Bench::new("a_deep_path_is_walked_with_few_descriptors") else {
        return;
    };
    // The second file's directory is missing below 1900 levels that exist.
    let deep = "d/".repeat(1900);
    let tar = Tar::default()
        .file(&format!("{deep}f"), b"x")
        .symlink("link", &deep)
        .file(&format!("{deep}new/f"), b"y")
        .file("link/newer/f", b"z")
        .finish();
    bench.import(&tar, "x");
    let image = bench.store.get("x").unwrap();
    assert_eq!(image.size, 3);
    bench.remove("x", false, &[]).unwrap();
    bench.assert_empty();
}
