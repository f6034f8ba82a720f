//! Clocks of the container's own.

use std::os::fd::AsFd;

use oci_spec::runtime::{LinuxNamespaceBuilder, LinuxNamespaceType};
use rbox_runtime::Running;
use rbox_runtime::spec::defaults;
use serde_json::{Value, json};

use crate::support::{Trial, alpine, apart, end, enter, reap, skip};

const TEN_DAYS: f64 = 864_000.0;

/// A container with a time namespace and these offsets.
fn ahead(image: &std::path::Path, script: &str, offsets: Value) -> Trial {
    let mut trial = Trial::shell(image, script);
    trial.linux(|linux| {
        let mut namespaces = linux.namespaces().clone().unwrap();
        namespaces.push(defaults::namespace(LinuxNamespaceType::Time));
        linux
            .set_namespaces(Some(namespaces))
            .set_time_offsets(Some(serde_json::from_value(offsets).unwrap()));
    });
    trial
}

/// The first number of /proc/uptime.
fn uptime(text: &str) -> f64 {
    text.split_whitespace().next().unwrap().parse().unwrap()
}

fn has_time_namespaces(test: &str) -> bool {
    let there = std::path::Path::new("/proc/self/ns/time").exists();
    if !there {
        skip(test, "the kernel has no time namespaces");
    }
    there
}

/// What a later process says.
fn entered(running: &Running, trial: &Trial) -> String {
    let (process, text) = enter(running, trial).unwrap();
    assert_eq!(reap(process.pidfd.as_fd()), 0, "{text}");
    text
}

#[test]
fn the_clocks_are_ahead_and_the_hosts_are_not() {
    let test = "time_namespace::the_clocks_are_ahead";
    let Some(image) = alpine(test) else {
        return;
    };
    if !has_time_namespaces(test) {
        return;
    }
    apart("the_clocks_are_ahead", || {
        let host = uptime(&std::fs::read_to_string("/proc/uptime").unwrap());
        let script = "cat /proc/uptime /proc/self/timens_offsets; readlink /proc/self/ns/time; \
                      readlink /proc/self/ns/time_for_children";
        let offsets =
            json!({"boottime": {"secs": 864_000}, "monotonic": {"secs": 5, "nanosecs": 7}});
        let output = ahead(&image, script, offsets).output();
        let inside = uptime(&output);
        assert!(
            inside >= host + TEN_DAYS && inside < host + TEN_DAYS + 60.0,
            "{inside} {host}"
        );
        let lines: Vec<Vec<_>> = output
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[1], ["monotonic", "5", "7"]);
        assert_eq!(lines[2], ["boottime", "864000", "0"]);
        assert_eq!(lines[3], lines[4], "the program itself is in it");
        let ours = std::fs::read_link("/proc/self/ns/time").unwrap();
        assert_ne!(lines[3], [ours.to_str().unwrap()]);
        assert!(uptime(&std::fs::read_to_string("/proc/uptime").unwrap()) < host + 60.0);
    });
}

#[test]
fn later_processes_and_other_containers_can_have_them_too() {
    let test = "time_namespace::later_processes";
    let Some(image) = alpine(test) else {
        return;
    };
    if !has_time_namespaces(test) {
        return;
    }
    apart("later_processes", || {
        let first = ahead(
            &image,
            "exec sleep 100",
            json!({"boottime": {"secs": 864_000}}),
        );
        let (running, _out, _err) = first.start();
        let mut second = Trial::new(&image, &["cat", "/proc/uptime"]);
        let later = entered(&running, &second);
        assert!(uptime(&later) > TEN_DAYS, "{later}");
        second.linux(|linux| {
            let mut namespaces = linux.namespaces().clone().unwrap();
            let time = LinuxNamespaceBuilder::default()
                .typ(LinuxNamespaceType::Time)
                .path(format!("/proc/{}/ns/time", running.pid));
            namespaces.push(time.build().unwrap());
            linux.set_namespaces(Some(namespaces));
        });
        let output = second.output();
        assert!(uptime(&output) > TEN_DAYS, "{output}");
        end(&running);
    });
}

#[test]
fn an_offset_that_the_kernel_refuses_is_named() {
    let test = "time_namespace::an_offset_that_the_kernel_refuses";
    let Some(image) = alpine(test) else {
        return;
    };
    if !has_time_namespaces(test) {
        return;
    }
    apart("an_offset_that_the_kernel_refuses", || {
        let before_boot = json!({"boottime": {"secs": -1_000_000_000_i64}});
        assert_eq!(
            ahead(&image, "true", before_boot).failure().1,
            "error during container init: write /proc/self/timens_offsets: \
             numerical result out of range"
        );
        let mut trial = Trial::new(&image, &["true"]);
        trial.linux(|linux| {
            let offsets = json!({"boottime": {"secs": 1}});
            linux.set_time_offsets(Some(serde_json::from_value(offsets).unwrap()));
        });
        assert_eq!(
            trial.failure().1,
            "linux.timeOffsets: they need a new time namespace"
        );
    });
}
