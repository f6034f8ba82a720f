//! `compose up` and `down`: what they make, in which order, and that they can be said again.

use crate::harness::{Host, Project, eventually};

const SLEEP: &str = "command: sleep 1000\n    init: true\n    image: alpine\n";

/// `SLEEP` in a file stands for what every sleeping service has.
fn file(text: &str) -> String {
    text.replace("SLEEP\n", SLEEP)
}

fn at(told: &[String], line: &str) -> usize {
    told.iter()
        .position(|known| known == line)
        .unwrap_or_else(|| panic!("{line:?} in {told:#?}"))
}

#[test]
fn up_makes_what_the_file_says_and_says_so() {
    let project = Project::new(&file(
        r#"
services:
  web:
    SLEEP
    depends_on: [db]
  db:
    SLEEP
    volumes:
      - data:/data
      - {type: image, source: alpine, target: /image}
    networks: [default, back]
networks: {back: {internal: true}}
volumes: {data: {}}
"#,
    ));
    let told = project.tells("up -d");
    let network = at(&told, "Network p_default  Created");
    at(&told, "Network p_back  Created");
    let volume = at(&told, "Volume p_data  Created");
    let (db, web) = (
        at(&told, "Container p-db-1  Created"),
        at(&told, "Container p-web-1  Created"),
    );
    assert!(network < db && volume < db && db < web, "{told:#?}");
    assert!(at(&told, "Container p-db-1  Started") < at(&told, "Container p-web-1  Starting"));
    let label = |kind: &[&str], name: &str, label: &str| {
        let format = format!("{{{{index .{label:?}}}}}").replace(
            &format!("index .{label:?}"),
            &format!(
                "index {} {:?}",
                kind[1],
                format!("com.docker.compose.{label}")
            ),
        );
        project
            .host
            .rbox(&["inspect", "--type", kind[0], "-f", &format, name])
            .ok()
    };
    let container = ["container", ".Config.Labels"];
    for (name, value) in [
        ("project", "p"),
        ("service", "web"),
        ("container-number", "1"),
        ("oneoff", "False"),
        ("depends_on", "db:service_started:false"),
    ] {
        assert_eq!(label(&container, "p-web-1", name), value);
    }
    assert_eq!(label(&["network", ".Labels"], "p_back", "network"), "back");
    assert_eq!(label(&["volume", ".Labels"], "p_data", "volume"), "data");
    assert!(
        project
            .says("web", "ping -c 1 -W 5 db")
            .contains("1 packets received")
    );
    assert!(
        project
            .says("web", "ping -c 1 -W 5 p-db-1")
            .contains("1 packets received")
    );
    assert!(project.says("db", "ls /image").contains("etc"));
    let told = project.tells("down -t 0");
    assert!(at(&told, "Container p-web-1  Removed") < at(&told, "Container p-db-1  Stopping"));
    at(&told, "Network p_default  Removed");
    assert_eq!(project.host.ok("volume ls -q"), "p_data");
    project.tells("down -v");
    assert_eq!(project.host.ok("volume ls -q"), "");
    project.host.nothing_is_left();
}

#[test]
fn a_second_up_changes_nothing() {
    let project = Project::new(&file("services:\n  web:\n    SLEEP\n  db:\n    SLEEP\n"));
    project.tells("up -d");
    let before = (project.id("web"), project.id("db"));
    let mut told = project.tells("up -d");
    told.sort();
    assert_eq!(
        told,
        ["Container p-db-1  Running", "Container p-web-1  Running"]
    );
    assert_eq!((project.id("web"), project.id("db")), before);
    // What ended is started again, not made again.
    project.tells("stop -t 0 db");
    let mut told = project.tells("up -d");
    told.sort();
    assert_eq!(
        told,
        [
            "Container p-db-1  Started",
            "Container p-db-1  Starting",
            "Container p-web-1  Running"
        ]
    );
    assert_eq!(project.id("db"), before.1);
}

#[test]
fn a_service_named_brings_what_it_needs_and_no_more() {
    let project = Project::new(&file(
        r#"
services:
  web:
    SLEEP
    depends_on: [db]
  db:
    SLEEP
  other:
    SLEEP
"#,
    ));
    project.tells("up -d --no-deps web");
    assert_eq!(project.containers("running"), ["p-web-1"]);
    project.tells("up -d web");
    assert_eq!(project.containers("running"), ["p-db-1", "p-web-1"]);
    let error = project.fails("up -d nobody");
    assert!(error.contains("no such service: nobody"), "{error}");
}

