//! Which events somebody wants to hear of, by Docker's rules (moby daemon/events/filter.go).

use super::{Event, Kind};

/// What is wanted: of each list one must fit, of labels all; an empty list fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Kinds.
    pub kinds: Vec<Kind>,
    /// Actions; `exec_start` also stands for `exec_start: ls`.
    pub actions: Vec<String>,
    /// Containers, by the beginning of an id or a name.
    pub containers: Vec<String>,
    /// Images by id or name, and containers made from them.
    pub images: Vec<String>,
    /// Networks, by the beginning of an id or a name.
    pub networks: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
    /// `key` or `key=value`.
    pub labels: Vec<String>,
    /// Nanoseconds since the epoch: none before.
    pub since: Option<i64>,
    /// Nanoseconds since the epoch: none after.
    pub until: Option<i64>,
}

impl Selection {
    /// Whether the event is one of them.
    pub fn takes(&self, event: &Event) -> bool {
        let any = |list: &[String], fits: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.iter().any(|wanted| fits(wanted))
        };
        let name = event.attributes.get("name").map_or("", String::as_str);
        let begins = |kind: Kind| {
            move |wanted: &str| {
                event.kind == kind && (event.id.starts_with(wanted) || name.starts_with(wanted))
            }
        };
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time <= until)
            && any(&self.actions, &|wanted| is_action(&event.action, wanted))
            && any(&self.containers, &begins(Kind::Container))
            && any(&self.networks, &begins(Kind::Network))
            && any(&self.volumes, &|wanted| {
                event.kind == Kind::Volume && event.id == wanted
            })
            && any(&self.images, &|wanted| is_of_image(event, wanted))
            && self.labels.iter().all(|wanted| has_label(event, wanted))
    }
}

fn is_action(action: &str, wanted: &str) -> bool {
    action == wanted
        || (matches!(wanted, "exec_create" | "exec_start" | "health_status")
            && action
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.starts_with(':')))
}

fn is_of_image(event: &Event, wanted: &str) -> bool {
    let name = match event.kind {
        Kind::Image => event.attributes.get("name"),
        Kind::Container => event.attributes.get("image"),
        _ => return false,
    };
    let of_id = event.kind == Kind::Image && event.id == wanted;
    of_id || name.is_some_and(|name| name == wanted || without_tag(name) == wanted)
}

/// `reg.test:5000/a` of `reg.test:5000/a:1`.
fn without_tag(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

fn has_label(event: &Event, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => event.attributes.get(key).is_some_and(|v| v == value),
        None => event.attributes.contains_key(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(action: &str) -> Event {
        Event::new(Kind::Container, action, "abc123")
            .with("name", "web")
            .with("image", "reg.test:5000/a:1")
            .with("tier", "front")
    }

    fn takes(selection: Selection) -> bool {
        selection.takes(&container("exec_start: ls"))
    }

    fn list(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    #[test]
    fn a_container_is_known_by_name_id_image_and_label() {
        type Fill = fn(&mut Selection, Vec<String>);
        let containers: Fill = |selection, list| selection.containers = list;
        let images: Fill = |selection, list| selection.images = list;
        let labels: Fill = |selection, list| selection.labels = list;
        let actions: Fill = |selection, list| selection.actions = list;
        let networks: Fill = |selection, list| selection.networks = list;
        for (fill, text, expected) in [
            (containers, "web", true),
            (containers, "abc", true),
            (containers, "b", false),
            (images, "reg.test:5000/a:1", true),
            (images, "reg.test:5000/a", true),
            (images, "reg.test", false),
            (labels, "tier", true),
            (labels, "tier=front", true),
            (labels, "tier=back", false),
            (actions, "exec_start", true),
            (actions, "exec_start: ls", true),
            (actions, "exec", false),
            (networks, "web", false),
        ] {
            let mut selection = Selection::default();
            fill(&mut selection, list(text));
            assert_eq!(takes(selection), expected, "{text}");
        }
    }

    #[test]
    fn kinds_and_times_bound_it() {
        let at = |since, until| Selection {
            since,
            until,
            ..Selection::default()
        };
        let mut event = container("start");
        event.time = 5;
        assert!(at(Some(5), Some(5)).takes(&event));
        assert!(!at(Some(6), None).takes(&event));
        assert!(!at(None, Some(4)).takes(&event));
        let of = |kind| Selection {
            kinds: vec![kind],
            ..Selection::default()
        };
        assert!(of(Kind::Container).takes(&event) && !of(Kind::Image).takes(&event));
    }

    #[test]
    fn an_image_is_known_by_what_it_was_called() {
        let event = Event::image("pull", "alpine:3", "alpine");
        let of = |name: &str| Selection {
            images: list(name),
            ..Selection::default()
        };
        for (name, expected) in [("alpine", true), ("alpine:3", true), ("alp", false)] {
            assert_eq!(of(name).takes(&event), expected, "{name}");
        }
    }
}
