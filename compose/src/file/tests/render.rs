//! `config`: what is written is the same project again.

use super::super::render::{Format, render};
use super::{Directory, one, texts};

/// Every key that can be written.
const EVERYTHING: &str = "
name: all
services:
  web:
    profiles: [p]
    attach: false
    build:
      context: ./src
      dockerfile: D
      args: {A: '1', B: }
      target: t
      labels: {l: v}
      tags: [a:1]
      network: host
      no_cache: true
      pull: true
      shm_size: 64m
      extra_hosts: ['h=10.0.0.1']
      secrets: [s, {source: s, target: other}]
    image: alpine
    pull_policy: if_not_present
    platform: linux/amd64
    command: [sh, -c, \"echo $$HOME '8080'\"]
    entrypoint: []
    environment: {A: \"x: y\", EMPTY: '', UNSET: , MULTI: \"a\\nb\\n\"}
    labels: {a.b: \"true\", c: ''}
    hostname: h
    domainname: d
    user: \"1000:1000\"
    working_dir: /w
    tty: true
    stdin_open: true
    init: true
    privileged: true
    read_only: true
    depends_on: {db: {condition: service_healthy, restart: true, required: false}}
    ports: ['8080:80', '127.0.0.1:53:53/udp', '9000-9100:90', 70]
    expose: [80]
    networks: {back: {aliases: [x], ipv4_address: 10.1.0.5, priority: 3, gw_priority: 1}, default: }
    external_links: [old:alias]
    extra_hosts: {h: [10.0.0.1, '::1']}
    dns: [10.0.0.1]
    dns_search: [example.com]
    dns_opt: [ndots:1]
    mac_address: 02:42:ac:11:00:02
    volumes:
    - /anon
    - data:/data:nocopy,ro
    - .:/src:rshared
    - {type: tmpfs, target: /t, tmpfs: {size: 10m, mode: 0700}}
    - {type: image, source: alpine, target: /i}
    volumes_from: ['db:ro']
    tmpfs: [/run]
    configs: [c]
    secrets: [{source: s, uid: '1', gid: '2', mode: 0440}]
    healthcheck: {test: curl -f http://x, interval: 1m30s, timeout: 10s, retries: 3, start_period: 5s, start_interval: 1s}
    restart: on-failure:3
    stop_signal: SIGINT
    stop_grace_period: 1.5s
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    security_opt: [no-new-privileges:true]
    group_add: ['1000']
    devices: ['/dev/null:/dev/x:r']
    sysctls: {net.core.somaxconn: 1024}
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
    pid: host
    ipc: shareable
    uts: host
    userns_mode: host
    cgroup: private
    cgroup_parent: /x
    shm_size: 64m
    mem_limit: 1g
    memswap_limit: -1
    mem_reservation: 512m
    cpus: 0.1
    cpu_shares: 5
    cpu_quota: 6
    cpu_period: 7
    cpuset: 0-1
    pids_limit: -1
    oom_score_adj: 5
    logging: {driver: json-file, options: {max-size: 1m}}
    deploy: {replicas: 2}
  db:
    image: db
    network_mode: none
networks:
  back:
    driver: bridge
    driver_opts: {o: 1}
    internal: true
    attachable: true
    enable_ipv6: true
    labels: {l: v}
    ipam: {driver: default, options: {x: y}, config: [{subnet: 10.1.0.0/16, ip_range: 10.1.1.0/24, gateway: 10.1.0.1, aux_addresses: {r: 10.1.0.2}}]}
  default: {external: true, name: there}
volumes:
  data: {driver: local, driver_opts: {type: tmpfs}, labels: {l: v}}
configs:
  c: {content: \"one\\n  two $$x\\n\"}
secrets:
  s: {environment: TOKEN}
";

#[test]
fn a_project_is_written_as_it_is_read() {
    let directory = one(EVERYTHING).with(|options| {
        options.environment = texts(&[("TOKEN", "top secret")]);
        options.profiles = vec!["p".to_owned()];
    });
    let project = directory.project();
    for format in [Format::Yaml, Format::Json] {
        let text = render(&project, format);
        assert!(!text.contains("top secret"));
        let again = Directory::new(&[("compose.yaml", &text)]).with(|options| {
            *options = directory.options.clone();
        });
        let mut again = again.project();
        again.directory.clone_from(&project.directory);
        again.files.clone_from(&project.files);
        assert_eq!(again, project, "{text}");
        assert_eq!(render(&again, format), text);
    }
}

#[test]
fn yaml_is_docker_composes() {
    let directory = one("
services:
  web:
    image: nginx
    ports: ['8080:80']
    command: [echo, $$HOME, '8080']
    volumes: ['data:/data', './x:/x:ro']
    depends_on: [db]
  db: {image: postgres, environment: {A: '1', B: }}
volumes: {data: }
");
    let path = directory.below("x");
    let expected = format!(
        "\
name: app
services:
  db:
    environment:
      A: \"1\"
      B: null
    image: postgres
    networks:
      default: null
  web:
    command:
      - echo
      - $$HOME
      - \"8080\"
    depends_on:
      db:
        condition: service_started
        required: true
    image: nginx
    networks:
      default: null
    ports:
      - mode: ingress
        target: 80
        published: \"8080\"
        protocol: tcp
    volumes:
      - type: volume
        source: data
        target: /data
      - type: bind
        source: {path}
        target: /x
        read_only: true
        bind:
          create_host_path: true
networks:
  default:
    name: app_default
volumes:
  data:
    name: app_data
"
    );
    assert_eq!(render(&directory.project(), Format::Yaml), expected);
}
