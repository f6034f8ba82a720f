//! Mistakes about names and how they are resolved (`--dns`, `--add-host`, `--link`,
//! `--hostname`): each is told in Docker 28's words, with its exit code, and changes nothing.

use crate::harness::Host;

const HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn what_is_no_server_domain_host_or_link_shows_the_usage() {
    let host = Host::new();
    let before = host.state();
    let usage = "\n\nUsage:  rbox run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'rbox run --help' \
                 for more information";
    for (flag, value, text) in [
        (
            "--dns",
            "bogus",
            "IP address is not correctly formatted: bogus",
        ),
        (
            "--dns",
            "1.2.3",
            "IP address is not correctly formatted: 1.2.3",
        ),
        (
            "--dns-search",
            "bad domain",
            "bad domain is not a valid domain",
        ),
        ("--dns-search", "-a.test", "-a.test is not a valid domain"),
        ("--add-host", "bad", "bad format for add-host: \"bad\""),
        (
            "--add-host",
            ":1.2.3.4",
            "bad format for add-host: \":1.2.3.4\"",
        ),
        (
            "--add-host",
            "bad:1.2.3",
            "invalid IP address in add-host: \"1.2.3\"",
        ),
        ("--link", "db:a:b", "bad format for links: db:a:b"),
        ("--link", "", "empty string specified for links"),
    ] {
        let arguments = ["run", "--rm", flag, value, "alpine", "true"];
        assert_eq!(
            host.rbox(&arguments).fails(125),
            format!("invalid argument {value:?} for \"{flag}\" flag: {text}{usage}")
        );
    }
    assert_eq!(host.state(), before);
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    let host = Host::new();
    host.ok("create --name db alpine true");
    let missing =
        |name: &str| format!("could not get container for {name}: No such container: {name}");
    host.refuses(
        125,
        "run --rm",
        HELP,
        &[
            ("--link nosuch alpine true", &missing("nosuch")),
            ("--link nosuch:x alpine true", &missing("nosuch")),
            (
                "--network none --link nosuch alpine true",
                &missing("nosuch"),
            ),
            (
                "--name app --link db alpine true",
                "Cannot link to a non running container: /db AS /app/db",
            ),
            (
                "--name app --link db:database alpine true",
                "Cannot link to a non running container: /db AS /app/database",
            ),
            (
                "--network host --link db alpine true",
                "conflicting options: host type networking can't be used with links. This would \
                 result in undefined behavior",
            ),
        ],
    );
}

#[test]
fn servers_on_the_loopback_are_warned_about() {
    let host = Host::new();
    for server in ["127.0.0.1", "::1"] {
        let output = host.rbox(&["run", "--rm", "--dns", server, "alpine", "true"]);
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (
                0,
                format!("WARNING: Localhost DNS ({server}) may fail in containers.\n").as_str()
            )
        );
    }
}
