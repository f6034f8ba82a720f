use std::path::Path;

use clap::Parser;

use super::{Client, Refused, build};
use crate::cli::container::flags::ContainerFlags;
use crate::cli::flags::scan;
use crate::engine::request::{ContainerRequest, NetworkMode, PullPolicy};

#[derive(Parser)]
#[command(disable_help_flag = true, args_override_self = true)]
struct Line {
    #[command(flatten)]
    flags: ContainerFlags,
    image: String,
    command: Vec<String>,
}

fn request(words: &[&str]) -> Result<ContainerRequest, String> {
    use clap::CommandFactory;
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let scanned = scan(&Line::command(), &words, false, &[]).map_err(|error| error.to_string())?;
    let words = ["rbox".to_owned()]
        .into_iter()
        .chain(scanned.flags)
        .chain(["--".to_owned()]);
    let line = Line::try_parse_from(words.chain(scanned.arguments))
        .map_err(|error| std::error::Error::source(&error).unwrap().to_string())?;
    let client = Client {
        here: Path::new("/here"),
        variable: &|name| (name == "B").then(|| "frm".to_owned()),
        read: &|path| match path {
            "/env" => Ok(b"X=1\nB\nY=2\n".to_vec()),
            "/bad" => Ok(b"bad name=1\n".to_vec()),
            "/labels" => Ok(b"a=1\n# c\nb\n".to_vec()),
            path => Err(format!("open {path}: no such file or directory")),
        },
        console: (24, 80),
    };
    build(&line.flags, &line.image, &line.command, &client).map_err(|refused| match refused {
        Refused::Client(failure) | Refused::Engine(failure) => failure.message,
    })
}

#[test]
fn flags_end_at_the_image() {
    let request = request(&["-it", "--rm", "--name", "x", "alpine", "sh", "-c", "--rm"]).unwrap();
    assert!(request.interactive && request.tty && request.host.auto_remove);
    assert_eq!(request.image, "alpine");
    assert_eq!(request.command, ["sh", "-c", "--rm"]);
    assert_eq!(request.host.network_mode, NetworkMode::Bridge);
    assert_eq!(request.pull, PullPolicy::Missing);
    assert_eq!(request.host.log_driver, "json-file");
}

#[test]
fn environment_and_labels_come_from_files_first() {
    let request = request(&[
        "--env-file",
        "/env",
        "-e",
        "X=9",
        "-e",
        "C",
        "--label-file",
        "/labels",
        "--label",
        "c=3",
        "--label",
        "d",
        "alpine",
    ])
    .unwrap();
    let env: Vec<String> = request
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(env, ["X=1", "B=frm", "Y=2", "X=9"]);
    let labels: Vec<String> = request
        .labels
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(labels, ["a=1", "c=3", "d="]);
}

#[test]
fn network_modes_are_told_apart() {
    let mode = |words: &[&str]| request(words).unwrap();
    assert_eq!(
        mode(&["--net=host", "a"]).host.network_mode,
        NetworkMode::Host
    );
    assert_eq!(
        mode(&["--network", "none", "a"]).host.network_mode,
        NetworkMode::None
    );
    assert_eq!(
        mode(&["--network", "container:x", "a"]).host.network_mode,
        NetworkMode::Container("x".into())
    );
    let user = mode(&[
        "--network",
        "n1",
        "--network",
        "name=n2,ip=10.0.0.5",
        "--network-alias",
        "web",
        "--link",
        "db:database",
        "a",
    ]);
    assert_eq!(user.host.network_mode, NetworkMode::Network("n1".into()));
    assert_eq!(user.networks[0].aliases, ["web"]);
    assert_eq!(
        user.networks[0].links,
        [("db".to_owned(), "database".to_owned())]
    );
    assert_eq!(user.networks[1].ip, Some("10.0.0.5".parse().unwrap()));
    assert!(user.host.links.is_empty());
    assert_eq!(
        mode(&["--link", "db:database", "a"]).host.links,
        ["db:database"]
    );
}

