//! Mistakes about containers and images: each is named, ends with Docker's
//! exit code and changes nothing.

use crate::harness::Host;

/// What `run` adds to a refusal.
const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn what_run_refuses_is_named_and_nothing_is_made() {
    let host = Host::new();
    let long = "a".repeat(68);
    let cases: &[(&[&str], &str)] = &[
        (
            &["--pull", "never", "nosuchimage", "true"],
            "No such image: nosuchimage:latest",
        ),
        (
            &["--pull", "bogus", "alpine"],
            "invalid pull option: 'bogus': must be one of \"always\", \"missing\" or \"never\"",
        ),
        (
            &["Alpine", "true"],
            "invalid reference format: repository name (library/Alpine) must be lowercase",
        ),
        (&["alpine:bad tag", "true"], "invalid reference format"),
        (
            &["-w", "relative", "alpine", "pwd"],
            "the working directory 'relative' is invalid, it needs to be an absolute path",
        ),
        (
            &["-u", "nosuch", "alpine", "id"],
            "unable to find user nosuch: no matching entries in passwd file",
        ),
        (
            &["-u", "1234:nosuch", "alpine", "id"],
            "unable to find group nosuch: no matching entries in group file",
        ),
        (
            &["-v", "/x:relative", "alpine"],
            "invalid volume specification: '/x:relative': invalid mount config for type \"bind\": invalid mount path: 'relative' mount path must be absolute",
        ),
        (
            &["-v", "/:/", "alpine"],
            "invalid volume specification: '/:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
        ),
        (
            &["-v", "a:b:c:d", "alpine"],
            "invalid volume specification: 'a:b:c:d'",
        ),
        (&["-v", "/tmp:/x:bogus", "alpine"], "invalid mode: bogus"),
        (
            &["--mount", "type=bind,src=/nosuch,dst=/x", "alpine"],
            "invalid mount config for type \"bind\": bind source path does not exist: /nosuch",
        ),
        (
            &["--tmpfs", "/x:bogus", "alpine"],
            "invalid tmpfs option [\"bogus\"]",
        ),
        (
            &["--hostname", &long, "alpine"],
            "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: sethostname: invalid argument: unknown",
        ),
        (
            &["-m", "1m", "alpine"],
            "Minimum memory limit allowed is 6MB",
        ),
        (
            &["--memory-swap", "1g", "alpine"],
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        (
            &["-m", "20m", "--memory-swap", "10m", "alpine"],
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            &["--cap-add", "BOGUS", "alpine"],
            "invalid CapAdd: unknown capability: \"CAP_BOGUS\"",
        ),
        (
            &["--security-opt", "bogus=1", "alpine"],
            "invalid --security-opt 2: \"bogus=1\"",
        ),
        (
            &["--stop-signal", "BOGUS", "alpine"],
            "invalid signal: BOGUS",
        ),
        (
            &["--restart", "always", "alpine"],
            "conflicting options: cannot specify both --restart and --rm",
        ),
        (&["--pid", "bogus", "alpine"], "--pid: invalid PID mode"),
        (&["--ipc", "bogus", "alpine"], "Invalid IPC mode: bogus"),
        (&["--uts", "bogus", "alpine"], "--uts: invalid UTS mode"),
        (
            &["--link", "nosuch", "alpine"],
            "could not get container for nosuch: No such container: nosuch",
        ),
        (
            &["--network", "container:nosuch", "alpine"],
            "joining network namespace of container: No such container: nosuch",
        ),
        (
            &["--env-file", "/nosuch", "alpine"],
            "open /nosuch: no such file or directory",
        ),
    ];
    for (arguments, text) in cases {
        let words: Vec<&str> = ["run", "--rm"].iter().chain(*arguments).copied().collect();
        let output = host.rbox(&words);
        assert_eq!(output.stdout, "", "{arguments:?}");
        let stderr = output.fails(125);
        assert_eq!(stderr, format!("rbox: {text}{RUN_HELP}"), "{arguments:?}");
    }
    let text = host.fails(125, "run --rm --cpus 9999 alpine");
    assert!(
        text.starts_with("rbox: range of CPUs is from 0.01 to "),
        "{text}"
    );
    assert_eq!(host.ok("ps -aq"), "", "nothing is left of any of them");
}

#[test]
fn a_missing_image_is_told_with_a_way_to_get_it() {
    let host = Host::new();
    let text = host.fails(125, "run --rm nosuchimage true");
    assert!(
        text.starts_with("Unable to find image 'nosuchimage:latest' locally\nrbox: Get \"https://"),
        "{text}"
    );
    let text = host.fails(1, "create nosuchimage true");
    assert!(
        text.starts_with("Unable to find image 'nosuchimage:latest' locally\n"),
        "{text}"
    );
    assert!(!text.contains("--help"), "{text}");
    assert_eq!(
        host.fails(1, "rmi nosuch"),
        "rbox: No such image: nosuch:latest"
    );
    assert_eq!(
        host.fails(1, "image inspect nosuch").trim_end(),
        "rbox: No such image: nosuch:latest"
    );
}

#[test]
fn an_image_in_use_is_not_removed() {
    let host = Host::without_images();
    let archive = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/images/alpine-3.23.tar.gz"
    );
    let image = host.ok(&format!("import {archive} alpine"));
    let short = &image["sha256:".len()..][..12];
    assert_eq!(
        host.fails(125, "run --rm alpine"),
        format!(
            "rbox: no command specified\nhint: the image has no CMD: give a command after the \
             image{RUN_HELP}"
        )
    );
    let id = host.ok("create --name user alpine true");
    let text = host.fails(1, "rmi alpine");
    assert_eq!(
        text,
        format!(
            "rbox: conflict: unable to remove repository reference \"alpine\" (must force) - \
             container {} is using its referenced image {short}",
            &id[..12]
        )
    );
    assert_eq!(
        host.fails(1, &format!("rmi {short}")),
        format!(
            "rbox: conflict: unable to delete {short} (must be forced) - image is being used by \
             stopped container {}",
            &id[..12]
        )
    );
    host.ok("rm user");
    let removed = host.ok("rmi alpine");
    assert!(
        removed.starts_with("Untagged: alpine:latest\nDeleted: sha256:"),
        "{removed}"
    );
    assert_eq!(host.ok("images -q"), "");
}

