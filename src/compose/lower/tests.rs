use rbox_netsetup::model::endpoint_rules::wanted_ifname;

use super::*;
use crate::compose::model::{Attachment, FileObject, Grant, Mount, Network, Volume};
use crate::engine::request::{MountKind, NetworkMode};

fn project() -> Project {
    let mut project = Project {
        name: "proj".into(),
        directory: "/srv/proj".into(),
        files: vec!["/srv/proj/compose.yaml".into()],
        ..Project::default()
    };
    for key in ["default", "back"] {
        let network = Network {
            name: format!("proj_{key}"),
            ..Network::default()
        };
        project.networks.insert(key.into(), network);
    }
    let data = Volume {
        name: "proj_data".into(),
        ..Volume::default()
    };
    project.volumes.insert("data".into(), data);
    let db = Service {
        name: "db".into(),
        ..Service::default()
    };
    project.services.insert("db".into(), db);
    project
}

fn lowered(change: impl FnOnce(&mut Project, &mut Service)) -> Result<ContainerRequest, String> {
    let mut project = project();
    let mut service = Service {
        name: "web".into(),
        image: Some("alpine".into()),
        networks: [("default".to_owned(), Attachment::default())].into(),
        ..Service::default()
    };
    change(&mut project, &mut service);
    let which = Which {
        name: "proj-web-1",
        number: 1,
        oneoff: false,
        aliases: true,
        scale: &BTreeMap::new(),
    };
    container(&project, &service, &which).map_err(|failure| failure.message)
}

#[test]
fn labels_are_docker_composes() {
    let request = lowered(|_, service| {
        service.labels.insert("mine".into(), "1".into());
        service.links.push("db".into());
    })
    .unwrap();
    let label = |name: &str| request.labels[&format!("com.docker.compose.{name}")].as_str();
    assert_eq!(label("project"), "proj");
    assert_eq!(label("service"), "web");
    assert_eq!(label("container-number"), "1");
    assert_eq!(label("oneoff"), "False");
    assert_eq!(label("project.config_files"), "/srv/proj/compose.yaml");
    assert_eq!(label("project.working_dir"), "/srv/proj");
    assert_eq!(label("depends_on"), "db:service_started:false");
    assert_eq!(label("config-hash").len(), 64);
    assert_eq!(request.labels["mine"], "1");
}

#[test]
fn a_service_is_known_by_its_name_on_its_networks_the_first_by_priority() {
    let request = lowered(|_, service| {
        let back = Attachment {
            priority: 10,
            aliases: vec!["b".into()],
            ipv4_address: Some("10.1.2.3".into()),
            ..Attachment::default()
        };
        service.networks.insert("back".into(), back);
        service.links.push("db:database".into());
    })
    .unwrap();
    assert_eq!(
        request.host.network_mode,
        NetworkMode::Network("proj_back".into())
    );
    let back = &request.networks[0];
    assert_eq!(back.aliases, ["web", "b"]);
    assert_eq!(back.ip, Some([10, 1, 2, 3].into()));
    assert_eq!(back.links[0], ("proj-db-1".into(), "database".into()));
    assert_eq!(back.links[1].1, "db-1");
    assert_eq!(request.networks[1].network, "proj_default");
}

#[test]
fn an_interface_has_the_name_that_it_is_given() {
    let request = lowered(|_, service| {
        let attachment = service.networks.get_mut("default").unwrap();
        attachment.interface_name = Some("lan0".into());
    })
    .unwrap();
    assert_eq!(wanted_ifname(&request.networks[0]), Some("lan0"));
}

#[test]
fn shared_namespaces_are_those_of_the_first_container() {
    let request = lowered(|_, service| {
        service.networks.clear();
        service.network_mode = Some("service:db".into());
        service.pid = Some("service:db".into());
        service.volumes_from = vec!["db:ro".into(), "container:other".into()];
    })
    .unwrap();
    assert_eq!(
        request.host.network_mode,
        NetworkMode::Container("proj-db-1".into())
    );
    assert_eq!(request.host.pid_mode, "container:proj-db-1");
    assert_eq!(request.host.volumes_from, ["proj-db-1:ro", "other"]);
}

#[test]
fn volumes_have_the_names_of_the_project() {
    let request = lowered(|_, service| {
        for (source, target) in [(Some("data"), "/data"), (None, "/cache")] {
            service.volumes.push(Mount {
                kind: "volume".into(),
                source: source.map(str::to_owned),
                target: target.into(),
                ..Mount::default()
            });
        }
    })
    .unwrap();
    let [data, cache] = &request.host.mounts[..] else {
        panic!("{:?}", request.host.mounts);
    };
    assert_eq!(
        (data.kind, data.source.as_str()),
        (MountKind::Volume, "proj_data")
    );
    assert!(cache.source.is_empty());
    assert!(cache.volume.as_ref().unwrap().anonymous);
}

#[test]
fn grants_are_bound_or_come_along() {
    let request = lowered(|project, service| {
        let objects = [
            ("file", FileObject::File("/srv/key".into())),
            ("text", FileObject::Content("hello".into())),
        ];
        for (name, object) in objects {
            project.configs.insert(name.into(), object);
            service.configs.push(Grant {
                source: name.into(),
                target: format!("/{name}"),
                ..Grant::default()
            });
        }
    })
    .unwrap();
    assert_eq!(request.host.mounts[0].source, "/srv/key");
    assert!(request.host.mounts[0].read_only);
    let file = &request.files[0];
    assert_eq!((file.target.as_str(), file.mode), ("/text", 0o444));
    assert_eq!(file.content, b"hello");
}

#[test]
fn times_words_and_ports_are_as_run_has_them() {
    let request = lowered(|_, service| {
        service.stop_grace_period = Some(1_500_000_000);
        service.command = Some(Vec::new());
        service.entrypoint = Some(vec!["sh".into(), "-c".into()]);
        service.environment.insert("A".into(), Some("1".into()));
        service.environment.insert("B".into(), None);
        service.ports.push(Port {
            host_ip: Some("::1".into()),
            published: Some("8080".into()),
            target: 80,
            protocol: "tcp".into(),
        });
    })
    .unwrap();
    assert_eq!(request.stop_timeout, Some(2));
    assert!(request.no_command && request.command.is_empty());
    assert_eq!(request.entrypoint.unwrap().len(), 2);
    assert_eq!(request.env, [("A".to_owned(), "1".to_owned())]);
    assert_eq!(request.host.port_bindings.len(), 1);
}

#[test]
fn what_run_refuses_is_refused_with_service_and_key() {
    type Change = fn(&mut Service);
    let cases: [(Change, &str); 6] = [
        (
            |service| service.cap_add.push("BOGUS".into()),
            "services.web.cap_add: ",
        ),
        (
            |service| service.stop_signal = Some("SIGBOGUS".into()),
            "services.web.stop_signal: invalid signal: SIGBOGUS",
        ),
        (
            |service| service.platform = Some("linux/s390x".into()),
            "services.web.platform: linux/s390x does not run on this machine",
        ),
        (
            |service| service.network_mode = Some("bogus".into()),
            "services.web.network_mode: bogus",
        ),
        (
            |service| service.pid = Some("service:nobody".into()),
            "services.web.pid: no such service: nobody",
        ),
        (
            |service| {
                service.ulimits.insert("bogus".into(), (1, 2));
            },
            "services.web.ulimits: invalid ulimit type: bogus",
        ),
    ];
    for (change, text) in cases {
        let error = lowered(|_, service| change(service)).unwrap_err();
        assert!(error.starts_with(text), "{error}");
    }
}
