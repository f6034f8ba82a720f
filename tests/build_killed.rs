//! A build is killed: its containers end and are gone, and nothing stays mounted.

use std::process::{Child, Stdio};
use std::time::Instant;

use crate::harness::{Host, eventually};

const LONG: &str = "FROM alpine\nRUN --mount=type=cache,target=/c,sharing=locked \
                    --mount=type=bind,from=alpine,source=/etc,target=/e,rw \
                    touch /e/x; echo begun; sleep 1000\n";

fn start(host: &Host, text: &str) -> Child {
    let file = host.write("Dockerfile", text);
    let context = host.scratch().join("context");
    std::fs::create_dir_all(&context).unwrap();
    let context = context.to_str().unwrap();
    host.command(&["build", "--progress", "plain", "-f", &file, context])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn runs(host: &Host) {
    eventually("the container", || {
        (!host.ok("ps -q --filter label=rbox.build").is_empty()).then_some(())
    });
}

#[test]
fn killed_it_takes_its_container_along() {
    let host = Host::with_own_images();
    let mut client = start(&host, LONG);
    runs(&host);
    client.kill().unwrap();
    client.wait().unwrap();
    // Nobody looks after it: the monitor alone removes it.
    let containers = host.root().join("containers");
    eventually("the end of the container", || {
        (std::fs::read_dir(&containers).unwrap().count() == 0).then_some(())
    });
    host.nothing_is_left();
}

#[test]
fn interrupted_it_ends_at_once() {
    let host = Host::with_own_images();
    let mut client = start(&host, LONG);
    runs(&host);
    let begun = Instant::now();
    let pid = rustix::process::Pid::from_child(&client);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    client.wait().unwrap();
    assert!(begun.elapsed() < crate::harness::patience(5));
    host.nothing_is_left();
}

#[test]
fn killed_at_any_moment_it_leaves_nothing() {
    let host = Host::with_own_images();
    let text = "FROM alpine\nRUN --mount=type=cache,target=/c,sharing=locked echo x > /c/x\n";
    let begun = Instant::now();
    assert!(start(&host, text).wait().unwrap().success());
    let whole = begun.elapsed();
    for moment in 0..8 {
        let mut client = start(&host, &format!("{text}RUN echo {moment}\n"));
        std::thread::sleep(whole * moment / 8);
        let _ = client.kill();
        client.wait().unwrap();
        eventually("the end", || host.ok("ps -aq").is_empty().then_some(()));
        host.nothing_is_left();
    }
    assert!(start(&host, text).wait().unwrap().success());
}
