//! Images and volumes that attack through what the engine does for them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{Host, archive};

/// A host with Alpine under another name and with these changes.
fn with_image(name: &str, changes: &[&str]) -> Host {
    let host = Host::without_images();
    let archive = archive("alpine-3.23.tar.gz");
    let archive = archive.to_str().unwrap();
    let mut words = vec!["import"];
    for change in changes {
        words.extend(["--change", change]);
    }
    words.extend([archive, name]);
    let output = host.rbox(&words);
    assert_eq!(output.code, 0, "{output:?}");
    host
}

/// CVE-2019-16884: a volume in place of /proc would take all restrictions that
/// are written there.
#[test]
fn no_volume_is_mounted_over_proc() {
    let host = Host::new();
    let volume = host.scratch().join("volume");
    fs::create_dir_all(volume.join("self/attr")).unwrap();
    for (path, reason) in [
        ("/proc", "it is not of type proc"),
        ("/proc/sys", "it is inside /proc"),
        ("/proc/self/attr", "it is inside /proc"),
    ] {
        let volume = format!("{}:{path}", volume.display());
        let output = host.rbox(&["run", "--rm", "-v", &volume, "alpine", "true"]);
        let refused = output.code == 127 || output.code == 125 || output.code == 126;
        assert!(
            refused && output.stderr.contains(reason),
            "{path}: {output:?}"
        );
    }
    assert_eq!(host.ok("ps -aq"), "");
    let shown = host.shell(
        "-v /proc:/host/proc:ro",
        "test -d /host/proc/1 && echo shown",
    );
    assert_eq!(shown.ok(), "shown");
}

/// An image that asks for one does not get it either.
#[test]
fn an_image_has_no_say_over_proc() {
    for path in ["/proc", "/proc/self/attr"] {
        let host = with_image("evil", &[&format!("VOLUME {path}")]);
        let script = "stat -f -c %T /proc /proc/self/attr";
        let output = host.rbox(&["run", "--rm", "evil", "sh", "-c", script]);
        let refused = output.code != 0 && output.stderr.contains("cannot be mounted");
        assert!(
            refused || output.stdout == "proc\nproc\n",
            "{path}: {output:?}"
        );
    }
}

/// CVE-2022-23648: what a volume is filled with is the image's, wherever its
/// path climbs.
#[test]
fn an_image_volume_that_climbs_is_filled_with_nothing_of_the_host() {
    let host = Host::new();
    let secret = host.write("prey/secret", "the host's");
    let directory = secret.strip_suffix("/secret").unwrap().to_owned();
    drop(host);
    for path in [
        format!("/../../../../../../../..{directory}"),
        format!("/etc/../../../..{directory}"),
        "/../../../../../../etc".to_owned(),
    ] {
        let host = with_image("evil", &[&format!("VOLUME {path}")]);
        host.write("prey/secret", "the host's");
        let script = "cat /proc/self/mountinfo; find / -name secret -o -name shadow | xargs cat";
        let output = host.rbox(&["run", "--rm", "evil", "sh", "-c", script]);
        assert!(!output.stdout.contains("the host's"), "{output:?}");
        let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
        let own = shadow
            .lines()
            .find(|line| !line.is_empty())
            .unwrap_or("no such line");
        assert!(!output.stdout.contains(own), "{path}: the host's shadow");
    }
}

/// CVE-2022-36109: the primary group is a supplementary one as well, so that no
/// program can shed it.
#[test]
fn the_primary_group_cannot_be_shed() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    for (user, groups) in [("1000:1000", "1000"), ("1000", "0"), ("nobody", "65534")] {
        let script = "awk '/^Groups/ {print $2}' /proc/self/status";
        assert_eq!(host.shell(&format!("-u {user}"), script).ok(), groups);
        let inside = host.rbox(&["exec", "-u", user, "box", "sh", "-c", script]);
        assert_eq!(inside.ok(), groups, "{user}");
    }
}

/// CVE-2021-41091, CVE-2021-41103: setuid programs of images, and the secrets of
/// containers, are on the host's disk.
#[test]
fn what_is_on_disk_is_not_for_the_hosts_other_users() {
    let host = Host::without_images();
    let archive = archive("alpine-3.23.tar.gz");
    host.ok(&format!("import {} own", archive.display()));
    host.ok("run -d --name box own sleep 1000");
    // The test's own directory would hide what is below from others.
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(host.root().parent().unwrap(), open).unwrap();
    let own = host.root().join("containers").join(host.id("box"));
    for path in [host.root().join("images"), own, host.run_root()] {
        let output = Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .args(["ls", path.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{output:?}"
        );
    }
}
