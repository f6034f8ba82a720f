//! `rbox compose config`: files as people have them, read where they lie.

use std::process::{Command, Stdio};

use crate::harness::{Host, Output};

const BASE: &str = r#"
name: ${PROJECT:-shop}
x-env: &env
  LANG: C
services:
  web:
    build: ./web
    ports: ["${PORT:?say which}:80"]
    environment:
      <<: *env
      TAG:
    depends_on: [db]
  db:
    extends: {file: common/base.yaml, service: database}
  debug:
    image: alpine:$TAG
    profiles: [debug]
"#;

const OVERRIDE: &str = r#"
services:
  web:
    ports: !override ["9000:80"]
    environment: {LANG: !reset null}
    volumes: ["./src:/src:ro"]
"#;

const COMMON: &str = "
services:
  database:
    image: postgres:${TAG:-16}
    volumes: ['./data:/data']
";

/// A directory with files.
struct Files {
    host: Host,
    directory: String,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let host = Host::without_images();
        let mut directory = String::new();
        for (name, text) in files {
            let path = host.write(&format!("app/{name}"), text);
            directory = path.strip_suffix(name).unwrap().to_owned();
        }
        Files { host, directory }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.host.command(&[&["compose"], words].concat());
        command.current_dir(&self.directory);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().unwrap();
        Output::new(format!("rbox compose {}", words.join(" ")), output)
    }
}

fn shop() -> Files {
    Files::new(&[
        ("compose.yaml", BASE),
        ("compose.override.yaml", OVERRIDE),
        ("common/base.yaml", COMMON),
        (".env", "PORT=8080\n"),
    ])
}

#[test]
fn files_are_merged_and_filled_in() {
    let shop = shop();
    let output = shop.run(&["config"]);
    let directory = shop.directory.trim_end_matches('/').to_owned();
    let expected = format!(
        "\
name: shop
services:
  db:
    image: postgres:16
    networks:
      default: null
    volumes:
      - type: bind
        source: {directory}/common/data
        target: /data
        bind:
          create_host_path: true
  web:
    build:
      context: {directory}/web
    depends_on:
      db:
        condition: service_started
        required: true
    environment:
      TAG: null
    networks:
      default: null
    ports:
      - mode: ingress
        target: 80
        published: \"9000\"
        protocol: tcp
    volumes:
      - type: bind
        source: {directory}/src
        target: /src
        read_only: true
        bind:
          create_host_path: true
networks:
  default:
    name: shop_default
"
    );
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout, expected);
    assert_eq!(
        output.stderr,
        "WARNING: The \"TAG\" variable is not set. Defaulting to a blank string.\n"
    );

    // What is printed is a file, too.
    let mut command = shop.command(&["-f", "-", "config"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), expected.as_bytes()).unwrap();
    let again = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(again.stdout).unwrap(), expected);
}

#[test]
fn parts_of_a_project_are_listed() {
    let shop = shop();
    for (words, expected) in [
        (&["config", "--services"][..], "db\nweb"),
        (
            &["--profile", "debug", "config", "--services"],
            "db\ndebug\nweb",
        ),
        (&["config", "--profiles"], "debug"),
        (&["config", "--images", "db"], "postgres:16"),
        (
            &[
                "-f",
                "common/base.yaml",
                "-p",
                "other",
                "config",
                "--services",
            ],
            "database",
        ),
        (&["config", "-q"], ""),
    ] {
        assert_eq!(shop.run(words).ok(), expected, "{words:?}");
    }
    let json = shop.run(&["config", "--format", "json", "db"]).ok();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["services"]["db"]["image"], "postgres:16");
    let hashes = shop.run(&["config", "--hash", "*"]).ok();
    let hashes: Vec<(&str, &str)> = hashes
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    assert_eq!(hashes.len(), 2);
    assert!(hashes.iter().all(|(_, hash)| hash.len() == 64));
    assert_eq!(
        shop.run(&["config", "--hash", "db"]).ok(),
        format!("db {}", hashes[0].1)
    );
}

#[test]
fn without_interpolation_variables_stay() {
    let shop = shop();
    let text = shop
        .run(&["-f", "compose.yaml", "config", "--no-interpolate"])
        .ok();
    assert!(text.contains("\n      - ${PORT:?say which}:80\n"), "{text}");
    assert!(text.contains("\n    image: alpine:$TAG\n"), "{text}");
    assert!(
        text.contains("\n    image: postgres:${TAG:-16}\n"),
        "{text}"
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, expected) in [
        (
            "services:\n  web:\n    imag: alpine\n",
            "rbox: compose.yaml:3: services.web.imag: unknown key (did you mean image?)\n",
        ),
        (
            "services:\n  web:\n    image: a\n    gpus: all\n",
            "rbox: compose.yaml:4: services.web.gpus: not supported\n",
        ),
        (
            "services:\n  web:\n    image: ${NOT_SET:?is needed}\n",
            "rbox: compose.yaml:3: services.web.image: required variable NOT_SET is missing a value: is needed\n",
        ),
        (
            "services:\n  web: {image: a, network_mode: lan}\n",
            "rbox: compose.yaml:2: services.web.network_mode: \"lan\" is none of none, host, bridge, service:NAME, container:NAME, ns:/PATH\nhint: a network is named in networks\n",
        ),
        ("services: [\n", "rbox: compose.yaml:2: "),
    ] {
        let files = Files::new(&[("compose.yaml", text)]);
        for words in [&["config"][..], &["up", "-d"], &["ps"]] {
            let output = files.run(words);
            assert_eq!(output.code, 1, "{words:?}");
            assert!(output.stderr.starts_with(expected), "{}", output.stderr);
            assert_eq!(output.stdout, "");
        }
    }
    let none = Files::new(&[("other.yaml", "services: {}")]);
    assert_eq!(
        none.run(&["config"]).fails(1),
        "rbox: no configuration file provided: not found\nhint: write a compose.yaml, or name a file with -f"
    );
    assert_eq!(
        none.run(&["-f", "no.yaml", "config"]).fails(1),
        "rbox: open no.yaml: no such file or directory"
    );
}
