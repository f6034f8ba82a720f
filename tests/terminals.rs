//! Real terminals: `-it`, sizes, detaching, and a terminal that is given back
//! whatever happens to its client.

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Host, Terminal, eventually};

/// ctrl-p ctrl-q.
const DETACH: &str = "\x10\x11";

fn terminal(host: &Host, arguments: &[&str]) -> Terminal {
    Terminal::start(&host.command(arguments))
}

/// The command that runs on the terminal, once it is there.
fn client(terminal: &Terminal) -> Pid {
    let leader = terminal.leader();
    let path = format!("/proc/{leader}/task/{leader}/children");
    eventually("the client to start", || {
        let children = std::fs::read_to_string(&path).ok()?;
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    })
}

#[test]
fn a_shell_on_a_terminal_has_its_size_and_follows_it() {
    let host = Host::new();
    let mut screen = terminal(&host, &["run", "--rm", "-it", "alpine"]);
    screen.expect("# ");
    assert!(
        !screen.is_cooked(),
        "keys go to the container's own terminal"
    );
    screen.send("echo $TERM; tty; stty size\r");
    screen.expect("\r\nxterm\r\n/dev/pts/0\r\n24 80\r\n");
    screen.resize(40, 132);
    screen.send("until [ \"$(stty size)\" = '40 132' ]; do usleep 20000; done; echo $((40+2))\r");
    screen.expect("\r\n42\r\n");
    screen.expect("# ");
    screen.send("exit 3\r");
    screen.expect("exit 3");
    assert!(eventually("the terminal as it was", || screen
        .is_cooked()
        .then_some(true)));
    assert_eq!(screen.wait(), 3);
}

#[test]
fn end_of_file_ends_the_shell_and_control_c_reaches_what_runs() {
    let host = Host::new();
    let mut screen = terminal(&host, &["run", "--rm", "-it", "--name", "keys", "alpine"]);
    screen.expect("# ");
    screen.send("sleep 1000\r");
    eventually("sleep in the foreground", || {
        let table = host.ok("exec keys ps -o args");
        table.lines().any(|line| line == "sleep 1000").then_some(())
    });
    screen.send("\x03");
    screen.expect("^C");
    screen.expect("# ");
    screen.send("\x04");
    // ash's own word for a command that SIGINT ended.
    assert_eq!(screen.wait(), 130);
}

#[test]
fn detach_and_attach_again_as_often_as_one_likes() {
    let host = Host::new();
    let mut screen = terminal(&host, &["run", "-it", "--name", "h4det", "alpine"]);
    screen.expect("# ");
    screen.send("X=1\r");
    screen.expect("# ");
    screen.send(DETACH);
    assert_eq!(screen.wait(), 0, "detaching is no failure of run");
    assert_eq!(host.ok("inspect -f {{.State.Status}} h4det"), "running");

    let mut screen = terminal(&host, &["attach", "h4det"]);
    screen.send("echo X is $X\r");
    screen.expect("\r\nX is 1\r\n");
    screen.send(DETACH);
    screen.expect("read escape sequence\r\n");
    assert!(screen.is_cooked());
    assert_eq!(screen.wait(), 1);

    let mut screen = terminal(&host, &["attach", "h4det"]);
    screen.send("exit 4\r");
    assert_eq!(screen.wait(), 4);

    let mut screen = terminal(&host, &["start", "-ai", "h4det"]);
    screen.expect("# ");
    screen.send("echo again\r");
    screen.expect("\r\nagain\r\n");
    screen.send("exit 5\r");
    assert_eq!(screen.wait(), 5);
    let logs = host.ok("logs h4det");
    assert!(
        logs.contains("X is 1\r\n") && logs.contains("\nagain\r\n"),
        "{logs:?}"
    );
}

#[test]
fn an_attaching_client_brings_its_own_size() {
    let host = Host::new();
    host.ok("run -dit --name h4sh alpine");
    let mut screen = terminal(&host, &["attach", "h4sh"]);
    screen.send("stty size\r");
    screen.expect("\r\n24 80\r\n");
    screen.resize(50, 100);
    screen.send("until [ \"$(stty size)\" = '50 100' ]; do usleep 20000; done; echo $((40+2))\r");
    screen.expect("\r\n42\r\n");
    screen.send(DETACH);
    assert_eq!(screen.wait(), 1);
}

