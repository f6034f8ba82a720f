//! `ps`, `inspect` and `port` as Docker prints them.

use serde_json::Value;

use crate::harness::{Host, eventually};

/// A running, a created and two ended containers, oldest first: h4a h4b h4c h4d.
fn four(host: &Host) {
    host.ok("run -d --name h4a alpine sleep 1000");
    let ended = host.rbox(&["run", "--name", "h4b", "alpine", "sh", "-c", "exit 3"]);
    assert_eq!(ended.code, 3);
    host.ok("create --name h4c alpine sleep 1000");
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "h4d",
        "--label",
        "app=web",
        "--label",
        "tier=1",
        "-p",
        "8080:80",
        "alpine",
        "sh",
        "-c",
        "trap \"exit 0\" TERM; while :; do sleep 0.1; done",
    ])
    .ok();
}

#[test]
fn ps_is_a_table_of_what_runs_newest_first() {
    let host = Host::new();
    assert_eq!(
        host.rbox(&["ps"]).stdout,
        "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n"
    );
    four(&host);
    let table = host.ok("ps");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    let columns = [
        "CONTAINER ID",
        "IMAGE",
        "COMMAND",
        "CREATED",
        "STATUS",
        "PORTS",
        "NAMES",
    ];
    let at: Vec<usize> = columns
        .iter()
        .map(|name| lines[0].find(name).unwrap())
        .collect();
    for (line, name, command) in [
        (lines[1], "h4d", "\"sh -c 'trap \\\"exit 0…\""),
        (lines[2], "h4a", "\"sleep 1000\""),
    ] {
        let cells: Vec<char> = line.chars().collect();
        let cell = |from: usize, to: usize| {
            cells[from..to.min(cells.len())]
                .iter()
                .collect::<String>()
                .trim_end()
                .to_owned()
        };
        assert_eq!(cell(at[0], at[1]), host.id(name)[..12]);
        assert_eq!(cell(at[1], at[2]), "alpine");
        assert_eq!(cell(at[2], at[3]), command);
        assert!(cell(at[3], at[4]).ends_with(" ago"), "{line}");
        assert!(cell(at[4], at[5]).starts_with("Up "), "{line}");
        assert_eq!(cell(at[6], usize::MAX), name);
    }
    assert!(
        lines[1].contains("0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        "{table}"
    );
}

#[test]
fn flags_choose_which_and_how_much() {
    let host = Host::new();
    four(&host);
    let names = |flags: &str| {
        host.ok(&format!("ps {flags} --format {{{{.Names}}}}"))
            .replace('\n', " ")
    };
    assert_eq!(names(""), "h4d h4a");
    assert_eq!(names("-a"), "h4d h4c h4b h4a");
    assert_eq!(names("-l"), "h4d");
    assert_eq!(names("-n 2"), "h4d h4c");
    assert_eq!(names("--last 3"), "h4d h4c h4b");
    let ids = host.ok("ps -aq");
    assert_eq!(
        ids.lines().map(str::len).collect::<Vec<_>>(),
        [12, 12, 12, 12]
    );
    assert_eq!(host.ok("ps -lq --no-trunc"), host.id("h4d"));
    let whole = host.ok("ps -l --no-trunc");
    assert!(whole.contains("\"sh -c 'trap \\\"exit 0\\\" TERM; while :; do sleep 0.1; done'\""));
}

#[test]
fn filters_are_dockers() {
    let host = Host::new();
    four(&host);
    let id = host.id("h4a");
    for (filters, expected) in [
        ("-f status=created", "h4c"),
        ("-f status=exited -f status=created", "h4c h4b"),
        ("-a -f exited=3", "h4b"),
        ("-f label=app", "h4d"),
        ("-f label=app=web", "h4d"),
        ("-f label=app=x", ""),
        ("-f name=h4", "h4d h4a"),
        ("-f name=^h4a$", "h4a"),
        ("-f name=/h4a", "h4a"),
        ("-f ancestor=alpine", "h4d h4a"),
        ("-f ancestor=flask:3.1", ""),
        ("-f network=bridge", "h4d h4a"),
        ("-f network=nosuch", ""),
        ("-a -f before=h4c", "h4b h4a"),
        ("-a -f since=h4b", "h4d h4c"),
        ("-f publish=8080", "h4d"),
        ("-f publish=81", ""),
        ("-f expose=80/tcp", "h4d"),
        ("-f volume=/x", ""),
        ("-f health=healthy", ""),
        (&format!("-f id={}", &id[..6]), "h4a"),
    ] {
        let line = format!("ps {filters} --format {{{{.Names}}}}");
        assert_eq!(host.ok(&line).replace('\n', " "), expected, "{filters}");
    }
    for (filter, text) in [
        ("status=bogus", "rbox: Invalid filter 'status=bogus'"),
        ("bogus=1", "rbox: Invalid filter 'bogus'"),
    ] {
        assert_eq!(host.fails(1, &format!("ps -f {filter}")), text);
    }
}

#[test]
fn formats_are_go_templates_and_json() {
    let host = Host::new();
    four(&host);
    assert_eq!(
        host.rbox(&["ps", "-a", "--format", "table {{.Names}}\t{{.State}}"])
            .ok(),
        "NAMES     STATE\nh4d       running\nh4c       created\nh4b       exited\nh4a       running"
    );
    assert_eq!(
        host.rbox(&["ps", "-a", "--format", "{{.Names}}:{{.Label \"app\"}}"])
            .ok(),
        "h4d:web\nh4c:\nh4b:\nh4a:"
    );
    let all = "{{.ID}}|{{.Image}}|{{.Command}}|{{.Ports}}|{{.Labels}}|{{.Mounts}}|{{.Networks}}|\
               {{.State}}|{{.LocalVolumes}}";
    assert_eq!(
        host.rbox(&["ps", "-l", "--format", all]).ok(),
        format!(
            "{}|alpine|\"sh -c 'trap \\\"exit 0…\"|0.0.0.0:8080->80/tcp, [::]:8080->80/tcp|\
             app=web,tier=1||bridge|running|0",
            &host.id("h4d")[..12]
        )
    );
    for flag in ["json", "{{json .}}"] {
        let line = host.rbox(&["ps", "-l", "--format", flag]).ok();
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["Names"], "h4d");
        assert_eq!(value["Command"], "\"sh -c 'trap \\\"exit 0…\"");
        assert_eq!(value["Platform"], Value::Null);
    }
    assert!(host.fails(1, "ps --format {{.Bogus}}").ends_with(
        "template: :1:2: executing \"\" at <.Bogus>: can't evaluate field Bogus in type \
             *formatter.ContainerContext"
    ));
}

