//! `rbox compose`: its commands on one small project, as a person types them.

use std::process::Command;

use crate::harness::{Host, Output, eventually};

const FILE: &str = r#"
name: shop
services:
  web:
    image: alpine
    command: sh -c 'echo hello from web; echo trouble >&2; exec sleep infinity'
    init: true
    ports: ["127.0.0.1:18080:80"]
    depends_on: [db]
  db:
    image: alpine
    command: sh -c 'echo hello from db; exec sleep infinity'
    init: true
    volumes: ["data:/data"]
  tool:
    image: alpine
    profiles: [tools]
    command: echo tooled
volumes:
  data:
"#;

/// A project in a directory of its own.
struct Shop {
    host: Host,
    file: String,
}

impl Shop {
    fn new() -> Shop {
        let host = Host::new();
        let file = host.write("shop/compose.yaml", FILE);
        Shop { host, file }
    }

    fn command(&self, line: &str) -> Command {
        let mut words = vec!["compose", "-f", &self.file];
        words.extend(line.split_whitespace());
        self.host.command(&words)
    }

    fn run(&self, line: &str) -> Output {
        let output = self.command(line).output().unwrap();
        Output::new(format!("rbox compose {line}"), output)
    }

    #[track_caller]
    fn ok(&self, line: &str) -> String {
        self.run(line).ok()
    }

    #[track_caller]
    fn fails(&self, code: i32, line: &str) -> String {
        self.run(line).fails(code)
    }

    /// Takes all away, volumes too: the host's leak check counts them.
    fn down(self) -> Host {
        self.ok("down -v --remove-orphans");
        self.host
    }
}

#[test]
fn what_up_makes_is_listed_logged_entered_and_taken_away() {
    let shop = Shop::new();
    let up = shop.run("up -d");
    assert_eq!(up.code, 0, "{}", up.stderr);
    assert_eq!(up.stdout, "");
    for line in [
        " Network shop_default  Created",
        " Volume shop_data  Created",
        " Container shop-db-1  Started",
        " Container shop-web-1  Started",
    ] {
        let has = |text: &str| text.replace('"', "").contains(line);
        assert!(has(&up.stderr), "{line:?} in {}", up.stderr);
    }
    assert_eq!(shop.ok("ps --services"), "db\nweb");
    assert_eq!(
        shop.ok("ps --format {{.Name}}/{{.Service}}/{{.State}}"),
        "shop-db-1/db/running\nshop-web-1/web/running"
    );
    assert_eq!(shop.ok("port web 80"), "127.0.0.1:18080");
    assert!(shop.fails(1, "port web 81").contains("no port 81/tcp"));
    eventually("both to have written", || {
        let logs = shop.run("logs");
        let all = logs.stdout.contains("web-1  | hello from web\n")
            && logs.stdout.contains("db-1   | hello from db\n")
            && logs.stderr.contains("web-1  | trouble\n");
        all.then_some(())
    });
    assert_eq!(shop.ok("logs --no-log-prefix db"), "hello from db");
    assert_eq!(shop.ok("exec -T web hostname").len(), 12);
    shop.ok("exec -T -w /data db touch here");
    assert_eq!(shop.ok("exec -T db ls /data"), "here");
    assert_eq!(
        shop.ok("ls"),
        format!(
            "NAME      STATUS       CONFIG FILES\nshop      running(2)   {}",
            shop.file
        )
    );
    assert!(shop.ok("images").contains("shop-web-1   alpine"));
    shop.down();
}

