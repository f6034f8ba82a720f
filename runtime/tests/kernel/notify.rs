//! Filters that ask somebody: the descriptor, what comes with it, and answers.

#![allow(
    unsafe_code,
    reason = "the ioctls of a seccomp listener have no safe wrapper"
)]

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use oci_spec::runtime::LinuxSeccomp;
use rbox_runtime::container::State;
use rbox_runtime::lifecycle::{Root, Status};
use rbox_runtime::{ExecRequest, Stdio, exec};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::{Value, json};

use super::lifecycle::{ended, options};
use crate::support::{Trial, alpine, apart, end, leave, pipe, read_all, reap, sleeper};

/// The kernel's `struct seccomp_notif`.
#[repr(C)]
#[derive(Default)]
struct Question {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    architecture: u32,
    instruction: u64,
    arguments: [u64; 6],
}

/// The kernel's `struct seccomp_notif_resp`.
#[repr(C)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// Answers the next question with this error, 0 for none.
fn answer(filter: &OwnedFd, error: i32) {
    assert!(decide(filter, |_| Some(error)));
}

/// Answers the next question by the number of the call; `None` lets it happen.
/// False when nobody is left to ask.
fn decide(filter: &OwnedFd, error: impl FnOnce(i64) -> Option<i32>) -> bool {
    const RECEIVE: u64 = 0xc050_2100;
    const SEND: u64 = 0xc018_2101;
    const CONTINUE: u32 = 1;
    let mut question = Question::default();
    // SAFETY: the structure is valid for writes, and as large as the number says.
    let received = unsafe { libc::ioctl(filter.as_raw_fd(), RECEIVE, &raw mut question) };
    if received != 0 {
        let error = std::io::Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        return false;
    }
    assert!(question.pid > 0);
    let error = error(question.number.into());
    let answer = Answer {
        id: question.id,
        value: 0,
        error: -error.unwrap_or(0),
        flags: if error.is_none() { CONTINUE } else { 0 },
    };
    // SAFETY: as above, for reads.
    let sent = unsafe { libc::ioctl(filter.as_raw_fd(), SEND, &raw const answer) };
    assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
    true
}

/// Somebody who listens in a file of the trial.
fn agent(trial: &Trial) -> (UnixListener, PathBuf) {
    let path = trial.extra().join("agent");
    (UnixListener::bind(&path).unwrap(), path)
}

/// Asks about mkdir, allows the rest.
fn profile(path: &Path, rules: Value) -> LinuxSeccomp {
    let json = json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path,
        "listenerMetadata": "for the agent", "syscalls": rules,
        "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"]});
    serde_json::from_value(json).unwrap()
}

fn asks_about(names: &[&str]) -> Value {
    json!([{"names": names, "action": "SCMP_ACT_NOTIFY"}])
}

/// The one message of the next connection, and the descriptor in it.
fn accept(listener: &UnixListener) -> (Value, OwnedFd) {
    let (connection, _) = listener.accept().unwrap();
    let mut text = Vec::new();
    let mut descriptor = None;
    loop {
        let mut buffer = [0; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&connection, &mut parts, &mut control, flags).unwrap();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                assert!(text.is_empty(), "it comes with the first part");
                descriptor = descriptors.last();
            }
        }
        if received.bytes == 0 {
            break;
        }
        text.extend_from_slice(&buffer[..received.bytes]);
    }
    (serde_json::from_slice(&text).unwrap(), descriptor.unwrap())
}

#[test]
fn the_agent_gets_the_state_and_decides() {
    let Some(image) = alpine("notify::the_agent_gets_the_state") else {
        return;
    };
    apart("the_agent_gets_the_state", || {
        let mut trial = Trial::shell(&image, "mkdir /x; mkdir /y; ls -d /x /y");
        let (listener, path) = agent(&trial);
        trial
            .spec
            .set_annotations(Some([("a".into(), "b".into())].into()));
        trial.linux(|linux| {
            linux.set_seccomp(Some(profile(&path, asks_about(&["mkdir"]))));
        });
        let (running, out, err) = trial.start();
        let (message, filter) = accept(&listener);
        assert_eq!(message["fds"], json!(["seccompFd"]));
        assert_eq!(message["pid"], running.pid);
        assert_eq!(message["metadata"], "for the agent");
        assert_eq!(message["state"]["id"], trial.id.as_str());
        assert_eq!(message["state"]["status"], "created");
        assert_eq!(message["state"]["pid"], running.pid);
        assert_eq!(message["state"]["annotations"], json!({"a": "b"}));
        assert_eq!(
            message["state"]["bundle"],
            trial.directory.path().to_str().unwrap()
        );
        assert_eq!(message["ociVersion"], message["state"]["ociVersion"]);
        // One is refused; the other is said to be done, and is not.
        answer(&filter, libc::EPROTO);
        answer(&filter, 0);
        drop(filter);
        let text = read_all(err);
        assert!(
            text.starts_with("mkdir: can't create directory '/x': Protocol error\n"),
            "{text}"
        );
        assert!(text.contains("ls: /y: No such file"), "{text}");
        assert_eq!(
            (read_all(out).as_str(), reap(running.pidfd.as_fd())),
            ("", 1)
        );
        running.cgroup.delete().unwrap();
    });
}

