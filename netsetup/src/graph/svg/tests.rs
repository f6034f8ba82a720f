use super::super::testing::{hostile, two_networks};
use super::*;

/// A strict reader of the XML that is written here: names of the elements in the order in which
/// they begin; panics where it is not well-formed.
fn elements(xml: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut all = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = rest[start..].find('>').expect("a tag without end") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of order");
            continue;
        }
        let (tag, alone) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|b| b.is_ascii_lowercase()), "{name:?}");
        while !attributes.is_empty() {
            let (key, value) = attributes.split_once("=\"").expect("an attribute");
            assert!(key.bytes().all(|b| b.is_ascii_alphanumeric()), "{key:?}");
            let (value, next) = value.split_once('"').expect("an attribute's end");
            check_text(value);
            attributes = next.trim_start();
        }
        all.push(name.to_owned());
        if !alone {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?} not closed");
    assert_eq!(rest.trim(), "");
    all
}

fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let entity = text[at + 1..].split(';').next().unwrap();
        assert!(
            ["amp", "lt", "gt", "quot", "#39"].contains(&entity),
            "&{entity}"
        );
    }
    assert!(
        !text.chars().any(|c| c.is_control() && c != '\n'),
        "{text:?}"
    );
}

#[test]
fn the_file_is_well_formed_whatever_names_say() {
    for graph in [two_networks(), hostile()] {
        let xml = svg(&graph);
        let elements = elements(&xml);
        assert_eq!(elements[..4], ["svg", "title", "style", "rect"]);
        let known = ["svg", "title", "style", "rect", "line", "text"];
        assert!(
            elements.iter().all(|name| known.contains(&name.as_str())),
            "{elements:?}"
        );
    }
}

#[test]
fn every_fact_is_in_it_and_nothing_lies_outside_the_picture() {
    let xml = svg(&two_networks());
    for text in [
        "eth0  198.51.100.2/24  default via 198.51.100.1",
        ">lan<",
        ">internal<",
        ">vethweb<",
        ">172.18.0.2/16<",
        ">02:42:ac:12:00:02<",
        ">8080 → 80/tcp<",
        ">127.0.0.1:5353 → 53/udp<",
        ">shared with guest<",
    ] {
        assert!(xml.contains(text), "{text}\n{xml}");
    }
    let number = |attribute: &str, tag: &str| -> i32 {
        let text = tag.split(&format!(" {attribute}=\"")).nth(1).unwrap();
        text.split('"').next().unwrap().parse().unwrap()
    };
    let size = xml.lines().next().unwrap();
    let (width, height) = (number("width", size), number("height", size));
    for rect in xml
        .lines()
        .filter(|line| line.starts_with("<rect class=") && line.contains(" x="))
    {
        assert!(number("x", rect) + number("width", rect) <= width, "{rect}");
        assert!(
            number("y", rect) + number("height", rect) <= height,
            "{rect}"
        );
        assert!(number("height", rect) > 0, "{rect}");
    }
    assert_eq!(
        xml,
        svg(&two_networks()),
        "the same facts give the same bytes"
    );
}
