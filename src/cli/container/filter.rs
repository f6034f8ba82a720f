//! Which containers `ps` lists.

use crate::cli::parse::Invalid;
use crate::cli::parse::filter::Filters;
use crate::engine::list::ContainerSummary;
use crate::engine::record::HealthStatus;

const NAMES: [&str; 14] = [
    "ancestor", "before", "exited", "expose", "health", "id", "is-task", "label", "label!", "name",
    "network", "publish", "since", "status",
];
const MORE_NAMES: [&str; 2] = ["volume", "isolation"];

const STATES: [&str; 7] = [
    "created",
    "restarting",
    "running",
    "removing",
    "paused",
    "exited",
    "dead",
];

const HEALTH: [&str; 4] = ["starting", "healthy", "unhealthy", "none"];

/// What filters need to know of images and networks.
pub trait Lookup {
    /// Whether the container's image is that image or built on it.
    fn descends(&self, container: &ContainerSummary, image: &str) -> bool;
    /// A network's name from its name or id.
    fn network(&self, reference: &str) -> Option<String>;
}

/// How much to list.
#[derive(Debug, Default)]
pub struct Choice {
    /// Also those that do not run.
    pub all: bool,
    /// No more than so many, of all.
    pub last: Option<usize>,
    /// `--filter`.
    pub filters: Filters,
}

impl Choice {
    /// Reads and checks the filters.
    pub fn new(
        all: bool,
        last: Option<usize>,
        filters: &[(String, String)],
    ) -> Result<Choice, Invalid> {
        let names: Vec<&str> = NAMES.iter().chain(&MORE_NAMES).copied().collect();
        let filters = Filters::new(filters, &names)?;
        for (name, values) in [("status", &STATES[..]), ("health", &HEALTH[..])] {
            for value in filters.get(name) {
                if !values.contains(&value.as_str()) {
                    return Err(filters.refuse(name, value));
                }
            }
        }
        for value in filters.get("exited") {
            if value.parse::<i32>().is_err() {
                return Err(filters.refuse("exited", value));
            }
        }
        for name in ["publish", "expose"] {
            for value in filters.get(name) {
                if range(value).is_none() {
                    return Err(filters.refuse(name, value));
                }
            }
        }
        // Asking for a state means whatever its state.
        let all = all || last.is_some() || !filters.get("status").is_empty();
        Ok(Choice { all, last, filters })
    }

    /// The containers to list, newest first.
    pub fn choose<'a>(
        &self,
        containers: &'a [ContainerSummary],
        lookup: &dyn Lookup,
    ) -> Result<Vec<&'a ContainerSummary>, Invalid> {
        let position = |name: &str| {
            self.filters
                .get(name)
                .iter()
                .map(|reference| find(containers, reference))
                .collect::<Result<Vec<usize>, Invalid>>()
        };
        let before = position("before")?.into_iter().max();
        let since = position("since")?.into_iter().min();
        let networks: Vec<String> = self
            .filters
            .get("network")
            .iter()
            .map(|network| lookup.network(network).unwrap_or_else(|| network.clone()))
            .collect();
        let chosen = containers.iter().enumerate().filter(|(index, container)| {
            (self.all
                || matches!(
                    container.state.as_str(),
                    "running" | "paused" | "restarting"
                ))
                && before.is_none_or(|before| *index > before)
                && since.is_none_or(|since| *index < since)
                && (networks.is_empty()
                    || container
                        .networks
                        .iter()
                        .any(|network| networks.contains(network)))
                && self.passes(container, lookup)
        });
        let chosen = chosen.map(|(_, container)| container);
        Ok(chosen.take(self.last.unwrap_or(usize::MAX)).collect())
    }

    fn passes(&self, container: &ContainerSummary, lookup: &dyn Lookup) -> bool {
        let filters = &self.filters;
        let names =
            filters.get("name").is_empty() || container.names.iter().any(|name| filters.name(name));
        names
            && filters.id(&container.id)
            && filters.labels(&container.labels)
            && filters.any("status", |state| *state == container.state)
            && filters.any("exited", |code| {
                container.state == "exited" && code.parse() == Ok(container.exit_code)
            })
            && filters.any("health", |health| {
                *health == container.health.map_or("none", HealthStatus::name)
            })
            && filters.any("is-task", |flag| flag == "false")
            && filters.any("isolation", |isolation| isolation == "default")
            && filters.any("volume", |volume| {
                container.mounts.contains(volume) || container.mount_targets.contains(volume)
            })
            && filters.any("ancestor", |image| lookup.descends(container, image))
            && filters.any("publish", |wanted| {
                container.ports.iter().any(|port| {
                    port.host
                        .is_some_and(|host| in_range(wanted, host, port.container))
                })
            })
            && filters.any("expose", |wanted| {
                container
                    .ports
                    .iter()
                    .any(|port| in_range(wanted, port.container.port, port.container))
            })
    }
}

