//! `diff` and `export`: what a container changed, and all its files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use crate::harness::{Host, Terminal};

const CHANGES: &str = "touch /new; mkdir /d; touch /d/f; echo x >> /etc/profile; rm /etc/motd; \
                       rmdir /media/usb; chmod 700 /opt; rm -r /srv; mkdir /srv; touch /srv/g";

const LINES: &str = "A /d\nA /d/f\nC /etc\nD /etc/motd\nC /etc/profile\nC /media\nD /media/usb\n\
                     A /new\nC /opt\nC /srv\nA /srv/g";

#[test]
fn differences_are_told_while_it_runs_and_after() {
    let host = Host::new();
    let script = format!("{CHANGES}; sleep 1000");
    host.rbox(&[
        "run", "-d", "--init", "--name", "box", "alpine", "sh", "-c", &script,
    ])
    .ok();
    host.sh("until $RBOX exec box test -e /srv/g; do :; done")
        .ok();
    assert_eq!(host.ok("diff box"), LINES);
    host.ok("kill box");
    host.ok("wait box");
    assert_eq!(host.ok("container diff box"), LINES);
}

#[test]
fn a_container_that_changed_nothing_has_no_differences() {
    let host = Host::new();
    host.ok("create --name made alpine");
    host.ok("run --init --name ran alpine true");
    assert_eq!(host.ok("diff made"), "");
    assert_eq!(host.ok("diff ran"), "");
    host.ok("run --userns auto --name mapped alpine touch /f");
    assert_eq!(host.ok("diff mapped"), "A /f");
    assert_eq!(
        host.fails(1, "diff nosuch"),
        "rbox: No such container: nosuch"
    );
}

#[test]
fn a_directory_made_anew_hides_what_was_in_it() {
    let host = Host::new();
    let script = "rm -r /media; mkdir /media; touch /media/usb";
    host.rbox(&["run", "--name", "box", "alpine", "sh", "-c", script])
        .ok();
    assert_eq!(
        host.ok("diff box"),
        "C /media\nD /media/cdrom\nD /media/floppy\nC /media/usb"
    );
}

#[test]
fn an_export_is_what_the_container_sees() {
    let host = Host::with_own_images();
    let script = format!("{CHANGES}; ln /new /linked; chown 5:6 /new; sleep 1000");
    host.rbox(&["run", "-d", "--name", "box", "alpine", "sh", "-c", &script])
        .ok();
    host.sh("until $RBOX exec box sh -c '[ $(stat -c %u /new) = 5 ]'; do :; done")
        .ok();
    let tar = host.scratch().join("box.tar");
    host.ok(&format!("export -o {} box", tar.display()));
    assert_eq!(tar.metadata().unwrap().mode() & 0o777, 0o600);
    let piped = host.sh("$RBOX export box | tar tf - | sort");
    let listed = Command::new("tar").arg("tf").arg(&tar).output().unwrap();
    let mut listed: Vec<&str> = std::str::from_utf8(&listed.stdout)
        .unwrap()
        .lines()
        .collect();
    listed.sort_unstable();
    assert_eq!(piped.ok().lines().collect::<Vec<_>>().len(), listed.len());
    for name in [
        "new",
        "linked",
        "d/f",
        "bin/busybox",
        "etc/profile",
        "srv/g",
    ] {
        assert!(listed.contains(&name), "{name}");
    }
    for name in ["etc/motd", "media/usb/", "etc/.wh.motd", "./"] {
        assert!(!listed.contains(&name), "{name}");
    }
    host.ok(&format!("import {} flat", tar.display()));
    let look = "stat -c '%u:%g %h' /new; stat -c %a /opt; ls /etc/motd 2>&1 | wc -l; cat /etc/alpine-release";
    let flat = host.rbox(&["run", "--rm", "flat", "sh", "-c", look]).ok();
    let release = host.ok("run --rm alpine cat /etc/alpine-release");
    assert_eq!(flat, format!("5:6 2\n700\n1\n{release}"));
}

#[test]
fn owners_in_an_export_are_those_of_the_container() {
    let host = Host::with_own_images();
    let script = "touch /f; chown 7:8 /f";
    host.rbox(&[
        "run", "--name", "box", "--userns", "auto", "alpine", "sh", "-c", script,
    ])
    .ok();
    let tar = host.scratch().join("box.tar");
    host.ok(&format!("export --output {} box", tar.display()));
    host.ok(&format!("import {} flat", tar.display()));
    assert_eq!(
        host.ok("run --rm flat stat -c %u:%g /f /bin/busybox"),
        "7:8\n0:0"
    );
}

#[test]
fn an_export_goes_to_no_terminal_and_leaves_nothing_half_done() {
    let host = Host::new();
    host.ok("create --name box alpine");
    let mut terminal = Terminal::start(&host.command(&["export", "box"]));
    terminal.expect("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    assert_eq!(
        host.fails(1, "export nosuch -o x.tar"),
        "rbox: No such container: nosuch"
    );
    let nowhere = host.scratch().join("none/x.tar");
    let error = host.fails(1, &format!("export -o {} box", nowhere.display()));
    assert!(error.contains("invalid output path: directory"), "{error}");
    let out = host.scratch().join("out");
    fs::create_dir(&out).unwrap();
    host.fails(1, &format!("export -o {}/x.tar nosuch", out.display()));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}