#[test]
fn limits_and_settings_reach_the_host_config() {
    let host = request(&[
        "-m",
        "64m",
        "--memory-swap",
        "-1",
        "--cpus",
        "0.5",
        "-c",
        "512",
        "--pids-limit",
        "50",
        "--ulimit",
        "nofile=100:200",
        "--cap-add",
        "net_admin",
        "--cap-drop=MKNOD",
        "--dns",
        "9.9.9.9",
        "--add-host",
        "a:1.2.3.4",
        "--sysctl",
        "net.core.somaxconn=99",
        "--tmpfs",
        "/t:size=1m",
        "--read-only",
        "--init",
        "-v",
        "./w:/host:ro",
        "-p",
        "8080:80",
        "-P",
        "--shm-size",
        "1m",
        "--security-opt",
        "no-new-privileges",
        "--device",
        "/dev/null:/dev/x:r",
        "--stop-signal",
        "RTMIN+3",
        "a",
    ])
    .unwrap()
    .host;
    assert_eq!(
        (host.memory, host.memory_swap, host.nano_cpus),
        (64 << 20, -1, 500_000_000)
    );
    assert_eq!(
        (host.cpu_shares, host.pids_limit, host.shm_size),
        (512, 50, 1 << 20)
    );
    assert_eq!((host.ulimits[0].soft, host.ulimits[0].hard), (100, 200));
    assert_eq!(
        (host.cap_add[0].as_str(), host.cap_drop[0].as_str()),
        ("CAP_NET_ADMIN", "CAP_MKNOD")
    );
    assert_eq!(host.binds, ["/here/w:/host:ro"]);
    assert_eq!(host.tmpfs["/t"], "size=1m");
    assert!(host.readonly_rootfs && host.init && host.publish_all && host.no_new_privileges);
    assert_eq!(host.port_bindings.len(), 1);
    assert_eq!(host.console_size, (24, 80));
}

#[test]
fn refusals_have_dockers_texts() {
    for (words, text) in [
        (
            &["--pull", "x", "a"][..],
            "invalid pull option: 'x': must be one of \"always\", \"missing\" or \"never\"",
        ),
        (
            &["Alpine"],
            "invalid reference format: repository name (library/Alpine) must be lowercase",
        ),
        (&["alpine:bad tag"], "invalid reference format"),
        (
            &["--env-file", "/bad", "a"],
            "invalid env file (/bad): variable 'bad name' contains whitespaces",
        ),
        (
            &["--env-file", "/nosuch", "a"],
            "open /nosuch: no such file or directory",
        ),
        (&["--pid", "bogus", "a"], "--pid: invalid PID mode"),
        (&["--uts", "bogus", "a"], "--uts: invalid UTS mode"),
        (&["--ipc", "bogus", "a"], "Invalid IPC mode: bogus"),
        (
            &["--rm", "--restart", "always", "a"],
            "conflicting options: cannot specify both --restart and --rm",
        ),
        (
            &["--security-opt", "bogus", "a"],
            "Invalid --security-opt: \"bogus\"",
        ),
        (
            &["--cap-add", "BOGUS", "a"],
            "invalid CapAdd: unknown capability: \"CAP_BOGUS\"",
        ),
        (&["--stop-signal", "BOGUS", "a"], "invalid signal: BOGUS"),
        (&["-p", "bogus", "a"], "invalid containerPort: bogus"),
        (&["-p", "99999:80", "a"], "invalid hostPort: 99999"),
        (
            &["--expose", "bogus", "a"],
            "invalid range format for --expose: bogus, error: strconv.ParseUint: parsing \"bogus\": invalid syntax",
        ),
        (
            &["--network", "container:", "a"],
            "invalid network mode: invalid container format container:<name|id>",
        ),
        (
            &["--network-alias", "foo", "a"],
            "network-scoped aliases are only supported for user-defined networks",
        ),
        (
            &["--network", "bridge", "--network", "n", "a"],
            "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
        ),
        (
            &["--mac-address", "zz", "a"],
            "zz is not a valid mac address",
        ),
        (
            &["--tmpfs", "relative", "a"],
            "invalid mount path: 'relative' mount path must be absolute",
        ),
        (
            &["-v", "vol:/x:slave", "a"],
            "invalid volume specification: 'vol:/x:slave': invalid mount config for type \"volume\": field BindOptions must not be specified",
        ),
        (
            &["--mount", "type=cluster,src=x,dst=/x", "a"],
            "unsupported mount type: cluster",
        ),
        (&["--memory", "abc", "a"], "invalid size: 'abc'"),
        (&["-e", "=x", "a"], "invalid environment variable: =x"),
        (
            &["--dns", "bogus", "a"],
            "IP address is not correctly formatted: bogus",
        ),
        (
            &["-a", "x", "a"],
            "valid streams are STDIN, STDOUT and STDERR",
        ),
    ] {
        assert_eq!(request(words).unwrap_err(), text);
    }
}
