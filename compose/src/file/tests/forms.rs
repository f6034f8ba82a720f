//! Short and long forms of the keys of a service.

use super::{Directory, service, texts};
use crate::model::{Condition, Healthcheck, Mount, Port};

fn port(host_ip: Option<&str>, published: Option<&str>, target: u16, protocol: &str) -> Port {
    Port {
        host_ip: host_ip.map(str::to_owned),
        published: published.map(str::to_owned),
        target,
        protocol: protocol.to_owned(),
    }
}

#[test]
fn ports() {
    for (short, expected) in [
        ("80", vec![port(None, None, 80, "tcp")]),
        ("\"8080:80\"", vec![port(None, Some("8080"), 80, "tcp")]),
        ("8080:80/UDP", vec![port(None, Some("8080"), 80, "udp")]),
        (
            "127.0.0.1:8080:80",
            vec![port(Some("127.0.0.1"), Some("8080"), 80, "tcp")],
        ),
        (
            "127.0.0.1::80",
            vec![port(Some("127.0.0.1"), None, 80, "tcp")],
        ),
        (
            "\"[::1]:8080:80\"",
            vec![port(Some("::1"), Some("8080"), 80, "tcp")],
        ),
        (
            "\"::1:8080:80\"",
            vec![port(Some("::1"), Some("8080"), 80, "tcp")],
        ),
        (
            "3000-3001",
            vec![port(None, None, 3000, "tcp"), port(None, None, 3001, "tcp")],
        ),
        (
            "9000-9001:80-81",
            vec![
                port(None, Some("9000"), 80, "tcp"),
                port(None, Some("9001"), 81, "tcp"),
            ],
        ),
        (
            "8000-9000:80",
            vec![port(None, Some("8000-9000"), 80, "tcp")],
        ),
        (
            "{target: 80, published: 8080, protocol: udp, mode: host, host_ip: 0.0.0.0, name: web}",
            vec![port(Some("0.0.0.0"), Some("8080"), 80, "udp")],
        ),
        ("{target: \"80\"}", vec![port(None, None, 80, "tcp")]),
    ] {
        assert_eq!(
            service(&format!("ports:\n- {short}")).ports,
            expected,
            "{short}"
        );
    }
}

#[test]
fn mounts() {
    let directory = Directory::new(&[(
        "compose.yaml",
        "
services:
  web:
    image: alpine
    volumes:
    - /anonymous
    - data:/data:ro,nocopy
    - ./here/../there:/there/
    - /abs:/abs:ro,rslave,z
    - /a$$b:/$$
    - {type: bind, source: ., target: /b, bind: {create_host_path: false, recursive: readonly}}
    - {type: volume, source: data, target: /v, read_only: true, volume: {subpath: s, nocopy: true}}
    - {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 01770}}
    - {type: image, source: alpine, target: /i, image: {subpath: etc}}
volumes: {data: }
",
    )]);
    let text = |text: &str| Some(text.to_owned());
    let mount = |kind: &str, source: Option<String>, target: &str| Mount {
        kind: kind.to_owned(),
        source,
        target: target.to_owned(),
        create_host_path: kind == "bind",
        ..Mount::default()
    };
    let expected = [
        mount("volume", None, "/anonymous"),
        Mount {
            read_only: true,
            nocopy: true,
            ..mount("volume", text("data"), "/data")
        },
        mount("bind", Some(directory.below("there")), "/there"),
        Mount {
            read_only: true,
            propagation: text("rslave"),
            ..mount("bind", text("/abs"), "/abs")
        },
        mount("bind", text("/a$b"), "/$"),
        Mount {
            create_host_path: false,
            recursive: text("readonly"),
            ..mount("bind", text(directory.path().to_str().unwrap()), "/b")
        },
        Mount {
            read_only: true,
            nocopy: true,
            subpath: text("s"),
            ..mount("volume", text("data"), "/v")
        },
        Mount {
            size: Some(1 << 20),
            mode: Some(0o1770),
            ..mount("tmpfs", None, "/t")
        },
        Mount {
            subpath: text("etc"),
            ..mount("image", text("alpine"), "/i")
        },
    ];
    assert_eq!(directory.project().services["web"].volumes, expected);
}

