//! What does not go together with a user namespace, with Docker's texts.

use rbox_runtime::process::user::ResolvedUser;

use super::{Choice, Mapping};
use crate::engine::containers;
use crate::engine::dirs::Dirs;
use crate::engine::failure::Failure;
use crate::engine::record::{Record, short};
use crate::engine::request::{HostConfig, NetworkMode};

/// Refuses what needs the host's user namespace, or one at all; needs the request alone.
pub fn request(host: &HostConfig, choice: &Choice) -> Result<(), Failure> {
    if *choice == Choice::Host {
        return match host.mounts.iter().find(|mount| mount.id_mapped) {
            Some(mount) => Err(Failure::new(format!(
                "mount {}: option idmap needs a container in a user namespace (--userns)",
                mount.target
            ))),
            None => Ok(()),
        };
    }
    let refuse = |text: &str| {
        Err(Failure::new(text).hint("--userns=host takes it out of the user namespace"))
    };
    if host.privileged {
        return refuse(
            "privileged mode is incompatible with user namespaces.  You must run the container \
             in the host namespace when running privileged mode",
        );
    }
    if let NetworkMode::Namespace(_) = host.network_mode {
        return refuse(
            "cannot join a network namespace of the host's when user namespaces are enabled",
        );
    }
    if host.network_mode == NetworkMode::Host {
        return refuse(
            "cannot share the host's network namespace when user namespaces are enabled",
        );
    }
    if host.pid_mode == "host" {
        return refuse("cannot share the host PID namespace when user namespaces are enabled");
    }
    Ok(())
}

/// The containers whose namespaces this one shares, with the namespaces' names.
/// Names are ids by now.
fn shared(host: &HostConfig) -> Vec<(&'static str, &str)> {
    let network = match &host.network_mode {
        NetworkMode::Container(id) => Some(id.as_str()),
        _ => None,
    };
    let other = |mode: &'static str, text| (mode, str::strip_prefix(text, "container:"));
    [
        ("network", network),
        other("PID", host.pid_mode.as_str()),
        other("IPC", host.ipc_mode.as_str()),
    ]
    .into_iter()
    .filter_map(|(kind, id)| Some((kind, id?)))
    .collect()
}

/// Whose user namespace a container joins: the kernel lets it into namespaces of
/// another only from there. `None` where it gets one of its own.
pub fn joined(host: &HostConfig) -> Option<&str> {
    shared(host).first().map(|(_, id)| *id)
}

/// Refuses to share namespaces with containers that have other ids.
pub fn sharing(dirs: &Dirs, record: &Record, choice: &Choice) -> Result<(), Failure> {
    if *choice == Choice::Host {
        return Ok(());
    }
    let mut first = None;
    for (kind, id) in shared(&record.host) {
        let theirs =
            containers::read_record(&dirs.container(id))?.and_then(|other| other.user_namespace);
        if !same_ids(choice, theirs.as_ref()) {
            return Err(Failure::new(format!(
                "cannot share the {kind} namespace of container {}: it has not got the same user \
                 ids",
                short(id)
            ))
            .hint("--userns=host shares namespaces with any container"));
        }
        if *first.get_or_insert(id) != id {
            return Err(Failure::new(
                "cannot share namespaces of two containers when user namespaces are enabled",
            ));
        }
    }
    Ok(())
}

/// Refuses to run as somebody whom the container's user namespace does not know.
pub fn user(record: &Record, user: &ResolvedUser) -> Result<(), Failure> {
    let Some(mapping) = &record.user_namespace else {
        return Ok(());
    };
    let missing = |what: &str, id: u32| {
        Err(Failure::new(format!(
            "{what} {id} is not in the container's user namespace"
        )))
    };
    if mapping.uid(user.uid).is_none() {
        return missing("user", user.uid);
    }
    let mut groups = std::iter::once(user.gid).chain(user.additional_gids.iter().copied());
    match groups.find(|&group| mapping.gid(group).is_none()) {
        Some(group) => missing("group", group),
        None => Ok(()),
    }
}

fn same_ids(choice: &Choice, theirs: Option<&Mapping>) -> bool {
    match choice {
        Choice::Fixed(ours) => theirs == Some(ours),
        Choice::Own(_) | Choice::Host => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut HostConfig)) -> String {
        let mut host = HostConfig::default();
        change(&mut host);
        request(&host, &Choice::Own(1)).unwrap_err().message
    }

    #[test]
    fn what_needs_the_host_is_refused_with_dockers_texts() {
        assert_eq!(
            refused(|host| host.privileged = true),
            "privileged mode is incompatible with user namespaces.  You must run the container \
             in the host namespace when running privileged mode"
        );
        assert_eq!(
            refused(|host| host.network_mode = NetworkMode::Host),
            "cannot share the host's network namespace when user namespaces are enabled"
        );
        assert_eq!(
            refused(|host| host.pid_mode = "host".into()),
            "cannot share the host PID namespace when user namespaces are enabled"
        );
        let mut host = HostConfig::default();
        assert!(request(&host, &Choice::Own(1)).is_ok());
        host.privileged = true;
        assert!(request(&host, &Choice::Host).is_ok());
    }

    #[test]
    fn only_the_same_ids_go_together() {
        let ours = Mapping::block(100_000, 10);
        let fixed = Choice::Fixed(ours.clone());
        assert!(same_ids(&fixed, Some(&ours)));
        assert!(!same_ids(&fixed, Some(&Mapping::block(200_000, 10))));
        assert!(!same_ids(&fixed, None));
        assert!(!same_ids(&Choice::Own(10), Some(&ours)));
    }

    #[test]
    fn the_namespaces_of_others_are_found_in_all_three_modes() {
        let host = HostConfig {
            network_mode: NetworkMode::Container("a".into()),
            ipc_mode: "container:b".into(),
            pid_mode: "host".into(),
            ..HostConfig::default()
        };
        assert_eq!(shared(&host), [("network", "a"), ("IPC", "b")]);
        assert_eq!(joined(&host), Some("a"));
        assert_eq!(joined(&HostConfig::default()), None);
    }
}