#[test]
fn one_service_is_stopped_started_paused_killed_and_removed() {
    let shop = Shop::new();
    let states = || shop.ok("ps -a --format {{.Service}}={{.State}}");
    shop.ok("up -d");
    let stopped = shop.run("stop -t 1 web");
    assert!(stopped.stderr.contains(" Container shop-web-1  Stopped\n"));
    assert_eq!(
        shop.fails(1, "exec -T web true"),
        "rbox: service \"web\" is not running"
    );
    assert_eq!(states(), "db=running\nweb=exited");
    assert_eq!(shop.ok("ps --status exited -q").len(), 64);
    shop.ok("start web");
    shop.ok("pause web");
    assert_eq!(states(), "db=running\nweb=paused");
    shop.ok("unpause");
    shop.ok("restart -t 1 web");
    assert_eq!(states(), "db=running\nweb=running");
    shop.ok("kill web");
    assert_eq!(states(), "db=running\nweb=exited");
    assert!(
        shop.run("rm web")
            .stdout
            .contains("Going to remove shop-web-1")
    );
    assert_eq!(states(), "db=running\nweb=exited");
    shop.ok("rm -f web");
    assert_eq!(states(), "db=running");
    assert_eq!(shop.ok("rm -f"), "No stopped containers");
    shop.ok("scale db=2");
    assert_eq!(states(), "db=running\ndb=running");
    shop.ok("up -d --scale db=1");
    assert_eq!(states(), "db=running\nweb=running");
    shop.down();
}

#[test]
fn files_go_in_and_out_and_processes_are_seen() {
    let shop = Shop::new();
    shop.ok("up -d");
    let file = shop.host.write("note", "well met\n");
    shop.ok(&format!("cp {file} web:/tmp/note"));
    assert_eq!(shop.ok("exec -T web cat /tmp/note"), "well met");
    let back = shop.host.scratch().join("back");
    shop.ok(&format!("cp web:/tmp/note {}", back.display()));
    assert_eq!(std::fs::read_to_string(back).unwrap(), "well met\n");
    assert!(
        shop.fails(1, "cp a b")
            .contains("must specify at least one container source")
    );
    let top = shop.ok("top db");
    assert!(top.starts_with("SERVICE   #   UID "), "{top}");
    assert!(top.contains("\ndb        1   "), "{top}");
    let stats = shop.ok("stats --no-stream");
    assert!(
        stats.contains("shop-db-1") && stats.contains("shop-web-1"),
        "{stats}"
    );
    assert_eq!(shop.ok("volumes -q"), "shop_data");
    assert_eq!(shop.ok("volumes -q web"), "");
    shop.ok("stop -t 1");
    assert_eq!(shop.ok("stats --no-stream").lines().count(), 1);
    shop.down();
}

#[test]
fn a_command_is_run_beside_what_runs() {
    let shop = Shop::new();
    assert_eq!(shop.ok("run --rm -T --no-deps web echo once"), "once");
    assert_eq!(shop.run("run --rm -T --no-deps web false").code, 1);
    assert_eq!(
        shop.run("run --rm -T --no-deps -e A=b web env")
            .stdout
            .matches("A=b")
            .count(),
        1
    );
    // A service that no profile has chosen is chosen by its name.
    assert_eq!(shop.ok("run --rm -T tool"), "tooled");
    let id = shop.ok("run -d db");
    assert_eq!(id.len(), 64);
    assert_eq!(shop.ok("ps -q"), "");
    assert_eq!(shop.ok("ps -a -q"), id);
    shop.host.ok(&format!("rm -f {id}"));
    shop.down();
}

#[test]
fn wait_tells_how_a_service_ended() {
    let host = Host::new();
    let text = "services: {a: {image: alpine, command: sh -c 'exit 3'}}";
    let file = host.write("end/compose.yaml", text);
    let run = |line: &str| host.rbox(&[&["compose", "-f", &file], words(line).as_slice()].concat());
    run("up -d").ok();
    let waited = run("wait a");
    assert_eq!(waited.code, 3);
    assert_eq!(
        waited.stdout.trim_end(),
        "container \"end-a-1\" exited with status code 3"
    );
    run("down").ok();
}

