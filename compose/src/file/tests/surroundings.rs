//! Environment, files of variables, profiles, where files come from.

use super::{Directory, one, texts};

#[test]
fn variables_come_from_the_process_then_from_env_files() {
    let files = [
        (
            "compose.yaml",
            "services: {web: {image: '$A-$B-${C-c}', environment: [A, B, NONE]}}",
        ),
        (".env", "A=env\nB=env"),
        ("other.env", "B=other\nC=$A"),
    ];
    let process = texts(&[("A", "process")]);
    let directory = Directory::new(&files).with(|options| options.environment = process);
    let web = |directory: &Directory| directory.project().services["web"].clone();
    assert_eq!(web(&directory).image.as_deref(), Some("process-env-c"));
    assert_eq!(web(&directory).environment["B"].as_deref(), Some("env"));
    assert_eq!(web(&directory).environment["NONE"], None);
    let directory = directory.with(|options| options.env_files = vec!["other.env".into()]);
    assert_eq!(
        web(&directory).image.as_deref(),
        Some("process-other-process")
    );
    let directory = directory.with(|options| options.env_files.push("no.env".into()));
    assert_eq!(
        directory.error(),
        "couldn't find env file: no.env: no such file or directory"
    );
    let bad = Directory::new(&[("compose.yaml", "services: {}"), (".env", "OK=1\nNOT OK=1")]);
    assert_eq!(
        bad.error(),
        ".env:2: unexpected character in variable name \"NOT OK\""
    );
    let off = texts(&[("COMPOSE_DISABLE_ENV_FILE", "1")]);
    assert_eq!(
        bad.with(|options| options.environment = off).project().name,
        "app"
    );
}

#[test]
fn a_services_files_come_before_its_own_values() {
    let directory = Directory::new(&[
        (
            "compose.yaml",
            "
services:
  web:
    image: a
    env_file: [one.env, {path: two.env, format: raw}, {path: no.env, required: false}]
    environment: {OWN: own}
    label_file: labels
    labels: {own: own}
",
        ),
        ("one.env", "A='1'\nB=one\nOWN=file\nHOST\nUNSET\n"),
        ("two.env", "B='two' # raw"),
        ("labels", "own=file\nother=\"x y\"\n"),
    ])
    .with(|options| options.environment = texts(&[("HOST", "host")]));
    let web = directory.project().services["web"].clone();
    let value = |name: &str| web.environment[name].as_deref();
    assert_eq!(value("A"), Some("1"));
    assert_eq!(value("B"), Some("'two' # raw"));
    assert_eq!(value("OWN"), Some("own"));
    assert_eq!(value("HOST"), Some("host"));
    assert_eq!(value("UNSET"), None);
    assert_eq!(web.labels, texts(&[("other", "x y"), ("own", "own")]));
}

const PROFILES: &str = "
services:
  web: {image: a}
  debug: {image: a, profiles: [debug], depends_on: [db]}
  db: {image: a, profiles: [db, debug]}
  odd: {image: a, profiles: [odd], env_file: nosuch.env}
";

#[test]
fn profiles_choose_services() {
    let on = |profiles: &[&str], named: &[&str], list: &str| {
        let own = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let directory = one(PROFILES).with(|options| {
            options.profiles = own(profiles);
            options.services = own(named);
            options.environment = texts(&[("COMPOSE_PROFILES", list)]);
        });
        let project = directory.load()?;
        assert_eq!(project.services.len() + project.disabled.len(), 4);
        Ok(project
            .services
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(" "))
    };
    for (profiles, named, list, expected) in [
        (&[][..], &[][..], "", "web"),
        (&["debug"], &[], "db", "db debug web"),
        (&[], &[], "none, db", "db web"),
        (&[], &["debug"], "", "db debug web"),
        (&[], &["db"], "", "db debug web"),
        (&["db"], &["web"], "", "db web"),
    ] {
        assert_eq!(on(profiles, named, list).as_deref(), Ok(expected));
    }
    let error =
        |named: &str| on(&[], &[named], "").map_err(|error: super::LoadError| error.message);
    assert_eq!(error("other"), Err("no such service: other".to_owned()));
    assert_eq!(
        error("dbb"),
        Err("no such service: dbb (did you mean db?)".to_owned())
    );
    assert!(on(&["*"], &[], "").is_err_and(|error| error.message.contains("nosuch.env")));
}

#[test]
fn a_dependency_must_be_on() {
    let directory = one("
services:
  web:
    image: a
    depends_on:
      db: {condition: service_started}
      extra: {condition: service_started, required: false}
  db: {image: a, profiles: [data]}
  extra: {image: a, profiles: [data]}
");
    let error = directory.load().unwrap_err();
    assert_eq!(
        error.message,
        "compose.yaml:6: services.web.depends_on.db: service \"db\" is required by \"web\" but is disabled"
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("it is enabled by --profile with one of data")
    );
    let directory = directory.with(|options| options.profiles = vec!["data".to_owned()]);
    assert_eq!(directory.project().services.len(), 3);
}

#[test]
fn files_may_be_named_by_the_environment() {
    let directory = Directory::new(&[
        ("sub/a.yaml", "services: {web: {image: a, build: .}}"),
        ("b.yaml", "services: {web: {image: b}}"),
        (".env", "COMPOSE_FILE=sub/a.yaml:b.yaml\n"),
        ("sub/.env", "COMPOSE_PROJECT_NAME=named\n"),
    ]);
    let project = directory.project();
    assert_eq!(project.name, "named");
    assert_eq!(project.directory, directory.path().join("sub"));
    assert_eq!(project.services["web"].image.as_deref(), Some("b"));
    let directory = directory.with(|options| options.directory = Some("sub".into()));
    assert_eq!(
        directory.error(),
        "no configuration file provided: not found"
    );
    let directory = directory.with(|options| options.files = vec!["b.yaml".into()]);
    let project = directory.project();
    assert_eq!(project.directory, directory.path().join("sub"));
    assert_eq!(project.environment["COMPOSE_PROJECT_NAME"], "named");
}

#[test]
fn what_may_surprise_is_told() {
    let project =
        one("version: '3'\nservices: {web: {image: 'a:$TAG$TAG', hostname: '${H-}', user: ''}}")
            .project();
    assert_eq!(
        project.warnings,
        [
            "compose.yaml: the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion",
            "The \"TAG\" variable is not set. Defaulting to a blank string.",
        ]
    );
}
