//! Every error names file, line and key.

use super::{Directory, one, service_error};

#[test]
fn keys_must_be_known_and_possible() {
    for (keys, expected) in [
        (
            "imag: x",
            "4: services.web.imag: unknown key (did you mean image?)",
        ),
        ("gpus: all", "4: services.web.gpus: not supported"),
        ("bogus: 1", "4: services.web.bogus: unknown key"),
        (
            "healthcheck:\n  tests: x",
            "5: services.web.healthcheck.tests: unknown key (did you mean test?)",
        ),
        (
            "deploy:\n  placement: {constraints: []}",
            "5: services.web.deploy.placement: not supported",
        ),
        (
            "deploy:\n  resources:\n    reservations:\n      devices: [{capabilities: [gpu]}]",
            "7: services.web.deploy.resources.reservations.devices: not supported",
        ),
        (
            "build:\n  context: .\n  ssh: [default]",
            "6: services.web.build.ssh: not supported",
        ),
        (
            "build: https://example.com/x.git",
            "4: services.web.build.context: a context that is not a directory is not supported",
        ),
        (
            "ports:\n- target: 80\n  publish: 1",
            "6: services.web.ports[0].publish: unknown key (did you mean published?)",
        ),
        (
            "networks:\n  default: {link_local_ips: [169.254.1.1]}",
            "5: services.web.networks.default.link_local_ips: not supported",
        ),
    ] {
        assert_eq!(
            service_error(keys),
            format!("compose.yaml:{expected}"),
            "{keys}"
        );
    }
    assert_eq!(
        one("services:\n  web:\n    imag: a").error(),
        "compose.yaml:3: services.web.imag: unknown key (did you mean image?)"
    );
    assert_eq!(
        service_error("ports:\n- targt: 80"),
        "compose.yaml:5: services.web.ports[0].targt: unknown key (did you mean target?)"
    );
    assert_eq!(
        one("service: {}").error(),
        "compose.yaml:1: service: unknown key (did you mean services?)"
    );
    assert_eq!(
        one("services: {}\nnetworks:\n  a:\n    driver_opt: {}").error(),
        "compose.yaml:4: networks.a.driver_opt: unknown key (did you mean driver_opts?)"
    );
    assert_eq!(
        one("services: {web: {image: a, secrets: [s]}}\nsecrets:\n  s:\n    external: true")
            .error(),
        "compose.yaml:4: secrets.s.external: not supported"
    );
}