#[test]
fn without_a_file_the_name_of_the_project_will_do() {
    let shop = Shop::new();
    shop.ok("up -d");
    let host = &shop.host;
    assert_eq!(host.ok("compose -p shop ps --services"), "db\nweb");
    host.ok("compose -p shop stop -t 1");
    assert_eq!(host.ok("compose -p shop ps -q"), "");
    assert_eq!(host.ok("compose ls -q"), "");
    assert_eq!(host.ok("compose ls -a -q"), "shop");
    host.ok("compose -p shop down -v");
    assert_eq!(host.ok("ps -aq"), "");
    assert_eq!(host.ok("volume ls -q"), "");
}

#[test]
fn events_tell_what_happened_to_the_project() {
    let shop = Shop::new();
    shop.host.ok("run --name other alpine true");
    shop.ok("up -d db");
    let events = shop.ok("events --since 1h --until 0s");
    assert!(events.contains(" container create "), "{events}");
    assert!(events.contains(" container start "), "{events}");
    assert!(events.contains("name=shop-db-1"), "{events}");
    assert!(!events.contains("name=other"), "{events}");
    let line = shop.ok("events --json --since 1h --until 0s");
    let first: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(first["service"], "db");
    shop.down();
}

#[test]
fn what_is_wrong_names_what_and_the_way_out() {
    let shop = Shop::new();
    let refused = shop.fails(1, "up --watch");
    assert!(refused.contains("unsupported flag: --watch"), "{refused}");
    let unknown = shop.fails(1, "up --bogus");
    assert!(unknown.contains("unknown flag: --bogus"), "{unknown}");
    let absent = shop.fails(1, "logs nobody");
    assert!(absent.contains("no such service: nobody"), "{absent}");
    let absent = shop.fails(1, "exec -T web true");
    assert_eq!(
        absent.lines().next(),
        Some("rbox: service \"web\" is not running")
    );
    let both = shop.fails(1, "up --force-recreate --no-recreate");
    assert!(both.contains("--force-recreate and --no-recreate are incompatible"));
    let host = &shop.host;
    assert!(
        host.fails(1, "compose watch")
            .contains("command not supported: rbox compose watch")
    );
    let command = host.fails(1, "compose bogus");
    assert!(
        command.contains("rbox: unknown command: rbox compose bogus"),
        "{command}"
    );
    let format = host.fails(1, "compose --progress fancy ps");
    assert!(format.contains("unsupported --progress value"), "{format}");
    let mut nowhere = host.command(&["compose", "ps"]);
    let nowhere = nowhere.current_dir(host.scratch()).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    let text = String::from_utf8(nowhere.stderr).unwrap();
    assert!(
        text.contains("no configuration file provided: not found"),
        "{text}"
    );
    let help = host.ok("compose --help");
    assert!(
        help.contains("--project-name string") && help.contains("\n  up "),
        "{help}"
    );
    assert!(
        host.ok("compose up --help")
            .contains("--abort-on-container-exit")
    );
    assert!(
        host.ok("help compose up")
            .contains("--abort-on-container-exit")
    );
    assert_eq!(
        host.ok("compose version --short"),
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn config_shows_what_was_read() {
    let shop = Shop::new();
    assert_eq!(shop.ok("config --services"), "db\nweb");
    assert_eq!(shop.ok("config --volumes"), "data");
    assert_eq!(shop.ok("config --profiles"), "tools");
    assert_eq!(shop.ok("config --images"), "alpine\nalpine");
    assert_eq!(shop.ok("config -q"), "");
    let hash = shop.ok("config --hash web");
    assert_eq!((hash.len(), &hash[..4]), (68, "web "));
    assert_eq!(shop.ok("config --hash *").lines().count(), 2);
    let all: serde_json::Value = serde_json::from_str(&shop.ok("config --format json")).unwrap();
    assert_eq!(all["name"], "shop");
    assert_eq!(all["services"]["web"]["image"], "alpine");
    assert!(shop.ok("config").starts_with("name: shop\n"));
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
