//! `compose up` after a change: what it touches, and what it leaves.

use crate::harness::{Host, Project};

fn web(extra: &str) -> String {
    format!(
        r#"
services:
  web:
    image: alpine
    init: true
    command: sleep 1000
    {extra}
  db:
    image: alpine
    init: true
    command: sleep 1000
    volumes: [/anonymous, "data:/data"]
volumes: {{data: {{}}}}
"#
    )
}

#[test]
fn only_what_changed_is_made_anew() {
    let project = Project::new(&web(""));
    project.tells("up -d");
    let (web_id, db_id) = (project.id("web"), project.id("db"));
    project.change(&web("environment: {A: '1'}"));
    let told = project.tells("up -d -t 0");
    assert!(
        told.contains(&"Container p-web-1  Recreate".to_owned()),
        "{told:#?}"
    );
    assert!(
        told.contains(&"Container p-web-1  Recreated".to_owned()),
        "{told:#?}"
    );
    assert!(
        told.contains(&"Container p-db-1  Running".to_owned()),
        "{told:#?}"
    );
    assert_ne!(project.id("web"), web_id);
    assert_eq!(project.id("db"), db_id);
    assert_eq!(project.says("web", "echo $A"), "1");
    // What only says how they are started together is no change.
    project.change(&web("environment: {A: '1'}\n    depends_on: [db]"));
    let told = project.tells("up -d");
    assert!(
        told.iter().all(|line| line.ends_with("Running")),
        "{told:#?}"
    );
}

#[test]
fn anonymous_volumes_are_taken_over_unless_told_otherwise() {
    let project = Project::new(&web(""));
    project.tells("up -d");
    project.says("db", "echo kept > /anonymous/a; echo kept > /data/d");
    let id = project.id("db");
    project.tells("up -d --force-recreate -t 0");
    assert_ne!(project.id("db"), id);
    assert_eq!(project.says("db", "cat /anonymous/a /data/d"), "kept\nkept");
    project.tells("up -d --force-recreate -V -t 0");
    assert_eq!(project.says("db", "ls /anonymous; cat /data/d"), "kept");
    let id = project.id("db");
    project.change(&web("").replace("/anonymous,", "/anonymous, /more,"));
    project.tells("up -d --no-recreate");
    assert_eq!(project.id("db"), id);
    project.host.ok("volume prune -f");
}

#[test]
fn another_image_of_that_name_is_a_change() {
    let project = Project::on(
        Host::with_own_images(),
        &web("").replace("image: alpine", "image: app"),
    );
    project.host.ok("tag alpine app");
    project.tells("up -d");
    let id = project.id("web");
    project.host.ok("tag flask:3.1 app");
    project.tells("up -d -t 0");
    assert_ne!(project.id("web"), id);
    assert_eq!(
        project.host.ok("inspect -f {{.Image}} p-web-1"),
        project.host.ok("image inspect -f {{.Id}} flask:3.1")
    );
}

#[test]
fn a_network_that_changed_is_made_anew_under_its_containers() {
    let file = |network: &str| format!("{}networks: {{default: {network}}}\n", web(""));
    let project = Project::new(&file("{}"));
    project.tells("up -d");
    let network = project.host.ok("network inspect -f {{.Id}} p_default");
    let id = project.id("web");
    let changed = file("{internal: true}");
    project.change(&changed);
    let told = project.tells("up -d -t 0");
    assert!(
        told.contains(&"Network p_default  Removed".to_owned()),
        "{told:#?}"
    );
    assert!(
        told.contains(&"Network p_default  Created".to_owned()),
        "{told:#?}"
    );
    assert_ne!(
        project.host.ok("network inspect -f {{.Id}} p_default"),
        network
    );
    assert_eq!(
        project
            .host
            .ok("network inspect -f {{.Internal}} p_default"),
        "true"
    );
    assert_eq!(project.id("web"), id, "its own configuration is the same");
    assert!(
        project
            .says("web", "ping -c 1 -W 5 db")
            .contains("1 packets received")
    );
}

#[test]
fn who_shares_a_namespace_goes_with_its_owner() {
    let file = |word: &str| {
        format!(
            r#"
services:
  net:
    image: alpine
    init: true
    command: sleep {word}
  web:
    image: alpine
    init: true
    command: sleep 1000
    network_mode: service:net
  with:
    image: alpine
    init: true
    command: sleep 1000
    depends_on:
      net: {{condition: service_started, restart: true}}
"#
        )
    };
    let project = Project::new(&file("1000"));
    project.tells("up -d");
    let (web, with) = (project.id("web"), project.id("with"));
    let started = project.host.ok("inspect -f {{.State.StartedAt}} p-with-1");
    project.change(&file("1001"));
    project.tells("up -d -t 0");
    assert_ne!(project.id("web"), web);
    assert_eq!(project.id("with"), with);
    assert_ne!(
        project.host.ok("inspect -f {{.State.StartedAt}} p-with-1"),
        started,
        "restart: true"
    );
    assert_eq!(
        project.says("net", "readlink /proc/1/ns/net"),
        project.says("web", "readlink /proc/1/ns/net")
    );
}

#[test]
fn the_old_one_runs_on_where_the_new_one_cannot_be_made() {
    let project = Project::new(&web(""));
    project.tells("up -d");
    let id = project.id("web");
    project.change(&web("network_mode: 'container:nobody'"));
    let error = project.fails("up -d -t 0");
    assert!(error.contains("No such container: nobody"), "{error}");
    assert_eq!(project.id("web"), id);
    assert_eq!(project.containers("running"), ["p-db-1", "p-web-1"]);
}
