//! Several files, `<<`, `extends`, `include`.

use super::{Directory, one, texts};

/// `compose.yaml` and what is merged over it, both with one service `web`.
fn over(base: &str, over: &str) -> Directory {
    Directory::new(&[("a.yaml", &super::web(base)), ("b.yaml", &super::web(over))])
        .with(|options| options.files = vec!["a.yaml".into(), "b.yaml".into()])
}

#[test]
fn later_files_win_by_the_rules_of_the_key() {
    for (base, later, merged) in [
        (
            "init: true\ntty: true",
            "tty: false",
            "init: true\ntty: false",
        ),
        ("command: [a, b]", "command: c", "command: c"),
        ("entrypoint: [a]", "entrypoint: []", "entrypoint: []"),
        (
            "environment: [A=1, B=2]",
            "environment: {B: 3, C: 4}",
            "environment: {A: 1, B: 3, C: 4}",
        ),
        (
            "environment: {A: 1}",
            "environment: [A]",
            "environment: [A]",
        ),
        ("labels: [a=1]", "labels: {b: 2}", "labels: [a=1, b=2]"),
        (
            "dns: 10.0.0.1",
            "dns: [10.0.0.2, 10.0.0.1]",
            "dns: [10.0.0.1, 10.0.0.2]",
        ),
        ("cap_add: [A, B]", "cap_add: [B, C]", "cap_add: [A, B, C]"),
        (
            "ports: ['80:80', '1:1']",
            "ports: ['81:80', '1:1/tcp']",
            "ports: ['80:80', '1:1', '81:80']",
        ),
        (
            "volumes: ['/a:/x:ro', '/b:/y']",
            "volumes: ['/c:/x']",
            "volumes: ['/c:/x', '/b:/y']",
        ),
        (
            "healthcheck: {test: [CMD, a], retries: 2}",
            "healthcheck: {test: b, timeout: 1s}",
            "healthcheck: {test: b, retries: 2, timeout: 1s}",
        ),
        (
            "logging: {driver: json-file, options: {max-size: 1m}}",
            "logging: {options: {max-file: '2'}}",
            "logging: {driver: json-file, options: {max-size: 1m, max-file: '2'}}",
        ),
        (
            "logging: {driver: json-file, options: {max-size: 1m}}",
            "logging: {driver: none}",
            "logging: {driver: none}",
        ),
        (
            "ulimits: {nofile: {soft: 1, hard: 2}}",
            "ulimits: {nofile: 5}",
            "ulimits: {nofile: 5}",
        ),
        (
            "build: /ctx",
            "build: {args: [A=1]}",
            "build: {context: /ctx, args: {A: 1}}",
        ),
        (
            "networks: [default]",
            "networks: {default: {aliases: [a]}}",
            "networks: {default: {aliases: [a]}}",
        ),
        (
            "networks: {default: {aliases: [a]}}",
            "networks: [default]",
            "networks: {default: {aliases: [a]}}",
        ),
        (
            "extra_hosts: ['a=10.0.0.1']",
            "extra_hosts: {b: 10.0.0.2}",
            "extra_hosts: ['a=10.0.0.1', 'b=10.0.0.2']",
        ),
        ("hostname: a", "hostname: ", "hostname: a"),
        // Tags.
        ("ports: ['80:80']", "ports: !reset []", ""),
        (
            "ports: ['80:80']",
            "ports: !override ['81:81']",
            "ports: ['81:81']",
        ),
        (
            "environment: {A: 1, B: 2}",
            "environment: {A: !reset null}",
            "environment: {B: 2}",
        ),
        (
            "environment: {A: 1}",
            "environment: !override {B: 2}",
            "environment: {B: 2}",
        ),
        ("build: /ctx", "build: !reset null", ""),
        ("hostname: a", "hostname: !reset x", ""),
        ("cap_add: [A]", "cap_add: [!reset B, C]", "cap_add: [A, C]"),
    ] {
        let web = |directory: Directory| directory.project().services["web"].clone();
        assert_eq!(
            web(over(base, later)),
            super::service(merged),
            "{base} / {later}"
        );
    }
}