#[test]
fn what_waits_for_health_or_an_end_starts_after_it() {
    let project = Project::new(&file(
        r#"
services:
  web:
    SLEEP
    depends_on:
      db: {condition: service_healthy}
      job: {condition: service_completed_successfully}
  db:
    image: alpine
    init: true
    healthcheck:
      test: ["CMD", "test", "-e", "/ready"]
      interval: 20ms
      start_period: 60s
      start_interval: 20ms
    volumes: ["shared:/s"]
    command: sh -c 'until test -e /s/done; do sleep 0.02; done; touch /ready; exec sleep 1000'
  job:
    image: alpine
    command: touch /s/done
    volumes: ["shared:/s"]
volumes: {shared: {}}
"#,
    ));
    let told = project.tells("up -d");
    let started = at(&told, "Container p-web-1  Starting");
    assert!(
        at(&told, "Container p-db-1  Healthy") < started,
        "{told:#?}"
    );
    assert!(
        at(&told, "Container p-job-1  Exited") < started,
        "{told:#?}"
    );
}

#[test]
fn a_dependency_that_fails_keeps_others_from_starting() {
    let project = Project::new(&file(
        r#"
services:
  web:
    SLEEP
    depends_on:
      job: {condition: service_completed_successfully}
  job:
    image: alpine
    command: sh -c 'exit 3'
"#,
    ));
    let error = project.fails("up -d");
    assert!(
        error.contains("service \"job\" didn't complete successfully: exit 3"),
        "{error}"
    );
    assert_eq!(project.containers("created"), ["p-web-1"]);
    project.change(&file(
        r#"
services:
  web:
    SLEEP
    depends_on:
      ill: {condition: service_healthy}
  ill:
    SLEEP
    healthcheck: {test: ["CMD", "false"], interval: 20ms, retries: 2}
"#,
    ));
    let error = project.fails("up -d --remove-orphans");
    assert!(
        error.contains("dependency failed to start: container p-ill-1 is unhealthy"),
        "{error}"
    );
    assert_eq!(project.containers("created"), ["p-web-1"]);
}

#[test]
fn up_waits_until_all_are_healthy_if_asked() {
    let project = Project::new(&file(
        r#"
services:
  web:
    SLEEP
    healthcheck: {test: ["CMD", "true"], interval: 20ms, start_interval: 20ms}
  plain:
    SLEEP
"#,
    ));
    let told = project.tells("up -d --wait");
    at(&told, "Container p-web-1  Healthy");
    let ps = project.host.ok("ps --format {{.Names}}/{{.Status}}");
    assert!(ps.contains("(healthy)"), "{ps}");
}

#[test]
fn scale_makes_more_and_fewer() {
    let project = Project::new(&file("services:\n  web:\n    SLEEP\n    scale: 2\n"));
    project.tells("up -d");
    assert_eq!(project.containers("running"), ["p-web-1", "p-web-2"]);
    let first = project.id("web");
    project.tells("up -d --scale web=3");
    assert_eq!(
        project.containers("running"),
        ["p-web-1", "p-web-2", "p-web-3"]
    );
    project.tells("up -d --scale web=1 -t 0");
    assert_eq!(project.containers("running"), ["p-web-1"]);
    assert_eq!(project.id("web"), first);
    project.change(&file(
        "services:\n  web:\n    SLEEP\n    container_name: mine\n",
    ));
    let error = project.fails("up -d --scale web=2");
    assert!(error.contains("services.web.container_name: "), "{error}");
}

#[test]
fn what_is_shared_is_shared() {
    let project = Project::new(&file(
        r#"
services:
  net:
    SLEEP
    hostname: shared
    volumes: ["/anonymous", "data:/data"]
  web:
    SLEEP
    network_mode: service:net
    pid: service:net
    volumes_from: ["net:ro"]
volumes: {data: {}}
"#,
    ));
    project.tells("up -d");
    project.says("net", "echo hello > /data/file; echo x > /anonymous/file");
    assert_eq!(
        project.says("web", "hostname; cat /data/file /anonymous/file"),
        "shared\nhello\nx"
    );
    assert!(
        project
            .says("web", "echo no > /data/file || echo read-only")
            .contains("read-only")
    );
    assert_eq!(
        project.says("net", "readlink /proc/1/ns/net"),
        project.says("web", "readlink /proc/self/ns/net")
    );
    // A second look finds it as it is, references and all.
    let id = project.id("web");
    project.tells("up -d");
    assert_eq!(project.id("web"), id);
}

#[test]
fn configs_and_secrets_are_files() {
    let project = Project::new(&file(
        r#"
services:
  web:
    SLEEP
    user: "1000:1000"
    configs:
      - text
      - {source: text, target: /etc/other, uid: "1000", gid: "1001", mode: 0440}
    secrets: [key, token]
configs:
  text: {content: "hello"}
secrets:
  key: {file: ./key}
  token: {environment: TOKEN}
"#,
    ));
    project.host.write("p/key", "from a file");
    let mut command = project.command("up -d");
    let output = command.env("TOKEN", "from a variable").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        project.says(
            "web",
            "cat /text; echo; cat /run/secrets/key; echo; cat /run/secrets/token"
        ),
        "hello\nfrom a file\nfrom a variable"
    );
    assert_eq!(
        project.says("web", "stat -c %u:%g:%a /etc/other"),
        "1000:1001:440"
    );
    assert!(
        project
            .says("web", "echo x > /etc/other || echo no")
            .ends_with("no")
    );
    // The value is part of what it was made from.
    let id = project.id("web");
    let mut command = project.command("up -d");
    assert!(
        command
            .env("TOKEN", "from a variable")
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(project.id("web"), id);
    let mut command = project.command("up -d -t 0");
    let output = command.env("TOKEN", "another").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_ne!(project.id("web"), id);
}

