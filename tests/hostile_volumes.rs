//! Images and containers that attack through volumes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::harness::{Host, archive};

fn data(host: &Host, volume: &str) -> PathBuf {
    host.root().join("volumes").join(volume).join("_data")
}

/// What is at the VOLUME of the image is a link that leads far up: nothing of the host is copied,
/// and nothing is written there.
#[test]
fn a_link_in_the_place_of_a_volume_stays_inside() {
    let host = Host::with_own_images();
    let prey = host.scratch().join("prey");
    fs::create_dir(&prey).unwrap();
    fs::write(prey.join("secret"), "the host's").unwrap();
    let up = format!("/../../../../../../..{}", prey.display());
    host.build(
        &format!("FROM alpine\nRUN ln -s {up} /data\nVOLUME /data\n"),
        "-q -t evil",
    )
    .ok();
    for options in ["", "-v named:/data", "--userns auto"] {
        let mut words: Vec<&str> = vec!["run", "--rm"];
        words.extend(options.split_whitespace());
        words.extend(["evil", "sh", "-c", "ls -A /data; touch /data/x"]);
        assert_eq!(host.rbox(&words).ok(), "", "{options}");
    }
    assert_eq!(fs::read_dir(&prey).unwrap().count(), 1);
    // Copied as they are, links are followed by nobody.
    host.build(
        &format!("FROM alpine\nRUN mkdir /data && ln -s {up} /data/way && ln -s {up}/secret /data/file\nVOLUME /data\n"),
        "-q -t links",
    )
    .ok();
    host.ok("run --rm -v links:/data links true");
    for name in ["way", "file"] {
        let link = data(&host, "links").join(name);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

/// What a container leaves in a volume is not followed when it is counted, filled or removed.
#[test]
fn links_in_a_volume_lead_nobody_astray() {
    let host = Host::new();
    let prey = host.scratch().join("prey");
    fs::create_dir(&prey).unwrap();
    fs::write(prey.join("file"), vec![0; 100_000]).unwrap();
    host.ok("volume create trap");
    let up = format!("../../../../../../../../../..{}", prey.display());
    symlink(&up, data(&host, "trap").join("way")).unwrap();
    let usage = host
        .rbox(&["system", "df", "--format", "{{.Type}} {{.Size}}"])
        .ok();
    assert!(usage.contains("Local Volumes 0B"), "{usage}");
    let mount = "--mount src=trap,dst=/m,volume-subpath=way";
    let error = host.shell(mount, "true").fails(125);
    assert!(error.contains("cannot access path"), "{error}");
    assert_eq!(host.ok("volume rm trap"), "trap");
    assert!(prey.join("file").exists());
}

/// A tree that is nearly as deep as a path may be long.
#[test]
fn a_deep_tree_is_copied_and_removed() {
    let host = Host::with_own_images();
    let script = "mkdir /data && cd /data && for i in $(seq 200); do \
                  d=dddddddddddddddd; mkdir $d && cd $d || exit 1; done; echo deep > file";
    host.build(
        &format!("FROM alpine\nRUN {script}\nVOLUME /data\n"),
        "-q -t deep",
    )
    .ok();
    let find = "find /data -name file -exec cat {} +";
    let output = host.rbox(&["run", "--rm", "-v", "deep:/data", "deep", "sh", "-c", find]);
    assert_eq!(output.code, 0, "{output:?}");
    host.ok("volume rm deep");
    let left: Vec<_> = fs::read_dir(host.root().join("volumes"))
        .unwrap()
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Paths and numbers of VOLUME that make no sense.
#[test]
fn volumes_of_an_image_are_bounded() {
    let host = Host::without_images();
    let alpine = archive("alpine-3.23.tar.gz").display().to_string();
    let import = |name: &str, volumes: &[String]| {
        let mut words = vec!["import".to_owned()];
        for volume in volumes {
            words.extend(["--change".to_owned(), format!("VOLUME {volume}")]);
        }
        words.extend([alpine.clone(), name.to_owned()]);
        host.rbox(&words).ok();
    };
    import("root", &["/.".to_owned()]);
    let error = host.fails(125, "run --rm root true");
    assert!(
        error.contains("invalid specification: destination can't be '/'"),
        "{error}"
    );
    let many: Vec<String> = (0..1025).map(|number| format!("/v/{number}")).collect();
    import("many", &many);
    let error = host.fails(125, "run --rm many true");
    assert!(
        error.starts_with("rbox: the image has 1025 volumes: 1024 are the most"),
        "{error}"
    );
    assert!(!host.root().join("volumes").exists());
    assert_eq!(host.ok("ps -aq"), "");
}

/// A copy that was cut short is begun anew; one that was finished is only moved.
#[test]
fn a_copy_that_was_cut_short_is_not_taken_for_the_content() {
    let host = Host::with_own_images();
    host.build(
        "FROM alpine\nRUN mkdir /data && touch /data/a /data/b && chmod 700 /data\n",
        "-q -t two",
    )
    .ok();
    let volume = |name: &str| host.root().join("volumes").join(name);
    host.ok("volume create cut");
    fs::create_dir(volume("cut").join("_copy")).unwrap();
    fs::write(volume("cut").join("_copy/half"), "").unwrap();
    assert_eq!(host.ok("run --rm -v cut:/data two ls /data"), "a\nb");
    host.ok("volume create moved");
    fs::create_dir(volume("moved").join("_copied")).unwrap();
    fs::write(volume("moved").join("_copied/rest"), "").unwrap();
    fs::write(volume("moved").join("_data/first"), "").unwrap();
    assert_eq!(
        host.ok("run --rm -v moved:/data two ls /data"),
        "first\nrest"
    );
    for name in ["cut", "moved"] {
        let mut left: Vec<_> = fs::read_dir(volume(name))
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["_data", "volume.json"], "{name}");
    }
    // What nobody lived to make or to delete goes with the next removal.
    for name in [".making-x", ".removing-x"] {
        fs::create_dir(volume(name)).unwrap();
        fs::write(volume(name).join("file"), "").unwrap();
    }
    assert_eq!(host.ok("volume ls -q"), "cut\nmoved");
    host.ok("volume rm cut moved");
    assert_eq!(
        fs::read_dir(host.root().join("volumes")).unwrap().count(),
        0
    );
}