#[test]
fn a_filter_can_ask_about_what_the_runtime_does_last() {
    let Some(image) = alpine("notify::a_filter_can_ask_about") else {
        return;
    };
    apart("a_filter_can_ask_about", || {
        // The start waits for execve, so the agent is another process.
        let mut trial = Trial::new(&image, &["true"]);
        trial.user(1000, 1000);
        let (listener, path) = agent(&trial);
        trial.linux(|linux| {
            let names = [
                "write", "close", "capset", "prctl", "execve", "recvfrom", "sendto",
            ];
            linux.set_seccomp(Some(profile(&path, asks_about(&names))));
        });
        // SAFETY: this process has one thread.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let (_, filter) = accept(&listener);
            let refuses = |call| (call == libc::SYS_execve).then_some(libc::EPROTO);
            while decide(&filter, refuses) {}
            leave();
        }
        drop(listener);
        let text = trial.failure().1;
        assert_eq!(text, "exec /bin/true: protocol error");
        let pid = rustix::process::Pid::from_raw(child);
        rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
    });
}

#[test]
fn without_an_agent_nothing_starts() {
    let Some(image) = alpine("notify::without_an_agent") else {
        return;
    };
    apart("without_an_agent", || {
        let mut trial = Trial::shell(&image, "touch /ran");
        let path = trial.extra().join("nobody");
        trial.linux(|linux| {
            linux.set_seccomp(Some(profile(&path, asks_about(&["mkdir"]))));
        });
        let expected = format!(
            "connecting to seccomp listener {}: no such file or directory",
            path.display()
        );
        assert_eq!(trial.failure().1, expected);
        let root = Root::new(&trial.extra().join("run"));
        let container = root.create(options(&trial)).unwrap();
        assert_eq!(container.start().unwrap_err().to_string(), expected);
        assert_eq!(container.status(), Status::Created, "it can be tried again");
        let listener = UnixListener::bind(&path).unwrap();
        // It may have ended by the time that its message is read.
        let pid = container.pid();
        container.start().unwrap();
        let (message, _filter) = accept(&listener);
        assert_eq!(message["pid"], pid);
        assert_eq!(message["state"]["status"], "created");
        assert_eq!(ended(&container), 0);
        container.delete(false).unwrap();
        assert!(trial.upper().join("ran").exists());
    });
}

#[test]
fn a_later_process_asks_too() {
    let Some(image) = alpine("notify::a_later_process_asks") else {
        return;
    };
    apart("a_later_process_asks", || {
        let (first, running) = sleeper(&image);
        let (listener, path) = agent(&first);
        let profile = profile(&path, asks_about(&["mkdir"]));
        let trial = Trial::shell(&image, "mkdir /x 2>&1");
        let (out, stdout) = pipe();
        let bundle = first.directory.path();
        let process = exec(ExecRequest {
            seccomp: Some(&profile),
            state: Some(State::new(
                &first.id,
                bundle,
                &first.spec,
                Status::Running,
                running.pid,
            )),
            ..ExecRequest::new(
                running.pid,
                &running.cgroup,
                trial.spec.process().as_ref().unwrap(),
                Stdio::Fds {
                    stdin: std::fs::File::open("/dev/null").unwrap().into(),
                    stderr: stdout.try_clone().unwrap(),
                    stdout,
                },
            )
        });
        let process = process.unwrap();
        let (message, filter) = accept(&listener);
        assert_eq!(message["pid"], process.pid);
        assert_eq!(message["state"]["pid"], running.pid);
        assert_eq!(message["state"]["status"], "running");
        answer(&filter, libc::EPROTO);
        let text = read_all(out);
        assert_eq!(text, "mkdir: can't create directory '/x': Protocol error\n");
        assert_eq!(reap(process.pidfd.as_fd()), 1);
        end(&running);
    });
}

#[test]
fn a_profile_that_would_stop_the_runtime_itself_is_refused() {
    let Some(image) = alpine("notify::a_profile_that_would_stop") else {
        return;
    };
    apart("a_profile_that_would_stop", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.linux(|linux| {
            linux.set_seccomp(Some(profile(Path::new("/a"), asks_about(&["sendmsg"]))));
        });
        assert_eq!(
            trial.failure().1,
            "SCMP_ACT_NOTIFY needs sendmsg to be allowed: \
             by it the process hands the descriptor over"
        );
        trial.linux(|linux| {
            let mut profile = profile(Path::new("/a"), asks_about(&["mkdir"]));
            profile.set_listener_path(None).set_listener_metadata(None);
            linux.set_seccomp(Some(profile));
        });
        assert_eq!(
            trial.failure().1,
            "linux.seccomp.listenerPath: SCMP_ACT_NOTIFY needs one"
        );
    });
}
