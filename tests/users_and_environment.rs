//! Who the process is, where it starts, what it runs and what it is told.

use crate::harness::Host;

const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[test]
fn the_user_inside_is_root_unless_said_otherwise() {
    let host = Host::new();
    for (options, expected) in [
        (
            "",
            "uid=0(root) gid=0(root) groups=0(root),1(bin),2(daemon),3(sys),4(adm),6(disk),\
             10(wheel),11(floppy),20(dialout),26(tape),27(video) /root",
        ),
        ("-u 1000", "uid=1000 gid=0(root) groups=0(root) /"),
        ("-u 1000:1000", "uid=1000 gid=1000 groups=1000 /"),
        (
            "-u nobody",
            "uid=65534(nobody) gid=65534(nobody) groups=65534(nobody) /",
        ),
        (
            "-u nobody:tty",
            "uid=65534(nobody) gid=5(tty) groups=5(tty) /",
        ),
        (
            "-u 0:100 --group-add 5 --group-add video",
            "uid=0(root) gid=100(users) groups=5(tty),27(video),100(users) /root",
        ),
    ] {
        assert_eq!(
            host.shell(options, "echo $(id) $HOME").ok(),
            expected,
            "{options}"
        );
    }
}

#[test]
fn unknown_users_and_groups_are_refused() {
    let host = Host::new();
    for (options, text) in [
        (
            "-u nosuch",
            "unable to find user nosuch: no matching entries in passwd file",
        ),
        (
            "-u 1234:nosuch",
            "unable to find group nosuch: no matching entries in group file",
        ),
        (
            "--group-add nosuch",
            "unable to find group nosuch: no matching entries in group file",
        ),
        (
            "-u 4294967295",
            "uids and gids must be in range 0-2147483647",
        ),
    ] {
        let error = host.shell(options, "true").fails(125);
        assert_eq!(error, format!("rbox: {text}{RUN_HELP}"));
    }
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn the_working_directory_is_made() {
    let host = Host::new();
    let script = "pwd; stat -c '%a %u:%g' .";
    assert_eq!(host.shell("-w /new/dir", script).ok(), "/new/dir\n755 0:0");
    assert_eq!(
        host.shell("-w /new/dir -u 1000", script).ok(),
        "/new/dir\n755 0:0"
    );
    assert_eq!(host.shell("-u 1000", "pwd").ok(), "/");
    assert_eq!(
        host.shell("-w relative", "true").fails(125),
        format!(
            "rbox: the working directory 'relative' is invalid, it needs to be an absolute \
             path{RUN_HELP}"
        )
    );
    let error = host.shell("-w /etc/passwd", "true").fails(125);
    assert!(
        error.contains("mkdir /etc/passwd: not a directory"),
        "{error}"
    );
}

#[test]
fn the_entrypoint_is_replaced_or_cleared() {
    let host = Host::new();
    assert_eq!(host.ok("run --rm --entrypoint /bin/echo alpine a b"), "a b");
    // The image's CMD goes with its entrypoint.
    assert_eq!(host.ok("run --rm --entrypoint echo alpine"), "");
    let cleared = ["run", "--rm", "--entrypoint", "", "alpine"];
    assert_eq!(
        host.rbox(&[&cleared[..], &["echo", "from-cmd"]].concat())
            .ok(),
        "from-cmd"
    );
    let error = host.rbox(&cleared).fails(125);
    assert!(error.starts_with("rbox: no command specified\n"), "{error}");
    let error = host
        .rbox(&["run", "--rm", "--entrypoint", "echo x", "alpine", "y"])
        .fails(127);
    assert!(
        error.contains("exec: \"echo x\": executable file not found in $PATH"),
        "{error}"
    );
}

#[test]
fn variables_come_in_dockers_order() {
    let host = Host::new();
    let run = |options: &[&str]| {
        let all = [&["run", "--rm", "-h", "box"], options, &["alpine", "env"]].concat();
        let mut command = host.command(&all);
        command.env("B", "from client").env("HOST_VAR", "hv");
        let output = crate::harness::Output::new("env".into(), command.output().unwrap());
        output.ok()
    };
    assert_eq!(run(&[]), format!("{PATH}\nHOSTNAME=box\nHOME=/root"));
    assert_eq!(
        run(&["-e", "B", "-e", "UNSET", "-e", "A B=1"]),
        format!("{PATH}\nHOSTNAME=box\nB=from client\nA B=1\nHOME=/root")
    );
    assert_eq!(
        run(&[
            "-e",
            "PATH=/usr/bin",
            "-e",
            "HOME=/x",
            "-e",
            "X=1",
            "-e",
            "X=2",
            "-e",
            "HOSTNAME=y"
        ]),
        "PATH=/usr/bin\nHOSTNAME=y\nHOME=/x\nX=2"
    );
    let file = host.write(
        "env",
        "# comment\nX=1\nY=two words\nZ=\"q\"\n\n  W=lead\nEMPTY=\nHOST_VAR\nUNSET\n",
    );
    assert_eq!(
        run(&["--env-file", &file, "-e", "X=9"]),
        format!(
            "{PATH}\nHOSTNAME=box\nX=9\nY=two words\nZ=\"q\"\nW=lead\nEMPTY=\nHOST_VAR=hv\n\
             HOME=/root"
        )
    );
}

#[test]
fn bad_variables_are_refused() {
    let host = Host::new();
    let error = host.ok_to_fail("-e =x");
    assert!(error.starts_with(
        "invalid argument \"=x\" for \"-e, --env\" flag: invalid environment variable: =x\n\n\
         Usage:  rbox run [OPTIONS] IMAGE [COMMAND] [ARG...]"
    ));
    let file = host.write("env", "bad name=1\n");
    assert_eq!(
        host.ok_to_fail(&format!("--env-file {file}")),
        format!(
            "rbox: invalid env file ({file}): variable 'bad name' contains whitespaces{RUN_HELP}"
        )
    );
    assert_eq!(
        host.ok_to_fail("--env-file /nosuch"),
        format!("rbox: open /nosuch: no such file or directory{RUN_HELP}")
    );
}

#[test]
fn labels_come_from_the_line_and_from_a_file() {
    let host = Host::new();
    let file = host.write("labels", "a=1\n# c\nb\n");
    host.ok(&format!(
        "create --name box --label-file {file} --label c=3 -l d alpine"
    ));
    let labels = host
        .rbox(&["inspect", "-f", "{{json .Config.Labels}}", "box"])
        .ok();
    assert_eq!(labels, r#"{"a":"1","c":"3","d":""}"#, "b is not set here");
    assert_eq!(
        host.ok("ps -a --filter label=c=3 --format {{.Names}}"),
        "box"
    );
    assert_eq!(host.ok("ps -a --filter label=c=4 --format {{.Names}}"), "");
}

impl Host {
    fn ok_to_fail(&self, options: &str) -> String {
        self.shell(options, "true").fails(125)
    }
}
