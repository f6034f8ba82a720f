//! Mistakes about ports: each is told in Docker 28's words, with its exit code, and changes
//! nothing.

use crate::harness::Host;

const HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn what_is_no_port_is_refused() {
    let host = Host::new();
    let parse = |text: &str| format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
    host.refuses(
        125,
        "run --rm",
        HELP,
        &[
            ("-p bogus alpine true", "invalid containerPort: bogus"),
            ("-p 80:bogus alpine true", "invalid containerPort: bogus"),
            ("-p 99999:80 alpine true", "invalid hostPort: 99999"),
            ("-p 80:99999 alpine true", "invalid containerPort: 99999"),
            ("-p 80:0 alpine true", "invalid containerPort: 0"),
            ("-p 80:80-70 alpine true", "invalid containerPort: 80-70"),
            ("-p 90-80:80 alpine true", "invalid hostPort: 90-80"),
            (
                "-p 8000-8001:80-82 alpine true",
                "invalid ranges specified for container and host Ports: 80-82 and 8000-8001",
            ),
            ("-p 1.2.3:80:80 alpine true", "invalid IP address: 1.2.3"),
            ("-p 8080:80/foo alpine true", "invalid proto: foo"),
            ("-p a:b:c:d alpine true", "invalid IP address: a:b"),
            ("-p '' alpine true", "no port specified: <empty>"),
            ("-p : alpine true", "no port specified: :<empty>"),
            ("-p 8080: alpine true", "no port specified: 8080:<empty>"),
            ("-p /tcp alpine true", "no port specified: /tcp<empty>"),
            (
                "-p [::1]:80:bogus alpine true",
                "invalid containerPort: bogus",
            ),
            (
                "-p published=80,target alpine true",
                "invalid publish opts format (should be name=value but got 'target')",
            ),
            (
                "--expose bogus alpine true",
                &format!(
                    "invalid range format for --expose: bogus, error: {}",
                    parse("bogus")
                ),
            ),
            (
                "--expose 80-x alpine true",
                &format!(
                    "invalid range format for --expose: 80-x, error: {}",
                    parse("x")
                ),
            ),
            (
                "--expose 90-80 alpine true",
                "invalid range format for --expose: 90-80, error: invalid range specified for \
                 port: 90-80",
            ),
            (
                "--expose 80:80 alpine true",
                "invalid port format for --expose: 80:80",
            ),
            ("--expose 80/foo alpine true", "invalid proto: foo"),
        ],
    );
}

#[test]
fn a_port_that_cannot_be_had_leaves_a_container_that_says_why() {
    let host = Host::new();
    host.ok("run -d --name web -p 8080:80 alpine sleep 1000");
    let before = host
        .sh("ip -o link; nft list ruleset; ls /run/netns")
        .stdout;
    for (publish, text) in [
        (
            "8080:80",
            "Bind for 0.0.0.0:8080 failed: port is already allocated",
        ),
        (
            "127.0.0.1:8080:80",
            "Bind for 0.0.0.0:8080 failed: port is already allocated",
        ),
        (
            "8083:80 -p 8083:81",
            "Bind for 0.0.0.0:8083 failed: port is already allocated",
        ),
        (
            "203.0.113.9:8088:80",
            "failed to bind host port for 203.0.113.9:8088:{}:80/tcp: cannot assign requested \
             address",
        ),
    ] {
        let said = host.fails(125, &format!("run --name two -p {publish} alpine true"));
        let start = "rbox: failed to set up container networking: driver failed programming \
                     external connectivity on endpoint two (";
        let (first, last) = text.split_once("{}").unwrap_or(("", text));
        assert!(said.starts_with(start) && said.contains(first), "{said}");
        assert!(said.ends_with(&format!("{last}{HELP}")), "{said}");
        let state = host.rbox(&[
            "inspect",
            "-f",
            "{{.State.Status}} {{.State.ExitCode}}",
            "two",
        ]);
        assert_eq!(state.ok(), "created 128");
        host.ok("rm two");
    }
    assert_eq!(
        host.sh("ip -o link; nft list ruleset; ls /run/netns")
            .stdout,
        before
    );
}

#[test]
fn ports_that_are_not_published_are_said_to_be_so() {
    let host = Host::new();
    host.ok("run -d --name web -p 8080:80 alpine sleep 1000");
    host.refuses(
        1,
        "port",
        "",
        &[
            ("web 81", "No public port '81' published for web"),
            ("web 80/udp", "No public port '80/udp' published for web"),
            (
                "web bogus",
                "invalid port (bogus): strconv.ParseUint: parsing \"bogus\": invalid syntax",
            ),
            ("nosuch", "No such container: nosuch"),
        ],
    );
}