fn find(containers: &[ContainerSummary], reference: &str) -> Result<usize, Invalid> {
    let name = reference.strip_prefix('/').unwrap_or(reference);
    containers
        .iter()
        .position(|container| container.id == name || container.names.iter().any(|n| n == name))
        .or_else(|| {
            containers
                .iter()
                .position(|container| container.id.starts_with(name))
        })
        .ok_or_else(|| Invalid(format!("No such container: {reference}")))
}

/// `80`, `80/udp`, `80-90/tcp`.
fn range(text: &str) -> Option<(u16, u16, &str)> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    Some((first.parse().ok()?, last.parse().ok()?, protocol))
}

fn in_range(wanted: &str, port: u16, container: rbox_netsetup::model::port::ContainerPort) -> bool {
    range(wanted).is_some_and(|(first, last, protocol)| {
        (first..=last).contains(&port) && container.protocol.to_string() == protocol
    })
}

#[cfg(test)]
mod tests {
    use super::{Choice, Lookup};
    use crate::cli::container::row::tests::summary;
    use crate::cli::parse::filter::filter;
    use crate::engine::list::ContainerSummary;
    use crate::engine::record::HealthStatus;

    struct Nothing;

    impl Lookup for Nothing {
        fn descends(&self, container: &ContainerSummary, image: &str) -> bool {
            container.image == image
        }

        fn network(&self, reference: &str) -> Option<String> {
            (reference == "bridge").then(|| reference.to_owned())
        }
    }

    fn containers() -> Vec<ContainerSummary> {
        let mut h4d = summary("99cd", "h4d", "running");
        h4d.labels = [("only".to_owned(), "here".to_owned())].into();
        h4d.health = Some(HealthStatus::Healthy);
        let mut h4b = summary("118b", "h4b", "exited");
        h4b.exit_code = 3;
        vec![
            h4d,
            summary("5568", "h4c", "created"),
            h4b,
            summary("afa5", "h4a", "running"),
        ]
    }

    fn names(all: bool, last: Option<usize>, filters: &[&str]) -> Result<String, String> {
        let filters: Vec<_> = filters.iter().map(|text| filter(text).unwrap()).collect();
        let containers = containers();
        let choice = Choice::new(all, last, &filters).map_err(|error| error.0)?;
        let chosen = choice
            .choose(&containers, &Nothing)
            .map_err(|error| error.0)?;
        Ok(chosen
            .iter()
            .map(|container| container.name.as_str())
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn filters_choose_as_dockers() {
        for (all, last, filters, expected) in [
            (false, None, &[][..], "h4d h4a"),
            (true, None, &[], "h4d h4c h4b h4a"),
            (false, Some(1), &[], "h4d"),
            (false, Some(2), &[], "h4d h4c"),
            (false, None, &["status=created", "status=exited"], "h4c h4b"),
            (true, None, &["exited=3"], "h4b"),
            (false, None, &["label=only=here"], "h4d"),
            (true, None, &["name=^h4a$"], "h4a"),
            (true, None, &["before=h4c"], "h4b h4a"),
            (true, None, &["since=h4c"], "h4d"),
            (true, None, &["id=5568"], "h4c"),
            (false, None, &["network=bridge"], "h4d h4a"),
            (false, None, &["network=nosuch"], ""),
            (false, None, &["ancestor=alpine:3.20"], "h4d h4a"),
            (false, None, &["publish=80"], ""),
            (false, None, &["volume=/x"], ""),
            (false, None, &["health=healthy"], "h4d"),
            (true, None, &["health=none"], "h4c h4b h4a"),
        ] {
            assert_eq!(names(all, last, filters).unwrap(), expected, "{filters:?}");
        }
    }

    #[test]
    fn bad_filters_are_named() {
        for (filter, error) in [
            ("bogus=1", "Invalid filter 'bogus'"),
            ("status=bogus", "Invalid filter 'status=bogus'"),
            ("exited=x", "Invalid filter 'exited=x'"),
            ("before=nosuch", "No such container: nosuch"),
        ] {
            assert_eq!(names(true, None, &[filter]).unwrap_err(), error);
        }
    }
}
