//! What copies look like, and what the cache's key sees of it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::time::{Duration, SystemTime};

use crate::Bench;
use rbox_images::copy::Owner;

fn set_mode(path: impl AsRef<std::path::Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn copies_belong_to_root_and_keep_modes_and_times() {
    let Some(bench) = Bench::new("copies_belong_to_root_and_keep_modes_and_times") else {
        return;
    };
    let file = bench.file("context/tree/sub/run", "x");
    let then = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000, 123_456_789);
    fs::File::open(&file).unwrap().set_modified(then).unwrap();
    chown(&file, Some(1000), Some(1000)).unwrap();
    set_mode(&file, 0o4750);
    let sub = bench.path("context/tree/sub");
    set_mode(&sub, 0o2711);
    fs::File::open(&sub).unwrap().set_modified(then).unwrap();
    set_mode(bench.path("context/tree"), 0o700);
    bench.copy(&["tree", "/app"]).unwrap();
    assert_eq!(bench.owner_and_mode("app"), (0, 0, 0o755));
    assert_eq!(bench.owner_and_mode("app/sub"), (0, 0, 0o2711));
    assert_eq!(bench.owner_and_mode("app/sub/run"), (0, 0, 0o4750));
    assert_eq!(bench.stat("app/sub").modified().unwrap(), then);
    assert_eq!(bench.stat("app/sub/run").modified().unwrap(), then);
}

#[test]
fn chown_and_chmod_are_for_all_that_is_made() {
    let Some(bench) = Bench::new("chown_and_chmod_are_for_all_that_is_made") else {
        return;
    };
    bench.file("context/tree/sub/a", "x");
    bench.link("context/tree/link", "sub/a");
    set_mode(bench.path("context/tree/sub"), 0o700);
    set_mode(bench.path("context/tree/sub/a"), 0o600);
    let owner = Some(Owner { uid: 10, gid: 20 });
    bench
        .copy_with(&["tree", "/x/y"], owner, Some("u=rwX,go=rX"))
        .unwrap();
    for directory in ["x", "x/y", "x/y/sub"] {
        assert_eq!(
            bench.owner_and_mode(directory),
            (10, 20, 0o755),
            "{directory}"
        );
    }
    assert_eq!(bench.owner_and_mode("x/y/sub/a"), (10, 20, 0o644));
    assert_eq!(bench.stat("x/y/link").uid(), 10);
    bench
        .copy_with(&["tree/sub/a", "/z"], None, Some("4711"))
        .unwrap();
    assert_eq!(bench.owner_and_mode("z"), (0, 0, 0o4711));
}

#[test]
fn links_holes_pipes_and_attributes_are_kept() {
    let Some(bench) = Bench::new("links_holes_pipes_and_attributes_are_kept") else {
        return;
    };
    let one = bench.file("context/tree/one", "same");
    fs::hard_link(&one, bench.path("context/tree/two")).unwrap();
    bench.link("context/tree/dangling", "/no/where");
    let sparse = bench.path("context/tree/sparse");
    fs::File::create(&sparse)
        .unwrap()
        .set_len(64 << 20)
        .unwrap();
    let tree = bench.path("context/tree");
    let pipe = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, tree.join("pipe"), pipe, mode, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.join("socket")).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    // CAP_NET_RAW, permitted and effective (VFS_CAP_REVISION_2).
    let capability = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    rustix::fs::setxattr(&one, "security.capability", &capability, flags).unwrap();
    bench.copy(&["tree", "/app"]).unwrap();
    let expected = [
        "app/",
        "app/dangling",
        "app/one",
        "app/pipe",
        "app/sparse",
        "app/two",
    ];
    assert_eq!(bench.layer(), expected);
    assert_eq!(bench.stat("app/one").ino(), bench.stat("app/two").ino());
    assert_eq!(bench.stat("app/sparse").len(), 64 << 20);
    assert!(bench.stat("app/sparse").blocks() < 100);
    assert!(bench.stat("app/pipe").file_type().is_fifo());
    let copied = bench.path("upper/app/one");
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(&copied, "security.capability", &mut value).unwrap();
    assert_eq!(value[..length], capability);
    let target = fs::read_link(bench.path("upper/app/dangling")).unwrap();
    assert_eq!(target.to_str().unwrap(), "/no/where");
}

#[test]
fn large_files_are_copied_whole() {
    let Some(bench) = Bench::new("large_files_are_copied_whole") else {
        return;
    };
    let content: String = (0..400_000).map(|n| format!("{n:08}")).collect();
    bench.file("context/big", &content);
    bench.copy(&["big", "/big"]).unwrap();
    assert!(bench.text("big") == content);
}

#[test]
fn the_digest_is_of_contents_and_metadata_but_not_of_times() {
    let Some(bench) = Bench::new("the_digest_is_of_contents_and_metadata") else {
        return;
    };
    let file = bench.file("context/tree/a", "content");
    bench.link("context/tree/link", "a");
    let digest = || bench.checksum(&["tree"]).unwrap();
    let first = digest();
    assert_eq!(digest(), first);
    fs::File::open(&file)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH)
        .unwrap();
    chown(&file, Some(99), Some(99)).unwrap();
    set_mode(bench.path("context/tree"), 0o711);
    assert_eq!(digest(), first, "times, owners, the top directory's mode");
    let mut seen = vec![first];
    let mut differs = |what: &str| {
        let now = digest();
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    fs::write(&file, "Content").unwrap();
    differs("content");
    set_mode(&file, 0o755);
    differs("mode");
    fs::rename(&file, bench.path("context/tree/b")).unwrap();
    differs("name");
    fs::remove_file(bench.path("context/tree/link")).unwrap();
    differs("link gone");
    bench.link("context/tree/link", "b");
    differs("link target");
    bench.directory("context/tree/empty");
    differs("empty directory");
    let flags = rustix::fs::XattrFlags::empty();
    let file = bench.path("context/tree/b");
    rustix::fs::setxattr(&file, "security.capability", &CAPABILITY, flags).unwrap();
    differs("attribute");
    // One file apart is not the same as one file inside.
    assert_ne!(bench.checksum(&["tree/b"]), bench.checksum(&["tree"]));
}

const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn many_files_have_one_digest_whoever_reads_them() {
    let Some(bench) = Bench::new("many_files_have_one_digest_whoever_reads_them") else {
        return;
    };
    for number in 0..3000 {
        let content = "x".repeat(number);
        bench.file(&format!("context/many/{}/{number}", number % 7), &content);
    }
    let first = bench.checksum(&["many"]).unwrap();
    assert_eq!(bench.checksum(&["many"]).unwrap(), first);
    bench.file("context/many/3/1501", "changed");
    assert_ne!(bench.checksum(&["many"]).unwrap(), first);
}
