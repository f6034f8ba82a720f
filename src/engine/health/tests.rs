use super::*;

fn asked(test: &[&str]) -> Healthcheck {
    Healthcheck {
        test: test.iter().map(|word| (*word).to_owned()).collect(),
        ..Healthcheck::default()
    }
}

fn found(exit_code: i32) -> Probe {
    Probe {
        start: String::new(),
        end: String::new(),
        exit_code,
        output: String::new(),
    }
}

#[test]
fn defaults_are_dockers() {
    let check = Check::new(&asked(&["CMD-SHELL", "a | b"]), &[]).unwrap();
    assert_eq!(check.command, ["/bin/sh", "-c", "a | b"]);
    assert_eq!(check.timeout, Duration::from_secs(30));
    assert_eq!(check.interval, Duration::from_secs(30));
    assert_eq!(check.start_period, Duration::ZERO);
    assert_eq!(check.start_interval, Duration::from_secs(5));
    assert_eq!(check.retries, 3);
    let shell = ["/bin/bash".to_owned(), "-ec".to_owned()];
    let check = Check::new(&asked(&["CMD-SHELL", "a"]), &shell).unwrap();
    assert_eq!(check.command, ["/bin/bash", "-ec", "a"]);
    let check = Check::new(&asked(&["CMD", "a", "b"]), &shell).unwrap();
    assert_eq!(check.command, ["a", "b"]);
    for none in [&[][..], &["NONE"], &["BOGUS", "a"]] {
        assert_eq!(Check::new(&asked(none), &[]), None);
    }
}

#[test]
fn an_image_that_lies_about_its_times_gets_the_defaults() {
    let hostile = Healthcheck {
        interval: i64::MIN,
        timeout: -1,
        start_period: i64::MIN,
        retries: i64::MAX,
        ..asked(&["CMD", "a"])
    };
    let check = Check::new(&hostile, &[]).unwrap();
    assert_eq!(check.interval, Duration::from_secs(30));
    assert_eq!(check.timeout, Duration::from_secs(30));
    assert_eq!(check.start_period, Duration::ZERO);
    assert_eq!(check.retries, 3);
}

#[test]
fn the_command_line_goes_over_the_image_word_by_word() {
    let image = Healthcheck {
        interval: 5,
        retries: 2,
        ..asked(&["CMD", "a"])
    };
    let given = Healthcheck {
        interval: 7,
        ..Healthcheck::default()
    };
    let merged = given.over(&image);
    assert_eq!(merged.test, ["CMD", "a"]);
    assert_eq!((merged.interval, merged.retries), (7, 2));
    assert_eq!(asked(&["NONE"]).over(&image).test, ["NONE"]);
}

#[test]
fn what_docker_refuses_is_refused_with_its_words() {
    let bad = |change: fn(&mut Healthcheck)| {
        let mut check = asked(&["CMD", "a"]);
        change(&mut check);
        check.check().unwrap_err().message
    };
    assert_eq!(
        bad(|check| check.interval = 500_000),
        "Interval in Healthcheck cannot be less than 1ms"
    );
    assert_eq!(
        bad(|check| check.start_interval = 1),
        "StartInterval in Healthcheck cannot be less than 1ms"
    );
    assert_eq!(
        bad(|check| check.retries = -1),
        "Retries in Healthcheck cannot be negative"
    );
    assert_eq!(
        bad(|check| check.test = vec!["curl".into()]),
        "invalid health check: \"curl\" is none of NONE, CMD and CMD-SHELL"
    );
    asked(&[]).check().unwrap();
}

#[test]
fn failures_in_a_row_make_it_unhealthy_and_one_success_healthy() {
    let check = Check::new(
        &Healthcheck {
            retries: 2,
            ..asked(&["CMD", "a"])
        },
        &[],
    )
    .unwrap();
    let mut health = Health::starting();
    let up = Duration::from_secs(1);
    let mut states = Vec::new();
    for code in [1, 0, 5, 0, -1, 127, 127, 0] {
        let changed = check.take(&mut health, found(code), up);
        states.push((health.status.name(), health.failing_streak, changed));
    }
    assert_eq!(
        states,
        [
            ("starting", 1, false),
            ("healthy", 0, true),
            ("healthy", 1, false),
            ("healthy", 0, false),
            ("healthy", 1, false),
            ("unhealthy", 2, true),
            ("unhealthy", 3, false),
            ("healthy", 0, true),
        ]
    );
    let codes: Vec<i32> = health.log.iter().map(|probe| probe.exit_code).collect();
    assert_eq!(codes, [0, -1, 127, 127, 0], "the last five");
}

#[test]
fn failures_of_the_start_period_do_not_count_until_it_was_healthy_once() {
    let check = Check::new(
        &Healthcheck {
            retries: 1,
            interval: 20_000_000_000,
            start_period: 10_000_000_000,
            start_interval: 1_000_000_000,
            ..asked(&["CMD", "a"])
        },
        &[],
    )
    .unwrap();
    let early = Duration::from_secs(9);
    let late = Duration::from_secs(10);
    let mut health = Health::starting();
    assert_eq!(check.pause(health.status, early), Duration::from_secs(1));
    assert_eq!(check.pause(health.status, late), Duration::from_secs(20));
    assert!(!check.take(&mut health, found(1), early));
    assert_eq!((health.failing_streak, health.log.len()), (0, 1));
    assert!(check.take(&mut health.clone(), found(1), late));
    assert!(check.take(&mut health, found(0), early));
    assert_eq!(check.pause(health.status, early), Duration::from_secs(20));
    assert!(check.take(&mut health, found(1), early), "it was healthy");
    assert_eq!(health.status, HealthStatus::Unhealthy);
}

#[test]
fn inspect_shows_what_was_said_and_no_defaults() {
    let check = Healthcheck {
        interval: 1_000_000_000,
        ..asked(&["CMD", "a"])
    };
    assert_eq!(
        check.value().to_string(),
        r#"{"Test":["CMD","a"],"Interval":1000000000}"#
    );
    assert_eq!(
        Health::starting().ended().value().to_string(),
        r#"{"Status":"unhealthy","FailingStreak":0,"Log":[]}"#
    );
}