#[test]
fn values_must_be_what_they_should() {
    for (keys, expected) in [
        ("user: 1000", "user: must be a string: write \"1000\""),
        ("hostname: [a]", "hostname: must be a string"),
        (
            "volumes: [{type: bind, source: '', target: /a}]",
            "volumes[0].source: must not be empty",
        ),
        (
            "environment: 5",
            "environment: must be a mapping or a list of NAME=value",
        ),
        (
            "environment: {A: [1]}",
            "environment.A: must be a string, number, boolean or null",
        ),
        ("init: perhaps", "init: must be a boolean"),
        (
            "command: [sleep, 10]",
            "command[1]: must be a string: write \"10\"",
        ),
        ("command: \"echo 'x\"", "command: a ' is not closed"),
        ("ports: 80", "ports: must be a list"),
        ("ports: [http]", "ports[0]: invalid containerPort: http"),
        ("ports: ['x:80']", "ports[0]: invalid hostPort: x"),
        ("ports: ['80:']", "ports[0]: no port specified: 80:"),
        (
            "ports: ['1.2.3:1:80']",
            "ports[0]: invalid IP address: 1.2.3",
        ),
        (
            "ports: ['80-82:90-91']",
            "ports[0]: invalid ranges specified for container and host Ports: 90-91 and 80-82",
        ),
        (
            "ports: ['80/sctp']",
            "ports[0].protocol: sctp is not supported",
        ),
        ("ports: [{target: 0}]", "ports[0].target: is out of range"),
        ("ports: [{published: 80}]", "ports[0]: target is missing"),
        (
            "volumes: ['a:b:c:d']",
            "volumes[0]: invalid spec: a:b:c:d: too many colons",
        ),
        (
            "volumes: ['./a:b']",
            "volumes[0].target: invalid mount path: 'b' must be absolute",
        ),
        ("volumes: ['./a:/b:rx']", "volumes[0]: invalid mode: rx"),
        (
            "volumes: [{type: tmpfs, source: a, target: /b}]",
            "volumes[0].source: a tmpfs has no source",
        ),
        (
            "volumes: [{type: npipe, source: a, target: /b}]",
            "volumes[0].type: \"npipe\" is none of bind, volume, tmpfs, image",
        ),
        (
            "volumes: [{type: tmpfs, target: /b, bind: {propagation: shared}}]",
            "volumes[0].bind: a mount of type tmpfs has no such part",
        ),
        (
            "restart: sometimes",
            "restart: \"sometimes\" is none of no, always, unless-stopped, on-failure[:N]",
        ),
        ("mem_limit: 1q", "mem_limit: invalid size: '1q'"),
        (
            "stop_grace_period: 10",
            "stop_grace_period: must be a string: write \"10\"",
        ),
        (
            "stop_grace_period: 10x",
            "stop_grace_period: invalid duration \"10x\"",
        ),
        (
            "network_mode: lan",
            "network_mode: \"lan\" is none of none, host, bridge, service:NAME, container:NAME, ns:/PATH",
        ),
        (
            "extra_hosts: ['a=b']",
            "extra_hosts.a[0]: invalid IP address in add-host: \"b\"",
        ),
        (
            "depends_on: {a: {condition: up}}",
            "depends_on.a.condition: \"up\" is none of service_started, service_healthy, service_completed_successfully",
        ),
        (
            "healthcheck: {test: [echo]}",
            "healthcheck.test: must start either by \"CMD\", \"CMD-SHELL\" or \"NONE\"",
        ),
        (
            "ulimits: {nofile: {soft: 1}}",
            "ulimits.nofile: hard is missing",
        ),
        ("secrets: [{target: a}]", "secrets[0]: source is missing"),
        (
            "mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}",
            "mem_limit: can't set distinct values on 'mem_limit' and 'deploy.resources.limits.memory'",
        ),
        (
            "container_name: a\nscale: 2",
            "container_name: is one, and there are to be several",
        ),
        (
            "network_mode: host\nnetworks: [default]",
            "network_mode: network_mode and networks are mutually exclusive",
        ),
    ] {
        let found = service_error(keys);
        assert_eq!(
            found,
            format!("compose.yaml:4: services.web.{expected}"),
            "{keys}"
        );
    }
    assert_eq!(
        one("services:\n  web: {build: {context: ., dockerfile: a, dockerfile_inline: b}}").error(),
        "compose.yaml:2: services.web.build.dockerfile_inline: dockerfile and dockerfile_inline are mutually exclusive"
    );
    assert_eq!(
        one("services:\n  web: {init: true}").error(),
        "compose.yaml:2: services.web: has neither an image nor a build context specified"
    );
    assert_eq!(
        one("services:\n  a b: {image: x}").error(),
        "compose.yaml:2: services.a b: a name has letters, digits, '.', '_' and '-' only"
    );
    assert_eq!(
        one("services: {}\nnetworks:\n  a: {external: true, driver: bridge}").error(),
        "compose.yaml:3: networks.a.driver: conflicting parameters \"external\" and \"driver\" specified"
    );
    assert_eq!(
        one("services: {}\nconfigs:\n  a: {file: x, content: y}").error(),
        "compose.yaml:3: configs.a: only one of file, environment and content may be given"
    );
}