#[test]
fn every_command_names_the_container_it_does_not_know() {
    let host = Host::new();
    for command in ["stop", "restart", "rm", "logs", "attach", "wait", "port"] {
        let output = host.rbox(&[command, "nosuch"]);
        assert_eq!(output.stdout, "", "{command}");
        assert_eq!(
            output.fails(1),
            "rbox: No such container: nosuch",
            "{command}"
        );
    }
    assert_eq!(
        host.fails(1, "exec nosuch true"),
        "rbox: No such container: nosuch"
    );
    for odd in ["../x", "..", "a/b", ".", "web\n"] {
        let output = host.rbox(&["stop", odd]);
        assert_eq!(
            output.fails(1).trim_end(),
            format!("rbox: No such container: {odd}").trim_end()
        );
    }
    let output = host.rbox(&["stop", ""]);
    assert_eq!(output.code, 1, "{output:#?}");
}

#[test]
fn flags_that_are_wrong_show_the_usage() {
    let host = Host::new();
    let usage = "\n\nUsage:  rbox run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n\
                 Run 'rbox run --help' for more information";
    for (line, text) in [
        ("run --bogus alpine", "unknown flag: --bogus"),
        ("run -z alpine", "unknown shorthand flag: 'z' in -z"),
        (
            "run --memory abc alpine",
            "invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'",
        ),
        ("run --memory", "flag needs an argument: --memory"),
        (
            "run --rm=maybe alpine",
            "invalid argument \"maybe\" for \"--rm\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
    ] {
        assert_eq!(host.fails(125, line), format!("{text}{usage}"), "{line}");
    }
    assert_eq!(
        host.fails(1, "run"),
        "rbox: 'rbox run' requires at least 1 argument\n\n\
         Usage:  rbox run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n\
         See 'rbox run --help' for more information"
    );
    assert_eq!(
        host.fails(1, "run -a stdout -d alpine true"),
        "rbox: conflicting options: cannot specify both --attach and --detach"
    );
    assert_eq!(
        host.fails(1, "bogus"),
        "rbox: unknown command: rbox bogus\n\nRun 'rbox --help' for more information"
    );
    assert_eq!(
        host.fails(1, "container bogus"),
        "rbox: unknown command: rbox container bogus\n\n\
         Usage:  rbox container\n\n\
         Run 'rbox container --help' for more information"
    );
}

#[test]
fn what_docker_has_and_rbox_has_not_is_refused_by_its_name() {
    let host = Host::new();
    for flag in [
        "--gpus",
        "--runtime",
        "--storage-opt",
        "--device-cgroup-rule",
    ] {
        let text = host.fails(125, &format!("run --rm {flag} x alpine true"));
        assert!(
            text.starts_with(&format!("rbox: unsupported flag: {flag}\n")),
            "{text}"
        );
        assert!(text.contains("\nhint: "), "{text}");
    }
    for line in [
        "run --rm -v not/a/name:/x alpine",
        "run --rm --restart on-failure alpine",
        "run --restart sometimes alpine",
    ] {
        let text = host.fails(125, line);
        assert!(text.starts_with("rbox: "), "{text}");
    }
    let text = host.fails(1, "search x");
    assert!(
        text.starts_with("rbox: command not supported yet: rbox search"),
        "{text}"
    );
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn without_root_every_command_says_so() {
    let host = Host::new();
    host.ok("create --name mine alpine true");
    let run = |line: &str| {
        let binary = host.scratch().join("rbox");
        if !binary.exists() {
            std::fs::copy(env!("CARGO_BIN_EXE_rbox"), &binary).unwrap();
        }
        let path = binary.to_str().unwrap();
        host.sh(&format!("chmod 755 $RBOX_ROOT/.. $RBOX_ROOT/../scratch; setpriv --reuid 65534 --regid 65534 --clear-groups {path} {line}"))
    };
    let text = "rbox: permission denied: rbox must run as root\nhint: try it again with sudo";
    for line in [
        "ps",
        "rm -f mine",
        "stop mine",
        "network ls",
        "images",
        "inspect mine",
    ] {
        let output = run(line);
        assert!(
            output.stderr.ends_with(&format!("{text}\n")),
            "{line}: {output:#?}"
        );
        assert_eq!(output.code, 1, "{line}");
    }
    assert_eq!(
        run("run --rm alpine true").fails(125),
        format!("{text}{RUN_HELP}")
    );
    assert_eq!(run("create alpine true").fails(1), text);
    // What needs no state needs no rights.
    assert_eq!(run("--version").code, 0);
    assert_eq!(run("run --help").code, 0);
    assert_eq!(host.ok("ps -a --format {{.Names}}"), "mine");
}
