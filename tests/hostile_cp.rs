//! `cp` with containers that mean ill: links, devices, fifos, and directories that become links
//! while they are copied.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::time::{Duration, Instant};

use crate::harness::Host;

fn run(host: &Host, script: &str) {
    host.rbox(&["exec", "box", "sh", "-c", script]).ok();
}

/// A file of the host that nobody may get at, and what it says.
fn secret(host: &Host) -> String {
    host.write("secret/file", "secret\n")
}

#[test]
fn links_lead_nowhere_but_into_the_container() {
    let host = Host::new();
    let secret = secret(&host);
    host.ok("run -d --name box alpine sleep 1000");
    let up = "../".repeat(30);
    run(
        &host,
        &format!(
            "ln -s {secret} /absolute; ln -s {up}{secret} /up; ln -s / /top; ln -s /up /again"
        ),
    );
    let one = host.write("one", "one\n");
    let directory = std::path::Path::new(&secret).parent().unwrap();
    run(&host, &format!("ln -s {} /directory", directory.display()));
    for state in ["running", "stopped"] {
        let to = host.scratch().join(state);
        for link in ["/absolute", "/up", "/again"] {
            let said = host.fails(1, &format!("cp -L box:{link} {}", to.display()));
            assert!(said.contains("Could not find the file"), "{said}");
        }
        let said = host.fails(1, &format!("cp box:/directory/file {}", to.display()));
        assert!(said.contains("Could not find the file"), "{said}");
        let said = host.fails(1, &format!("cp {one} box:/directory/new"));
        assert!(said.contains("Could not find the file"), "{said}");
        assert!(!directory.join("new").exists());
        // The container's own root, by whatever way.
        host.ok(&format!(
            "cp box:/top/top/{up}etc/alpine-release {}",
            to.display()
        ));
        // A link that leads nowhere inside is written through inside.
        run_or_skip(&host, state);
        let said = host.rbox(&["cp", &one, "box:/absolute"]);
        assert_ne!(said.code, 0, "its directory is not in the container");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret\n");
        if state == "running" {
            host.ok("stop -t 0 box");
        }
    }
}

fn run_or_skip(host: &Host, state: &str) {
    if state == "running" {
        run(host, "true");
    }
}

#[test]
fn devices_and_privileges_stay_behind() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    run(
        &host,
        "mkdir /d; cd /d; mknod disk b 8 0; mknod zero c 1 5; mkfifo pipe; cp /bin/busybox root; \
         chmod 6755 root; mkdir group; chmod 2777 group; chmod 1777 /d",
    );
    let to = host.scratch().join("d");
    let copied = host.rbox(&["cp", "box:/d", to.to_str().unwrap()]);
    assert!(
        copied
            .stderr
            .contains("WARNING: 2 devices were left out: d/disk, d/zero"),
        "{copied:#?}"
    );
    copied.ok();
    assert!(!to.join("disk").exists() && !to.join("zero").exists());
    // Nobody waits at a pipe.
    assert!(fs::metadata(to.join("pipe")).unwrap().file_type().is_fifo());
    let mode = |name: &str| fs::metadata(to.join(name)).unwrap().mode() & 0o7777;
    assert_eq!(
        (mode("root"), mode("group"), mode(".")),
        (0o755, 0o777, 0o1777)
    );
    // Asked for by itself it is told, and nothing is made.
    let said = host.fails(1, "cp box:/etc/alpine-release /dev/null");
    assert_eq!(
        said,
        "rbox: invalid output path: \"/dev/null\" must be a directory or a regular file"
    );
    let lone = host.scratch().join("lone");
    host.rbox(&["cp", "box:/dev/null", lone.to_str().unwrap()])
        .ok();
    assert!(!lone.exists());
}