#[test]
fn what_is_spoken_of_must_be_there() {
    for (keys, expected) in [
        (
            "depends_on:\n- we",
            "5: services.web.depends_on.we: undefined service \"we\" (did you mean web?)",
        ),
        (
            "links: [other]",
            "4: services.web.links: undefined service \"other\"",
        ),
        (
            "networks:\n- lan",
            "5: services.web.networks.lan: refers to undefined network lan",
        ),
        (
            "volumes:\n- /a\n- data:/b",
            "6: services.web.volumes[1]: refers to undefined volume data",
        ),
        (
            "configs: [c]",
            "4: services.web.configs[0]: refers to undefined config c",
        ),
        (
            "secrets: [s]",
            "4: services.web.secrets[0]: refers to undefined secret s",
        ),
        (
            "env_file: no.env",
            "4: services.web.env_file[0]: env file no.env not found: no such file or directory",
        ),
        (
            "depends_on: [web]",
            "4: services.web.depends_on: dependency cycle detected: web -> web",
        ),
    ] {
        assert_eq!(
            service_error(keys),
            format!("compose.yaml:{expected}"),
            "{keys}"
        );
    }
    assert_eq!(
        one("
services:
  a: {image: x, depends_on: [b]}
  b: {image: x, links: [c]}
  c: {image: x, network_mode: 'service:a'}
")
        .error(),
        "compose.yaml:3: services.a.depends_on: dependency cycle detected: a -> b -> c -> a"
    );
    assert_eq!(
        one("services: {web: {image: a, secrets: [s]}}\nsecrets:\n  s: {environment: TOKEN}")
            .error(),
        "compose.yaml:3: secrets.s.environment: environment variable \"TOKEN\" is not set"
    );
}

#[test]
fn text_that_is_no_compose_file_is_refused() {
    for (text, expected) in [
        ("", "compose.yaml: empty compose file"),
        ("# only\n", "compose.yaml: empty compose file"),
        ("- a", "compose.yaml:1: top-level object must be a mapping"),
        (
            "services:\n  a: {image: x}\n  a: {image: y}",
            "compose.yaml:3: mapping key \"a\" already defined at line 2",
        ),
        (
            "services:\n  a: !secret x",
            "compose.yaml:2: unknown tag !secret: there are !reset and !override",
        ),
        ("a: !!int x", "compose.yaml:1: \"x\" cannot be tagged !!int"),
        (
            "a: &a [*a]",
            "compose.yaml:1: an alias stands inside its own anchor",
        ),
        ("? [a]\n: b", "compose.yaml:1: a key must be a text"),
        (
            "a:\n  <<: 5",
            "compose.yaml:2: << takes a mapping or a list of mappings",
        ),
        (
            "services:\n  web:\n    image: ${A:?needed}",
            "compose.yaml:3: services.web.image: required variable A is missing a value: needed",
        ),
        (
            "services:\n  web:\n    command: [\"a\", \"$\"]",
            "compose.yaml:3: services.web.command[1]: invalid interpolation format: \"$\"; you may need to escape any $ with another $",
        ),
        (
            "services:\n  web: [",
            "compose.yaml:3: while parsing a node, did not find expected node content",
        ),
    ] {
        assert_eq!(one(text).error(), expected, "{text}");
    }
    let bomb = (1..12).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        let one = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{}]\n", [one.as_str(); 9].join(", "))
    });
    assert!(
        one(&bomb)
            .error()
            .contains(": too large: more than 100000 values")
    );
    let deep = format!("a: {}", "[".repeat(100));
    assert_eq!(one(&deep).error(), "compose.yaml:1: more than 64 levels");
    let missing = Directory::new(&[("x", "")]).with(|it| it.files = vec!["no.yaml".into()]);
    assert_eq!(missing.error(), "open no.yaml: no such file or directory");
}

#[test]
fn what_is_refused_is_in_the_documentation() {
    let page = include_str!("../../../../docs/compose-file.md");
    for key in crate::file::read::UNSUPPORTED {
        assert!(page.contains(&format!("`{key}`")), "{key}");
        let error = service_error(&format!("{key}: x"));
        assert_eq!(
            error,
            format!("compose.yaml:4: services.web.{key}: not supported")
        );
    }
}