#[test]
fn an_ended_container_shows_its_code_and_no_ports() {
    let host = Host::new();
    four(&host);
    host.ok("stop -t 0 h4d");
    let line = host
        .rbox(&["ps", "-l", "--format", "{{.Status}}|{{.Ports}}"])
        .ok();
    assert!(line.starts_with("Exited (137) "), "{line}");
    assert!(line.ends_with(" ago|"), "{line}");
}

#[test]
fn inspect_tells_state_configuration_and_network() {
    let host = Host::new();
    let id =
        host.ok("run -d --name web -e A=1 -w /tmp -u nobody --label a=b -h box alpine sleep 1000");
    let text = host.ok("inspect web");
    assert!(text.starts_with("[\n    {\n        \"Id\": \""), "{text}");
    let all: Value = serde_json::from_str(&text).unwrap();
    let one = &all[0];
    assert_eq!(one["Id"], id.as_str());
    assert_eq!(one["Name"], "/web");
    assert_eq!(one["Path"], "sleep");
    assert_eq!(one["Args"][0], "1000");
    assert_eq!(one["State"]["Status"], "running");
    assert_eq!(one["State"]["Running"], true);
    assert_eq!(one["State"]["FinishedAt"], "0001-01-01T00:00:00Z");
    assert_eq!(one["Config"]["Hostname"], "box");
    assert_eq!(one["Config"]["User"], "nobody");
    assert_eq!(one["Config"]["Env"][0], "A=1");
    assert_eq!(one["Config"]["Labels"]["a"], "b");
    assert_eq!(one["Config"]["AttachStdout"], false);
    assert_eq!(one["HostConfig"]["RestartPolicy"]["Name"], "no");
    assert_eq!(one["HostConfig"]["LogConfig"]["Type"], "json-file");
    assert_eq!(
        one["NetworkSettings"]["Networks"]["bridge"]["IPAddress"],
        "172.17.0.2"
    );
    let pid = one["State"]["Pid"].as_i64().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    host.ok("kill web");
    let format =
        "{{.State.Status}} {{.State.Pid}} {{.State.ExitCode}} {{.NetworkSettings.IPAddress}}.";
    assert_eq!(
        host.rbox(&["inspect", "-f", format, "web"]).ok(),
        "exited 0 137 ."
    );
    let started = host.ok("inspect -f {{.State.StartedAt}} web");
    let finished = host.ok("inspect -f {{.State.FinishedAt}} web");
    assert!(started < finished, "{started} {finished}");
}

#[test]
fn inspect_takes_several_and_prints_what_it_finds() {
    let host = Host::new();
    host.ok("create --name one alpine true");
    host.ok("create -i --name two alpine true");
    assert_eq!(host.ok("inspect -f {{.Name}} one two"), "/one\n/two");
    let format = "{{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.OpenStdin}} {{.Config.StdinOnce}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", format, "one", "two"]).ok(),
        "false true false false\ntrue true true true"
    );
    let output = host.rbox(&["inspect", "nosuch"]);
    assert_eq!(output.stdout, "[]\n");
    assert_eq!(output.fails(1), "rbox: No such object: nosuch");
    let output = host.rbox(&["inspect", "-f", "{{.Name}}", "one", "nosuch"]);
    assert_eq!(output.stdout, "/one\n");
    assert_eq!(output.fails(1), "rbox: No such object: nosuch");
    // A template that does not parse is another failure than a key that is not there.
    host.fails(64, "inspect -f {{ one");
    let text = host.fails(1, "inspect -f {{.Bogus}} one");
    assert!(
        text.ends_with("map has no entry for key \"Bogus\""),
        "{text}"
    );
}

#[test]
fn port_lists_bindings_and_finds_one() {
    let host = Host::new();
    host.ok("run -d --name web -p 8080:80 -p 127.0.0.1:53:53/udp alpine sleep 1000");
    assert_eq!(
        host.ok("port web"),
        "53/udp -> 127.0.0.1:53\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080"
    );
    assert_eq!(host.ok("port web 80"), "0.0.0.0:8080\n[::]:8080");
    assert_eq!(host.ok("port web 53/udp"), "127.0.0.1:53");
    assert_eq!(
        host.fails(1, "port web 81"),
        "rbox: No public port '81' published for web"
    );
    assert_eq!(
        host.fails(1, "port nosuch"),
        "rbox: No such container: nosuch"
    );
    host.ok("stop -t 0 web");
    eventually("the ports to be gone", || {
        host.ok("port web").is_empty().then_some(())
    });
}
