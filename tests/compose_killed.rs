//! `compose up` and `down`, killed in the middle: they can simply be said again.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::harness::Project;

fn file(version: u32) -> String {
    format!(
        r#"
services:
  web:
    image: alpine
    init: true
    command: sleep 1000
    environment: {{VERSION: "{version}"}}
    depends_on: [db]
    scale: 2
  db:
    image: alpine
    init: true
    command: sleep 1000
    environment: {{VERSION: "{version}"}}
    volumes: [/anonymous, "data:/data"]
  shares:
    image: alpine
    init: true
    command: sleep 1000
    network_mode: service:db
volumes: {{data: {{}}}}
"#
    )
}

/// Runs compose and kills it once it has told so many lines; whether it was still there.
fn killed_after(project: &Project, line: &str, lines: usize) -> bool {
    let mut child = project
        .command(line)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let all = (0..lines).all(|_| told.next().is_some());
    let _ = child.kill();
    child.wait().unwrap();
    all
}

#[track_caller]
fn is_as_it_shall_be(project: &Project, version: u32) {
    assert_eq!(
        project.containers("running"),
        ["p-db-1", "p-shares-1", "p-web-1", "p-web-2"]
    );
    let all = project.host.ok("ps -aq");
    assert_eq!(all.lines().count(), 4, "{}", project.host.ok("ps -a"));
    for service in ["web", "db"] {
        assert_eq!(project.says(service, "echo $VERSION"), version.to_string());
    }
    assert_eq!(
        project.says("db", "readlink /proc/1/ns/net"),
        project.says("shares", "readlink /proc/1/ns/net")
    );
}

#[test]
fn an_up_that_was_killed_is_finished_by_the_next() {
    let project = Project::new(&file(1));
    for lines in 1.. {
        let killed = killed_after(&project, "up -d", lines);
        project.tells("up -d");
        is_as_it_shall_be(&project, 1);
        project.tells("down -v -t 0");
        // An anonymous volume of a container whose maker died before its record is nobody's.
        project.host.ok("volume prune -f");
        project.host.nothing_is_left();
        if !killed {
            break;
        }
    }
}

#[test]
fn a_change_that_was_killed_is_finished_by_the_next() {
    let project = Project::new(&file(1));
    project.tells("up -d");
    project.says("db", "echo kept > /anonymous/file");
    for lines in 1.. {
        let version = u32::try_from(lines).unwrap() + 1;
        project.change(&file(version));
        let killed = killed_after(&project, "up -d -t 0", lines);
        project.tells("up -d -t 0");
        is_as_it_shall_be(&project, version);
        assert_eq!(project.says("db", "cat /anonymous/file"), "kept");
        if !killed {
            break;
        }
    }
}

#[test]
fn a_down_that_was_killed_is_finished_by_the_next() {
    let project = Project::new(&file(1));
    for lines in 1.. {
        project.tells("up -d");
        let killed = killed_after(&project, "down -v -t 0", lines);
        project.tells("down -v -t 0");
        project.host.nothing_is_left();
        if !killed {
            break;
        }
    }
}

#[test]
fn two_at_the_same_time_leave_one_project() {
    let project = Project::new(&file(1));
    let both: Vec<_> = (0..2)
        .map(|_| {
            project
                .command("up -d")
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in both {
        child.wait().unwrap();
    }
    // One of them may have lost a race and said so.
    project.tells("up -d");
    is_as_it_shall_be(&project, 1);
}
