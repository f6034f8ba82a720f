use super::super::super::device_rule::{rules, tests::listed};
use super::*;

fn parsed(list: &[&str]) -> Vec<DeviceRule> {
    rules(&list.iter().map(|rule| listed(rule)).collect::<Vec<_>>()).unwrap()
}

fn shown(settings: Vec<Setting>) -> Vec<String> {
    let lines = settings.into_iter();
    lines
        .map(|setting| format!("{} {}", setting.file, setting.value))
        .collect()
}

fn lines(list: &[&str]) -> Vec<String> {
    shown(settings(&parsed(list)).unwrap())
}

#[test]
fn a_group_in_use_is_told_the_difference() {
    let list = "c 1:3 rwm\nb *:* m\nc 5:1 r\n";
    let change = |list: &str, rules: &[&str]| shown(changes(list, &parsed(rules)).unwrap());
    let same = [
        "deny a",
        "allow c 1:3 rwm",
        "allow b *:* m",
        "allow c 5:1 r",
    ];
    assert!(change(list, &same).is_empty());
    assert_eq!(
        change(
            list,
            &[
                "deny a",
                "allow c 1:3 rw",
                "allow c 5:1 rw",
                "allow c 1:5 r"
            ]
        ),
        [
            "devices.allow c 5:1 w",
            "devices.allow c 1:5 r",
            "devices.deny c 1:3 m",
            "devices.deny b *:* m"
        ]
    );
    // From or to a group that allows everything: from the beginning.
    assert_eq!(
        change("a *:* rwm\n", &["deny a", "allow c 1:3 r"]),
        ["devices.deny a", "devices.allow c 1:3 r"]
    );
    assert_eq!(
        change(list, &["deny c 1:3 w"]),
        ["devices.allow a", "devices.deny c 1:3 w"]
    );
    assert!(change(list, &[]).is_empty());
}

#[test]
fn rules_for_the_same_devices_come_to_one() {
    let mut state = State::default();
    for rule in parsed(&["deny a", "allow c 1:3 r", "allow c 1:3 wm", "deny c 1:3 w"]) {
        state.add(&rule).unwrap();
    }
    assert_eq!(state.exceptions.len(), 1);
    assert_eq!(state.exceptions[0].access, READ | MKNOD);
}

#[test]
fn rules_become_lines_in_their_order() {
    assert_eq!(
        lines(&[
            "allow a *:* rwm",
            "deny a *:* rwm",
            "allow c *:* m",
            "allow b 8:* rw"
        ]),
        [
            "devices.deny a",
            "devices.allow c *:* m",
            "devices.allow b 8:* rw"
        ]
    );
    assert!(
        lines(&["allow a *:* rwm"]).is_empty(),
        "a privileged container writes nothing"
    );
}

#[test]
fn a_hole_in_a_wider_rule_is_refused() {
    let rules = ["deny a", "allow c *:* rwm", "deny c 1:3 w"];
    assert_eq!(
        settings(&parsed(&rules)).unwrap_err().to_string(),
        "the device rule \"c 1:3 w\" is not supported here: cgroup v1 cannot take it out of \
         the wider rule before it"
    );
    // Exactly the same devices are fine, and so are others.
    assert_eq!(
        lines(&["deny a", "allow c 1:3 rw", "deny c 1:3 w", "deny c 1:5 w"]).len(),
        4
    );
}