#[test]
fn an_image_that_is_missing_is_built_where_the_file_says_how() {
    let project = Project::on(
        Host::with_own_images(),
        r#"
services:
  web:
    build:
      context: .
      dockerfile_inline: |
        FROM alpine
        ARG WORD
        RUN echo $$WORD > /word
        CMD ["sleep", "1000"]
      args: {WORD: one}
    init: true
"#,
    );
    let told = project.tells("up -d");
    at(&told, "Image p-web  Built");
    assert_eq!(project.says("web", "cat /word"), "one");
    assert!(
        !project
            .tells("up -d")
            .iter()
            .any(|line| line.contains("Built"))
    );
    let id = project.id("web");
    let told = project.tells("up -d --build --force-recreate -t 0");
    at(&told, "Image p-web  Built");
    assert_ne!(project.id("web"), id);
    project.tells("down -t 0 --rmi local");
    assert!(!project.host.ok("images").contains("p-web"));
}

#[test]
fn what_is_wrong_is_said_before_anything_is_made() {
    let cases = [
        ("cap_add: [BOGUS]", "services.web.cap_add: "),
        (
            "networks: [there]",
            "network there declared as external, but could not be found",
        ),
        ("volumes: ['gone:/x']", "external volume \"gone\" not found"),
        ("pid: 'service:nobody'", "nobody"),
        (
            "volumes: [{type: bind, source: /nosuch, target: /x, bind: {create_host_path: false}}]",
            "bind source path does not exist: /nosuch",
        ),
        ("networks: [odd]", "networks.odd: "),
        ("volumes: ['odd:/x']", "volumes.odd: "),
        ("mem_limit: 1k", "Minimum memory limit allowed is 6MB"),
        (
            "pull_policy: never\n    image: nosuch",
            "No such image: nosuch",
        ),
    ];
    for (key, text) in cases {
        let image = if key.contains("image") {
            ""
        } else {
            "image: alpine\n    "
        };
        let project = Project::new(&format!(
            "services:\n  a:\n    image: alpine\n    command: 'true'\n  web:\n    {image}{key}\n\
             networks: {{there: {{external: true, name: there}}, odd: {{driver: overlay}}}}\n\
             volumes: {{gone: {{external: true, name: gone}}, odd: {{driver: nfs}}}}\n"
        ));
        let error = project.fails("up -d");
        assert!(error.contains(text), "{key}: {error}");
        assert_eq!(project.host.ok("ps -aq"), "", "{key}");
        project.host.nothing_is_left();
    }
}

#[test]
fn orphans_are_told_and_removed_if_asked() {
    let project = Project::new(&file("services:\n  web:\n    SLEEP\n  old:\n    SLEEP\n"));
    project.tells("up -d");
    project.change(&file("services:\n  web:\n    SLEEP\n"));
    let told = project.tells("up -d").join("\n");
    assert!(
        told.contains("Found orphan containers ([p-old-1])"),
        "{told}"
    );
    assert_eq!(project.containers("running"), ["p-old-1", "p-web-1"]);
    project.tells("up -d --remove-orphans -t 0");
    assert_eq!(project.containers("running"), ["p-web-1"]);
}

#[test]
fn signals_pauses_and_restarts_reach_all_containers() {
    let project = Project::new(&file(
        "services:\n  web:\n    SLEEP\n    scale: 2\n  db:\n    SLEEP\n",
    ));
    project.tells("up -d");
    project.tells("pause web");
    assert_eq!(project.containers("paused"), ["p-web-1", "p-web-2"]);
    project.tells("unpause");
    assert_eq!(project.containers("running").len(), 3);
    let started = project.host.ok("inspect -f {{.State.StartedAt}} p-db-1");
    project.tells("restart -t 0 db");
    assert_ne!(
        project.host.ok("inspect -f {{.State.StartedAt}} p-db-1"),
        started
    );
    project.tells("kill -s KILL web");
    eventually("both to end", || {
        (project.containers("exited") == ["p-web-1", "p-web-2"]).then_some(())
    });
    project.tells("rm -f web");
    assert_eq!(project.containers("exited"), [""; 0]);
    let error = project.fails("start web");
    assert!(
        error.contains("service \"web\" has no container to start"),
        "{error}"
    );
}
