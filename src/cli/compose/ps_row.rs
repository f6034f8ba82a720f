//! A container as a line of `compose ps`.

use serde_json::{Value, json};

use crate::cli::container::row;
use crate::compose::labels;
use crate::engine::list::ContainerSummary;
use crate::engine::record::HealthStatus;
use crate::output::format::{Listing, Row};

/// `compose ps`.
pub const LISTING: Listing = Listing {
    table: "{{.Name}}\\t{{.Image}}\\t{{.Command}}\\t{{.Service}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}",
    headers: &[
        ("ID", "CONTAINER ID"),
        ("Name", "NAME"),
        ("Image", "IMAGE"),
        ("Command", "COMMAND"),
        ("Project", "PROJECT"),
        ("Service", "SERVICE"),
        ("CreatedAt", "CREATED AT"),
        ("RunningFor", "CREATED"),
        ("Status", "STATUS"),
        ("State", "STATE"),
        ("Health", "HEALTH"),
        ("ExitCode", "EXIT CODE"),
        ("Ports", "PORTS"),
        ("Publishers", "PUBLISHERS"),
        ("Names", "NAMES"),
        ("Labels", "LABELS"),
        ("Mounts", "MOUNTS"),
        ("Networks", "NETWORKS"),
        ("Size", "SIZE"),
        ("LocalVolumes", "LOCAL VOLUMES"),
    ],
    type_name: "*formatter.ContainerContext",
};

/// The line of a container at `now`, seconds since 1970; `whole` cuts nothing.
pub fn row(container: &ContainerSummary, whole: bool, now: i64) -> Row {
    let label = |name: &str| container.labels.get(name).cloned().unwrap_or_default();
    let publishers: Vec<Value> = container
        .ports
        .iter()
        .map(|port| {
            json!({
                "URL": port.ip.map(|ip| ip.to_string()).unwrap_or_default(),
                "TargetPort": port.container.port,
                "PublishedPort": port.host.unwrap_or_default(),
                "Protocol": port.container.protocol.to_string(),
            })
        })
        .collect();
    let health = match container.health {
        None => "",
        Some(HealthStatus::Starting) => "starting",
        Some(HealthStatus::Healthy) => "healthy",
        Some(HealthStatus::Unhealthy) => "unhealthy",
    };
    row::row(container, whole, now)
        .with("Name", container.name.as_str())
        .with("Project", label(labels::PROJECT))
        .with("Service", label(labels::SERVICE))
        .with("Health", health)
        .with("ExitCode", container.exit_code)
        .with("Publishers", publishers)
}

#[cfg(test)]
mod tests {
    use super::{LISTING, row};
    use crate::cli::container::row::tests::summary;
    use crate::compose::labels;
    use crate::output::format::render;

    #[test]
    fn a_line_names_its_service() {
        let mut container = summary("02a5c97c92e6", "p-web-1", "running");
        let mut set = |name: &str, value: &str| {
            container.labels.insert(name.to_owned(), value.to_owned());
        };
        set(labels::PROJECT, "p");
        set(labels::SERVICE, "web");
        let rows = [row(&container, false, 1_005)];
        assert_eq!(
            render(&LISTING, None, false, &rows).unwrap(),
            "NAME      IMAGE         COMMAND                  SERVICE   CREATED         STATUS         PORTS\n\
             p-web-1   alpine:3.20   \"sh -c 'while :; do …\"   web       5 seconds ago   Up 4 seconds   \n"
        );
        let format = Some("{{.Project}} {{.Service}} {{.ExitCode}} {{len .Publishers}}");
        assert_eq!(
            render(&LISTING, format, false, &rows).unwrap(),
            "p web 0 0\n"
        );
    }
}