#[test]
fn other_detach_keys_can_be_chosen_and_broken_ones_are_refused() {
    let host = Host::new();
    let mut screen = terminal(
        &host,
        &[
            "run",
            "-it",
            "--name",
            "h4k",
            "--detach-keys",
            "ctrl-a,d",
            "alpine",
        ],
    );
    screen.expect("# ");
    // The default keys mean nothing now: the shell gets them.
    screen.send(DETACH);
    screen.send("echo still here\r");
    screen.expect("\r\nstill here\r\n");
    screen.send("\x01d");
    assert_eq!(screen.wait(), 0);
    assert_eq!(host.ok("inspect -f {{.State.Status}} h4k"), "running");
    let text = host.fails(125, "run --rm --detach-keys bogus alpine true");
    assert!(
        text.starts_with("rbox: invalid detach keys (bogus): "),
        "{text}"
    );
    assert_eq!(
        host.ok("ps -a --format {{.Names}}"),
        "h4k",
        "nothing was created"
    );
}

#[test]
fn exec_has_terminals_too() {
    let host = Host::new();
    let id = host.ok("run -dit --name h4sh alpine");
    let mut screen = terminal(&host, &["exec", "-it", "h4sh", "sh"]);
    screen.expect("# ");
    assert!(!screen.is_cooked());
    screen.send("stty size; hostname; echo $TERM\r");
    screen.expect(&format!("\r\n24 80\r\n{}\r\nxterm\r\n", &id[..12]));
    screen.resize(30, 90);
    screen.send("until [ \"$(stty size)\" = '30 90' ]; do usleep 20000; done; echo $((40+2))\r");
    screen.expect("\r\n42\r\n");
    screen.send("exit 6\r");
    assert_eq!(screen.wait(), 6);
    let mut screen = terminal(&host, &["exec", "-it", "h4sh", "sh"]);
    screen.expect("# ");
    screen.send(DETACH);
    screen.expect("read escape sequence\r\n");
    assert!(screen.is_cooked());
    assert_eq!(screen.wait(), 1);
    let mut screen = terminal(&host, &["exec", "-it", "h4sh", "nosuch"]);
    screen.expect("executable file not found in $PATH");
    assert_eq!(screen.wait(), 127);
}

#[test]
fn a_killed_client_gives_the_terminal_back_and_the_container_runs_on() {
    let host = Host::new();
    host.ok("run -dit --name h4sh alpine");
    for arguments in [
        &["run", "-it", "--name", "h4kill", "alpine"][..],
        &["attach", "h4sh"],
        &["exec", "-it", "h4sh", "sh"],
    ] {
        for number in [Signal::KILL, Signal::TERM] {
            let mut screen = terminal(&host, arguments);
            screen.send("\r");
            screen.expect("# ");
            eventually("raw mode", || (!screen.is_cooked()).then_some(()));
            kill_process(client(&screen), number).unwrap();
            eventually("the terminal back", || screen.is_cooked().then_some(()));
            assert_ne!(screen.wait(), 0);
            if arguments[0] == "run" {
                assert_eq!(host.ok("inspect -f {{.State.Status}} h4kill"), "running");
                host.ok("rm -f h4kill");
            }
        }
    }
    assert_eq!(host.ok("inspect -f {{.State.Status}} h4sh"), "running");
}

#[test]
fn a_terminal_without_a_person_is_refused() {
    let host = Host::new();
    let text = "rbox: the input device is not a TTY";
    assert_eq!(host.fails(1, "run --rm -it alpine true"), text);
    assert_eq!(host.ok("ps -aq"), "", "nothing was created");
    host.ok("run -dit --name h4sh alpine");
    assert_eq!(host.fails(1, "exec -it h4sh true"), text);
    assert_eq!(host.fails(1, "attach h4sh"), text);
    // Detached, or without stdin, a terminal needs nobody.
    assert_eq!(
        host.rbox(&["run", "--rm", "-t", "alpine", "tty"]).ok(),
        "/dev/pts/0\r"
    );
    assert_eq!(
        host.sh("echo x | $RBOX attach --no-stdin --sig-proxy=false h4sh & sleep 0; kill $!")
            .code,
        0
    );
}

#[test]
fn a_terminal_of_the_client_alone_stays_as_it_is() {
    let host = Host::new();
    // No -t: lines are edited and echoed here, and their end is the container's.
    let mut screen = terminal(&host, &["run", "--rm", "-i", "alpine", "cat"]);
    screen.send("line\r");
    screen.expect("line\r\nline\r\n");
    assert!(screen.is_cooked());
    screen.send("\x04");
    assert_eq!(screen.wait(), 0);
    let mut screen = terminal(&host, &["logs", "-f", "nosuch"]);
    screen.expect("No such container: nosuch");
    assert_eq!(screen.wait(), 1);
}