#[test]
fn networks_merge_their_pools_by_subnet() {
    let network =
        |pools: &str| format!("services: {{}}\nnetworks: {{n: {{ipam: {{config: {pools}}}}}}}");
    let user = "services: {web: {image: a, networks: [n]}}";
    let project = Directory::new(&[
        ("a.yaml", &network("[{subnet: 10.1.0.0/16}]")),
        (
            "b.yaml",
            &network("[{subnet: 10.1.0.0/16, gateway: 10.1.0.9}, {subnet: 'fd00::/64'}]"),
        ),
        ("c.yaml", user),
    ])
    .with(|options| options.files = ["a.yaml", "b.yaml", "c.yaml"].map(Into::into).into())
    .project();
    let pools: Vec<_> = (project.networks["n"].pools.iter())
        .map(|pool| (pool.subnet.as_deref().unwrap(), pool.gateway.as_deref()))
        .collect();
    assert_eq!(
        pools,
        [("10.1.0.0/16", Some("10.1.0.9")), ("fd00::/64", None)]
    );
}

#[test]
fn documents_of_a_file_are_merged_and_anchors_too() {
    let project = one("
x-base: &base
  image: a
  environment: &env {A: 1, B: 2}
services:
  web:
    <<: *base
    environment:
      <<: [*env, {C: 3, A: 9}]
      B: own
  other: *base
---
services:
  web: {hostname: h}
")
    .project();
    let web = &project.services["web"];
    assert_eq!(web.hostname.as_deref(), Some("h"));
    let environment: Vec<_> = web
        .environment
        .values()
        .flatten()
        .map(String::as_str)
        .collect();
    assert_eq!(environment, ["1", "own", "3"]);
    assert_eq!(project.services["other"].image.as_deref(), Some("a"));
}

#[test]
fn services_extend_each_other_across_files() {
    let directory = Directory::new(&[
        (
            "compose.yaml",
            "
services:
  web:
    extends: {file: common/base.yaml, service: app}
    environment: {B: own}
    ports: !override ['1:1']
  worker:
    extends: web
    command: work
    env_file: !reset []
",
        ),
        (
            "common/base.yaml",
            "
services:
  app:
    extends: root
    build: .
    env_file: app.env
    environment: {A: '${WHO:-nobody}', B: base}
    ports: ['2:2']
    volumes: ['./data:/data']
  root: {init: true, labels: [root]}
",
        ),
        ("common/app.env", "FROM_FILE=$WHO\nB=file\n"),
    ])
    .with(|options| options.environment = texts(&[("WHO", "me")]));
    let project = directory.project();
    let web = &project.services["web"];
    let environment: Vec<_> = web
        .environment
        .values()
        .flatten()
        .map(String::as_str)
        .collect();
    assert_eq!(environment, ["me", "own", "me"]);
    assert_eq!(
        web.build.as_ref().unwrap().context,
        directory.path().join("common")
    );
    assert_eq!(web.volumes[0].source, Some(directory.below("common/data")));
    assert_eq!(web.ports.len(), 1);
    assert!(web.init && web.labels.contains_key("root"));
    let worker = &project.services["worker"];
    assert_eq!(worker.command, Some(vec!["work".to_owned()]));
    assert!(!worker.environment.contains_key("FROM_FILE"));
    assert!(!project.services.contains_key("app"));
}

#[test]
fn what_is_extended_must_be_there_and_end() {
    let extending = |extends: &str| format!("services:\n  web:\n    extends: {extends}\n");
    for (extends, expected) in [
        ("nosuch", "service \"nosuch\" not found in compose.yaml"),
        (
            "{file: no.yaml, service: a}",
            "open no.yaml: no such file or directory",
        ),
        (
            "{file: b.yaml, service: nosuch}",
            "service \"nosuch\" not found in b.yaml",
        ),
        ("{file: b.yaml}", "service is missing"),
        ("web", "circular reference: web -> web"),
        (
            "{file: compose.yaml, service: web}",
            "circular reference: web -> web",
        ),
    ] {
        let directory = Directory::new(&[
            ("compose.yaml", &extending(extends)),
            ("b.yaml", "services: {a: {image: x}}"),
        ]);
        let expected = format!("compose.yaml:3: services.web.extends: {expected}");
        assert_eq!(directory.error(), expected);
    }
    // An error in another file is that file's.
    let directory = Directory::new(&[
        ("compose.yaml", &extending("{file: sub/b.yaml, service: a}")),
        ("sub/b.yaml", "services:\n  a:\n    image: x\n    bogus: 1"),
    ]);
    assert_eq!(
        directory.error(),
        "sub/b.yaml:4: services.web.bogus: unknown key"
    );
}

#[test]
fn included_files_are_projects_of_their_own() {
    let directory = Directory::new(&[
        (
            "compose.yaml",
            "
include:
- sub/db.yaml
- path: [more/a.yaml, more/b.yaml]
  project_directory: elsewhere
  env_file: more/vars
services:
  web: {image: 'web:${TAG:-none}', depends_on: [db]}
",
        ),
        (
            "compose.override.yaml",
            "services: {db: {hostname: changed}}",
        ),
        (
            "sub/db.yaml",
            "
services: {db: {image: 'db:$TAG', environment: [TAG], volumes: ['./x:/x', 'data:/d']}}
volumes: {data: }
",
        ),
        ("sub/.env", "TAG=sub"),
        (
            "more/a.yaml",
            "services: {a: {image: 'a:$TAG', volumes: ['./x:/x']}}",
        ),
        ("more/b.yaml", "services: {a: {hostname: b}}"),
        ("more/vars", "TAG=more"),
    ]);
    let project = directory.project();
    let image = |name: &str| project.services[name].image.as_deref().unwrap();
    assert_eq!(
        (image("web"), image("db"), image("a")),
        ("web:none", "db:sub", "a:more")
    );
    let db = &project.services["db"];
    assert_eq!(db.volumes[0].source, Some(directory.below("sub/x")));
    assert_eq!(db.environment["TAG"].as_deref(), Some("sub"));
    assert_eq!(db.hostname.as_deref(), Some("changed"));
    let a = &project.services["a"];
    assert_eq!(a.volumes[0].source, Some(directory.below("elsewhere/x")));
    assert_eq!(a.hostname.as_deref(), Some("b"));
    assert_eq!(project.volumes["data"].name, "app_data");
    let directory = directory.with(|options| options.environment = texts(&[("TAG", "all")]));
    assert_eq!(
        directory.project().services["db"].image.as_deref(),
        Some("db:all")
    );
}

#[test]
fn includes_must_be_there_agree_and_end() {
    let file = "include: [b.yaml]\nservices:\n  web: {image: a}";
    for (other, expected) in [
        (
            "services:\n  web: {image: b}",
            "compose.yaml:3: services.web: conflicts with imported resource (b.yaml:2)",
        ),
        (
            "include: [compose.yaml]\nservices: {}",
            "b.yaml:1: include[0]: include cycle detected: compose.yaml",
        ),
        (
            "include: [c.yaml]",
            "b.yaml:1: include[0]: open c.yaml: no such file or directory",
        ),
        (
            "include: {path: c.yaml}",
            "b.yaml:1: include: must be a list",
        ),
        (
            "include: [{file: c.yaml}]",
            "b.yaml:1: include[0]: path is missing",
        ),
    ] {
        let directory = Directory::new(&[("compose.yaml", file), ("b.yaml", other)]);
        assert_eq!(directory.error(), expected);
    }
    let same = "services:\n\n\n  web: {image: a}";
    assert_eq!(
        Directory::new(&[("compose.yaml", file), ("b.yaml", same)])
            .project()
            .services
            .len(),
        1
    );
}

#[test]
fn what_grows_with_every_extension_is_bounded() {
    let big: String = (0..2000).map(|n| format!("      l{n}: x\n")).collect();
    let many: String = (0..1000)
        .map(|n| format!("  s{n}: {{extends: base}}\n"))
        .collect();
    let text = format!("services:\n  base:\n    image: a\n    labels:\n{big}{many}");
    assert!(
        one(&text)
            .error()
            .ends_with("too large: the project has more than 500000 values")
    );
    let ports = "services: {web: {image: a, ports: ['1-65535', '1-65535/udp', '1:1-65535', '1-65535', '1-65535']}}";
    assert!(one(ports).load().is_err());
}