#[test]
fn lists_and_mappings_say_the_same() {
    for (list, mapping) in [
        (
            "environment: [A=1, B=two words, C=, D]",
            "environment: {A: 1, B: two words, C: '', D: }",
        ),
        ("labels: [a=b, c]", "labels: {a: b, c: ''}"),
        (
            "sysctls: [net.core.somaxconn=1024]",
            "sysctls: {net.core.somaxconn: 1024}",
        ),
        (
            "extra_hosts: ['a=10.0.0.1', 'b:host-gateway', 'c=[::1]']",
            "extra_hosts: {a: 10.0.0.1, b: [host-gateway], c: '::1'}",
        ),
        ("dns: 10.0.0.1", "dns: [10.0.0.1]"),
        ("tmpfs: /run:size=1m", "tmpfs: ['/run:size=1m']"),
        ("command: echo 'a b' c", "command: [echo, a b, c]"),
        ("build: .", "build: {context: .}"),
        (
            "build: {context: ., args: [A=1, B]}",
            "build: {context: ., args: {A: 1, B: }}",
        ),
        (
            "devices: ['/dev/null:/dev/x:r']",
            "devices: [{source: /dev/null, target: /dev/x, permissions: r}]",
        ),
        (
            "ulimits: {nofile: 10}",
            "ulimits: {nofile: {soft: 10, hard: 10}}",
        ),
        (
            "mem_limit: 1g",
            "deploy: {resources: {limits: {memory: 1073741824}}}",
        ),
        ("cpus: 1.5", "deploy: {resources: {limits: {cpus: '1.5'}}}"),
        ("scale: 2", "deploy: {mode: replicated, replicas: 2}"),
        (
            "restart: always",
            "deploy: {restart_policy: {condition: any}}",
        ),
        (
            "restart: on-failure:3",
            "deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}",
        ),
        (
            "healthcheck: {disable: true}",
            "healthcheck: {test: [NONE]}",
        ),
        (
            "healthcheck: {test: a b}",
            "healthcheck: {test: [CMD-SHELL, a b]}",
        ),
        ("x-own: anything", "logging: {x-own: 1}"),
        ("develop: {watch: []}", ""),
    ] {
        let (mut a, mut b) = (service(list), service(mapping));
        // Each is in a directory of its own.
        for service in [&mut a, &mut b] {
            if let Some(build) = &mut service.build {
                build.context.clear();
            }
        }
        assert_eq!(a, b, "{list}");
    }
}

#[test]
fn what_a_service_says_arrives() {
    let web = service(
        "environment: {N: 1.10, T: True, E: '', S: \"a b\"}
entrypoint: ''
command: []
stop_grace_period: 1m30s
healthcheck: {test: [CMD, ok], interval: 10s, timeout: 500ms, retries: 5, start_period: 0s}
logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
expose: [80, 90-99/udp]
group_add: [audio, 1000]
memswap_limit: -1
oom_score_adj: -500
init: yes
tty: \"true\"
cap_add: [NET_ADMIN]",
    );
    let environment: Vec<_> = web
        .environment
        .values()
        .flatten()
        .map(String::as_str)
        .collect();
    assert_eq!(environment, ["", "1.10", "a b", "true"]);
    assert_eq!(web.entrypoint, Some(Vec::new()));
    assert_eq!(web.command, Some(Vec::new()));
    assert_eq!(web.stop_grace_period, Some(90_000_000_000));
    assert_eq!(
        web.healthcheck,
        Some(Healthcheck {
            test: vec!["CMD".to_owned(), "ok".to_owned()],
            interval: Some(10_000_000_000),
            timeout: Some(500_000_000),
            start_period: Some(0),
            start_interval: None,
            retries: Some(5),
        })
    );
    assert_eq!(
        web.log_options,
        texts(&[("max-file", "3"), ("max-size", "10m")])
    );
    assert_eq!(web.expose, ["80", "90-99/udp"]);
    assert_eq!(web.group_add, ["audio", "1000"]);
    assert_eq!((web.memory_swap, web.oom_score_adj), (Some(-1), Some(-500)));
    assert_eq!((web.init, web.tty, web.read_only), (true, true, false));
}

#[test]
fn dependencies_follow_from_other_keys() {
    let project = super::one(
        "
services:
  web:
    image: a
    links: [db:database]
    network_mode: service:net
    volumes_from: ['store:ro', 'container:other']
    depends_on:
      store: {condition: service_completed_successfully}
  db: {image: a}
  net: {image: a}
  store: {image: a}
",
    )
    .project();
    let found: Vec<_> = (project.services["web"].depends_on.iter())
        .map(|(name, it)| (name.as_str(), it.condition, it.restart, it.required))
        .collect();
    assert_eq!(
        found,
        [
            ("db", Condition::Started, true, true),
            ("net", Condition::Started, true, true),
            ("store", Condition::Completed, false, true),
        ]
    );
}

#[test]
fn grants_have_a_place() {
    let project = super::one(
        "
services:
  web:
    image: a
    secrets: [s, {source: s, target: other, uid: '1', mode: 0400}, {source: s, target: /abs}]
    configs: [c, {source: c, target: /etc/c, mode: \"0444\"}]
secrets: {s: {file: ./s.txt}}
configs: {c: {content: \"a $$b\"}}
",
    )
    .project();
    let web = &project.services["web"];
    let places = |grants: &[crate::model::Grant]| -> Vec<(String, Option<u32>)> {
        let grants = grants.iter();
        grants.map(|it| (it.target.clone(), it.mode)).collect()
    };
    assert_eq!(
        places(&web.secrets),
        [
            ("/run/secrets/s".to_owned(), None),
            ("/run/secrets/other".to_owned(), Some(0o400)),
            ("/abs".to_owned(), None)
        ]
    );
    assert_eq!(
        places(&web.configs),
        [("/c".to_owned(), None), ("/etc/c".to_owned(), Some(0o444))]
    );
    assert_eq!(
        project.configs["c"],
        crate::model::FileObject::Content("a $b".to_owned())
    );
}