#[test]
fn the_kernels_own_files_are_nobodys_to_copy() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    let to = host.scratch().join("out");
    for path in ["/proc", "/proc/1/root", "/proc/self/environ", "/sys/kernel"] {
        let said = host.fails(1, &format!("cp box:{path} {}", to.display()));
        assert!(
            said.contains("it is the kernel's") || said.contains("Could not find"),
            "{path}: {said}"
        );
    }
    let one = host.write("one", "x");
    let said = host.fails(1, &format!("cp {one} box:/proc/sys/kernel/hostname"));
    assert!(said.contains("it is the kernel's"), "{said}");
    // All of it, but for those.
    host.ok(&format!("cp box:/ {}", to.display()));
    assert!(to.join("etc/alpine-release").exists());
    assert_eq!(fs::read_dir(to.join("proc")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(to.join("sys")).unwrap().count(), 0);
}

#[test]
fn a_file_that_claims_to_be_enormous_fills_no_disk() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    run(
        &host,
        "dd if=/dev/zero of=/huge bs=1 count=0 seek=8000000000000 2>/dev/null",
    );
    let to = host.scratch().join("huge");
    let said = host.fails(1, &format!("cp box:/huge {}", to.display()));
    assert!(
        said.contains("no space left") || said.contains("GiB at once"),
        "{said}"
    );
    assert!(!to.exists());
}

/// A directory of the container is now itself, now a link to the host's secret by its path there,
/// while it is copied out and into.
#[test]
fn a_directory_that_becomes_a_link_meanwhile_leads_nowhere() {
    let host = Host::new();
    let secret = secret(&host);
    let directory = std::path::Path::new(&secret).parent().unwrap();
    let target = format!("{}{}", "../".repeat(20), directory.display());
    host.ok("run -d --name box alpine sleep 1000");
    let script = format!(
        "mkdir /w /w/real; echo own > /w/real/file; ln -s {target} /w/link; \
         while :; do mv -T /w/real /w/d && mv -T /w/d /w/real; mv -T /w/link /w/d && \
         mv -T /w/d /w/link; done"
    );
    host.rbox(&["exec", "-d", "box", "sh", "-c", &script]).ok();
    let one = host.write("one/new", "new\n");
    let from = std::path::Path::new(&one).parent().unwrap();
    let begun = Instant::now();
    let mut seen = 0;
    let mut rounds = 0;
    while (seen < 3 || rounds < 40) && begun.elapsed() < Duration::from_secs(60) {
        rounds += 1;
        let to = host.scratch().join(format!("out-{rounds}"));
        // Fails as often as not: the names come and go.
        host.rbox(&["cp", "box:/w/d/file", to.to_str().unwrap()]);
        if let Ok(text) = fs::read_to_string(&to) {
            assert_eq!(text, "own\n", "a file of the host came out");
            seen += 1;
        }
        host.rbox(&["cp", &format!("{}/.", from.display()), "box:/w/d"]);
        host.rbox(&["cp", &one, "box:/w/d/new"]);
        assert!(!directory.join("new").exists(), "written to the host");
    }
    assert!(seen > 0, "nothing was ever copied: this tests nothing");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret\n");
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
}

#[test]
fn a_tar_from_elsewhere_stays_in_the_container() {
    let host = Host::new();
    let secret = secret(&host);
    let directory = std::path::Path::new(&secret).parent().unwrap();
    host.ok("run -d --name box alpine sleep 1000");
    let base = host.scratch().join("tar");
    fs::create_dir_all(base.join("a")).unwrap();
    std::os::unix::fs::symlink(directory, base.join("link")).unwrap();
    fs::write(base.join("a/new"), "new\n").unwrap();
    // `link` leads to the host's path, then a file below it.
    let script = format!(
        "cd {} && tar -cf ../evil.tar link && tar -rf ../evil.tar --transform s/^a/link/ a/new && \
         tar -cf ../up.tar -P --transform 's,^a,../../../../../..{},' a/new",
        base.display(),
        directory.display(),
    );
    host.sh(&script).ok();
    for archive in ["evil.tar", "up.tar"] {
        let path = host.scratch().join(archive);
        host.sh(&format!("$RBOX cp - box:/opt < {}", path.display()));
        assert!(!directory.join("new").exists(), "{archive}");
        let inside = format!("test ! -e {}/new", directory.display());
        run(&host, &inside);
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret\n");
}
