//! Terminals of the OCI runtime: relayed, or given away over a socket.

use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::json;

use crate::harness::bundle::{command, script};
use crate::harness::{Host, Runtime, Terminal};

fn with_terminal(spec: &mut serde_json::Value) {
    spec["process"]["terminal"] = json!(true);
}

#[test]
fn a_foreground_container_is_on_the_callers_terminal() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let text = "test -t 0 && test -t 1 && test -t 2 && echo tty; stty size; \
                read line; echo \"got $line\"; trap 'stty size; exit 4' WINCH; echo resize; \
                while :; do sleep 0.01; done";
    let bundle = runtime.bundle(|spec| {
        script(text)(spec);
        with_terminal(spec);
    });
    let mut terminal =
        Terminal::start(&runtime.command(&["run", "--bundle", bundle.path(), "box"]));
    terminal.expect("tty");
    terminal.expect("24 80");
    assert!(!terminal.is_cooked());
    terminal.send("hello\r");
    terminal.expect("got hello");
    terminal.expect("resize");
    terminal.resize(30, 100);
    terminal.expect("30 100");
    assert_eq!(terminal.wait(), 4);
}

#[test]
fn control_c_is_a_key_of_the_container() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["sleep", "1000"]));
    runtime.start("box", &bundle);
    let text = "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.01; done";
    let words = ["exec", "--tty", "box", "sh", "-c", text];
    let mut terminal = Terminal::start(&runtime.command(&words));
    terminal.expect("ready");
    terminal.send("\x03");
    terminal.expect("interrupted");
    assert_eq!(terminal.wait(), 5);
    runtime.ok(&["delete", "-f", "box"]);
}

#[test]
fn a_terminal_works_without_one_of_the_callers() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(|spec| {
        script("tty; read line; echo $line; head -c 100000 /dev/zero | tr '\\0' x")(spec);
        with_terminal(spec);
    });
    let input = host.write("input", "typed\n");
    let mut command = runtime.command(&["run", "--bundle", bundle.path(), "box"]);
    command.stdin(File::open(input).unwrap());
    let said = runtime.finish(command, "run").ok();
    assert!(said.contains("/dev/pts/0\r\n"), "{said:?}");
    // Its echo, at any time, and the answer.
    assert_eq!(said.matches("typed\r\n").count(), 2, "{said:?}");
    assert!(said.ends_with(&"x".repeat(100_000)));
}

/// Listens where a terminal is to be sent.
struct Receiver {
    listener: UnixListener,
    path: String,
}

impl Receiver {
    fn new(path: &Path) -> Receiver {
        Receiver {
            listener: UnixListener::bind(path).unwrap(),
            path: path.to_str().unwrap().to_owned(),
        }
    }

    fn receive(&self) -> File {
        let (stream, _) = self.listener.accept().unwrap();
        let mut bytes = [0u8; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        recvmsg(&stream, &mut buffers, &mut control, RecvFlags::empty()).unwrap();
        let found = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        found.expect("no descriptor came").into()
    }
}

/// All that is said on a terminal until its last user is gone.
fn read_all(mut master: &File) -> String {
    let mut text = Vec::new();
    let mut buffer = [0u8; 4096];
    while let Ok(count) = master.read(&mut buffer) {
        if count == 0 {
            break;
        }
        text.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_created_container_gives_its_terminal_over_the_socket() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(|spec| {
        script("stty size; read line; echo got $line")(spec);
        with_terminal(spec);
        spec["process"]["consoleSize"] = json!({ "height": 33, "width": 99 });
    });
    let socket = Receiver::new(&runtime.new_path("console"));
    for start in [&["create"][..], &["run", "--detach"]] {
        let words = [
            start,
            &[
                "--console-socket",
                &socket.path,
                "--bundle",
                bundle.path(),
                "box",
            ],
        ];
        runtime.ok(&words.concat());
        let mut master = socket.receive();
        if start == ["create"] {
            runtime.ok(&["start", "box"]);
        }
        master.write_all(b"word\n").unwrap();
        let said = read_all(&master);
        assert!(
            said.contains("33 99\r\n") && said.ends_with("got word\r\n"),
            "{said:?}"
        );
        runtime.wait_stopped("box");
        runtime.ok(&["delete", "box"]);
    }
}

#[test]
fn a_detached_process_gives_its_terminal_over_the_socket() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["sleep", "1000"]));
    runtime.start("box", &bundle);
    let socket = Receiver::new(&runtime.new_path("console"));
    runtime.ok(&[
        "exec",
        "-d",
        "-t",
        "--console-socket",
        &socket.path,
        "box",
        "sh",
        "-c",
        "tty; exit 3",
    ]);
    assert_eq!(read_all(&socket.receive()), "/dev/pts/0\r\n");
    runtime.ok(&["delete", "-f", "box"]);
}
