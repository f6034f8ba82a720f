//! A container as a line of `ps`.

use rbox_netsetup::model::port_display;
use serde_json::Value;

use crate::cli::parse::time;
use crate::engine::list::ContainerSummary;
use crate::engine::record::HealthStatus;
use crate::output::format::{Listing, Row};
use crate::output::go_text::{ellipsis, quote};
use crate::output::units;

/// `ps`.
pub const LISTING: Listing = Listing {
    table: "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}",
    headers: &[
        ("ID", "CONTAINER ID"),
        ("Image", "IMAGE"),
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED AT"),
        ("RunningFor", "CREATED"),
        ("Status", "STATUS"),
        ("State", "STATE"),
        ("Ports", "PORTS"),
        ("Names", "NAMES"),
        ("Labels", "LABELS"),
        ("Mounts", "MOUNTS"),
        ("Networks", "NETWORKS"),
        ("Size", "SIZE"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Platform", "PLATFORM"),
        ("HostInterfaces", "HOST INTERFACES"),
    ],
    type_name: "*formatter.ContainerContext",
};

/// `ps --size`.
pub const WITH_SIZE: Listing = Listing {
    table: "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}\\t{{.Size}}",
    ..LISTING
};

/// Characters of a command and of a mount in a table.
const COMMAND: usize = 20;
const MOUNT: usize = 15;

/// The line of a container at `now`, seconds since 1970; `whole` cuts nothing.
pub fn row(container: &ContainerSummary, whole: bool, now: i64) -> Row {
    let id = if whole {
        &container.id
    } else {
        container.id.get(..12).unwrap_or(&container.id)
    };
    let command = if whole {
        container.command.clone()
    } else {
        ellipsis(&container.command, COMMAND)
    };
    let names = if whole {
        container.names.join(",")
    } else {
        container.name.clone()
    };
    let mounts: Vec<String> = container
        .mounts
        .iter()
        .map(|mount| {
            if whole {
                mount.clone()
            } else {
                ellipsis(mount, MOUNT)
            }
        })
        .collect();
    let labels: Vec<String> = container
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut row = Row::new()
        .with("ID", id)
        .with("Image", container.image.as_str())
        .with("Command", quote(&command))
        .with("CreatedAt", time::go_string_of(container.created))
        .with("RunningFor", ago(now, container.created))
        .with("Status", status(container, now))
        .with("State", container.state.as_str())
        .with("Ports", port_display::column(&container.ports))
        .with("Names", names)
        .with("Labels", labels.join(","))
        .with("Mounts", mounts.join(","))
        .with("Networks", container.networks.join(","))
        .with("Size", "0B")
        .with("LocalVolumes", container.volumes.to_string())
        .with("Platform", Value::Null)
        .with_extra("HostInterfaces", container.host_interfaces.join(","));
    row.labels = container.labels.clone();
    row
}

fn status(container: &ContainerSummary, now: i64) -> String {
    match container.state.as_str() {
        "running" | "paused" => {
            let up = units::duration(now - container.started_at);
            let more = match (container.state.as_str(), container.health) {
                ("paused", _) => " (Paused)",
                (_, Some(HealthStatus::Starting)) => " (health: starting)",
                (_, Some(HealthStatus::Healthy)) => " (healthy)",
                (_, Some(HealthStatus::Unhealthy)) => " (unhealthy)",
                (_, None) => "",
            };
            format!("Up {up}{more}")
        }
        "exited" => {
            format!(
                "Exited ({}) {}",
                container.exit_code,
                ago(now, container.finished_at)
            )
        }
        "restarting" => {
            format!(
                "Restarting ({}) {}",
                container.exit_code,
                ago(now, container.finished_at)
            )
        }
        "created" => "Created".to_owned(),
        other => other.to_owned(),
    }
}

fn ago(now: i64, then: i64) -> String {
    format!("{} ago", units::duration(now - then))
}

#[cfg(test)]
pub mod tests {
    use super::{LISTING, row};
    use crate::engine::list::ContainerSummary;
    use crate::engine::record::HealthStatus;
    use crate::output::format::render;

    /// A container for tests.
    pub fn summary(id: &str, name: &str, state: &str) -> ContainerSummary {
        ContainerSummary {
            id: format!("{id:0<64}"),
            name: name.into(),
            names: vec![name.into()],
            image: "alpine:3.20".into(),
            image_id: "sha256:a2919fdeee9d".into(),
            command: "sh -c 'while :; do echo a very long command line; done'".into(),
            created: 1_000,
            state: state.into(),
            exit_code: 0,
            started_at: 1_001,
            finished_at: 1_002,
            ports: Vec::new(),
            labels: [
                ("tier".to_owned(), "1".to_owned()),
                ("app".to_owned(), "web".to_owned()),
            ]
            .into(),
            mounts: vec!["/a/path/that/is/long".into()],
            mount_targets: vec!["/data".into()],
            volumes: 0,
            networks: vec!["bridge".into()],
            host_interfaces: Vec::new(),
            health: None,
        }
    }

    fn text(state: &str, format: Option<&str>, whole: bool) -> String {
        render(
            &LISTING,
            format,
            false,
            &[row(&summary("02a5c97c92e6", "h4e", state), whole, 1_005)],
        )
        .unwrap()
    }

    #[test]
    fn the_status_says_how_a_container_is() {
        for (state, health, expected) in [
            ("running", None, "Up 4 seconds"),
            (
                "running",
                Some(HealthStatus::Starting),
                "Up 4 seconds (health: starting)",
            ),
            (
                "running",
                Some(HealthStatus::Healthy),
                "Up 4 seconds (healthy)",
            ),
            (
                "running",
                Some(HealthStatus::Unhealthy),
                "Up 4 seconds (unhealthy)",
            ),
            (
                "paused",
                Some(HealthStatus::Healthy),
                "Up 4 seconds (Paused)",
            ),
            (
                "exited",
                Some(HealthStatus::Unhealthy),
                "Exited (0) 3 seconds ago",
            ),
        ] {
            let mut container = summary("02a5c97c92e6", "h4e", state);
            container.health = health;
            assert_eq!(super::status(&container, 1_005), expected);
        }
    }

    #[test]
    fn the_table_is_dockers() {
        assert_eq!(
            text("running", None, false),
            "CONTAINER ID   IMAGE         COMMAND                  CREATED         STATUS         PORTS     NAMES\n\
             02a5c97c92e6   alpine:3.20   \"sh -c 'while :; do …\"   5 seconds ago   Up 4 seconds             h4e\n"
        );
        assert_eq!(
            render(&LISTING, None, false, &[]).unwrap(),
            "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n"
        );
    }

    #[test]
    fn every_key_has_its_value() {
        assert_eq!(
            text(
                "exited",
                Some(
                    "{{.Status}}|{{.State}}|{{.Labels}}|{{.Label \"app\"}}|{{.Mounts}}|{{.CreatedAt}}|{{.LocalVolumes}}"
                ),
                false
            ),
            "Exited (0) 3 seconds ago|exited|app=web,tier=1|web|/a/path/that/i…|1970-01-01 00:16:40 +0000 UTC|0\n"
        );
        assert_eq!(
            text("created", Some("{{.Status}}|{{.Mounts}}"), true),
            "Created|/a/path/that/is/long\n"
        );
    }

    #[test]
    fn json_lines_are_sorted_by_key() {
        assert_eq!(
            text("running", Some("json"), false),
            "{\"Command\":\"\\\"sh -c 'while :; do …\\\"\",\"CreatedAt\":\"1970-01-01 00:16:40 +0000 UTC\",\"ID\":\"02a5c97c92e6\",\"Image\":\"alpine:3.20\",\"Labels\":\"app=web,tier=1\",\"LocalVolumes\":\"0\",\"Mounts\":\"/a/path/that/i…\",\"Names\":\"h4e\",\"Networks\":\"bridge\",\"Platform\":null,\"Ports\":\"\",\"RunningFor\":\"5 seconds ago\",\"Size\":\"0B\",\"State\":\"running\",\"Status\":\"Up 4 seconds\"}\n"
        );
    }
}
