//! What Compose calls what it makes.

use super::model::{Project, Service};

/// `proj-web-1`, or the service's own `container_name`.
pub fn container(project: &Project, service: &Service, number: u32) -> String {
    match &service.container_name {
        Some(name) => name.clone(),
        None => format!("{}-{}-{number}", project.name, service.name),
    }
}

/// The image as the file names it, or `proj-web` where it is only built.
pub fn image(project: &Project, service: &Service) -> String {
    match &service.image {
        Some(image) => image.clone(),
        None => format!("{}-{}", project.name, service.name),
    }
}

/// How many containers a service shall have, where the command line does not say.
pub fn replicas(service: &Service) -> u32 {
    service.replicas.unwrap_or(1)
}

/// A name of a container that is to take the place of another one: that of the other one behind
/// the first digits of its id, so that it can be told by its name alone.
pub fn replacement(short_id: &str, name: &str) -> String {
    format!("{short_id}_{name}")
}

/// Whether the name is one of [`replacement`]'s for a container called `name`.
pub fn is_replacement(candidate: &str, name: &str) -> bool {
    candidate
        .strip_suffix(name)
        .and_then(|rest| rest.strip_suffix('_'))
        .is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_docker_composes() {
        let project = Project {
            name: "proj".into(),
            ..Project::default()
        };
        let mut web = Service {
            name: "web".into(),
            ..Service::default()
        };
        assert_eq!(container(&project, &web, 2), "proj-web-2");
        assert_eq!(image(&project, &web), "proj-web");
        web.container_name = Some("mine".into());
        web.image = Some("alpine".into());
        assert_eq!(container(&project, &web, 1), "mine");
        assert_eq!(image(&project, &web), "alpine");
    }

    #[test]
    fn a_replacement_is_known_by_its_name() {
        let name = replacement("0123456789ab", "proj-web-1");
        assert!(is_replacement(&name, "proj-web-1"));
        assert!(!is_replacement(&name, "proj-web-2"));
        assert!(!is_replacement("proj-web-1", "proj-web-1"));
        assert!(!is_replacement("my_proj-web-1", "proj-web-1"));
    }
}
