//! `login` and `logout` at a real registry with passwords and TLS, and at one that gives tokens.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::harness::registry::MANIFEST;
use crate::harness::{Host, Output, Parts, Registry, Terminal, skip};

/// `ann` with the password `s3cret`, as htpasswd -B writes it.
const HTPASSWD: &str = "ann:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n";
/// `ann:s3cret`.
const AUTH: &str = "YW5uOnMzY3JldA==";

/// At `localhost:5001`, for ann alone.
fn with_passwords(host: &Host, test: &str) -> Option<Registry> {
    let file = host.write("htpasswd", HTPASSWD);
    let settings = format!("auth: {{htpasswd: {{realm: test, path: {file}}}}}");
    Registry::with(host, test, 5001, &settings)
}

/// Runs rbox with a line on stdin.
fn with_input(host: &Host, words: &[&str], input: &str) -> Output {
    let mut child = host
        .command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    Output::new(words.join(" "), child.wait_with_output().unwrap())
}

fn config(host: &Host) -> Value {
    let text = fs::read_to_string(host.docker_config().join("config.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_good_password_is_kept_and_used_and_forgotten() {
    const TEST: &str = "a_good_password_is_kept_and_used_and_forgotten";
    let host = Host::with_own_images();
    let Some(_registry) = with_passwords(&host, TEST) else {
        return;
    };
    host.ok("tag alpine localhost:5001/a");
    let without = host.fails(1, "push localhost:5001/a");
    assert!(
        without
            .contains("no basic auth credentials\nhint: log in with 'rbox login localhost:5001'"),
        "{without}"
    );

    let words = ["login", "-u", "ann", "--password-stdin", "localhost:5001"];
    let output = with_input(&host, &words, "s3cret\n");
    let path = host.docker_config().join("config.json");
    assert_eq!(
        output.stderr,
        format!(
            "\nWARNING! Your credentials are stored unencrypted in '{}'.\n\
             Configure a credential helper to remove this warning. See\n\
             https://docs.docker.com/go/credential-store/\n\n",
            path.display()
        )
    );
    assert_eq!(output.ok(), "Login Succeeded");
    assert_eq!(
        config(&host),
        json!({ "auths": { "localhost:5001": { "auth": AUTH } } })
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    host.ok("push localhost:5001/a");
    host.ok("pull localhost:5001/a");
    assert_eq!(
        host.ok("login localhost:5001"),
        "Authenticating with existing credentials... [Username: ann]\n\nLogin Succeeded"
    );

    assert_eq!(
        host.ok("logout http://localhost:5001/v2/"),
        "Removing login credentials for localhost:5001"
    );
    assert_eq!(config(&host), json!({ "auths": {} }));
    assert!(
        host.fails(1, "pull localhost:5001/a")
            .contains("no basic auth credentials")
    );
}

#[test]
fn a_wrong_password_is_refused_as_docker_refuses_it() {
    const TEST: &str = "a_wrong_password_is_refused_as_docker_refuses_it";
    let host = Host::without_images();
    let Some(_registry) = with_passwords(&host, TEST) else {
        return;
    };
    assert_eq!(
        host.fails(1, "login -u ann -p wrong localhost:5001"),
        "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n\
         rbox: login attempt to http://localhost:5001/v2/ failed with status: 401 Unauthorized"
    );
    assert!(!host.docker_config().exists());
    assert_eq!(
        host.fails(1, "login -u a -p b localhost:1"),
        "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n\
         rbox: Get \"http://localhost:1/v2/\": connect: connection refused"
    );
}

#[test]
fn flags_of_login_that_do_not_fit_are_refused() {
    let host = Host::without_images();
    assert_eq!(
        host.fails(1, "login -u ann -p x --password-stdin localhost:1"),
        "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n\
         rbox: --password and --password-stdin are mutually exclusive"
    );
    assert_eq!(
        host.fails(1, "login --password-stdin localhost:1"),
        "rbox: Must provide --username with --password-stdin"
    );
    assert_eq!(
        host.fails(1, "login -u ann --password-stdin localhost:1"),
        "rbox: password is empty"
    );
    assert!(
        host.fails(1, "login localhost:1")
            .starts_with("rbox: Cannot perform an interactive login from a non TTY device\n")
    );
}

#[test]
fn a_password_that_is_typed_is_not_shown() {
    const TEST: &str = "a_password_that_is_typed_is_not_shown";
    let host = Host::without_images();
    let Some(_registry) = with_passwords(&host, TEST) else {
        return;
    };
    let mut terminal = Terminal::start(&host.command(&["login", "localhost:5001"]));
    terminal.expect("Username: ");
    terminal.send("ann\n");
    terminal.expect("Password: ");
    crate::harness::eventually("a terminal without echo", || {
        (!terminal.is_cooked()).then_some(())
    });
    terminal.send("s3cret\n");
    let shown = terminal.expect("Login Succeeded");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(terminal.is_cooked());
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn helpers_keep_what_docker_keeps_with_them() {
    const TEST: &str = "helpers_keep_what_docker_keeps_with_them";
    let host = Host::without_images();
    let Some(_registry) = with_passwords(&host, TEST) else {
        return;
    };
    let kept = host.scratch().join("kept");
    let script = format!(
        "#!/bin/sh\nkept={}\ncase $1 in\n\
         store) cat > $kept ;;\n\
         get) cat > /dev/null; [ -e $kept ] && cat $kept && exit\n\
         echo credentials not found in native keychain; exit 1 ;;\n\
         erase) rm $kept ;;\nesac\n",
        kept.display()
    );
    let helper = host.write("bin/docker-credential-test", &script);
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(host.docker_config()).unwrap();
    let file = host.docker_config().join("config.json");
    fs::write(&file, r#"{"credHelpers": {"localhost:5001": "test"}}"#).unwrap();
    let path = format!("{}:/usr/bin:/bin", host.scratch().join("bin").display());
    let rbox = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let output = host.command(&words).env("PATH", &path).output().unwrap();
        Output::new(line.to_owned(), output)
    };
    let output = rbox("login -u ann -p s3cret localhost:5001");
    assert!(!output.stderr.contains("unencrypted"), "{}", output.stderr);
    output.ok();
    assert_eq!(
        serde_json::from_str::<Value>(&fs::read_to_string(&kept).unwrap()).unwrap(),
        json!({ "ServerURL": "localhost:5001", "Username": "ann", "Secret": "s3cret" })
    );
    assert_eq!(config(&host)["auths"], json!({ "localhost:5001": {} }));
    assert!(
        rbox("login localhost:5001")
            .ok()
            .ends_with("Login Succeeded")
    );
    rbox("logout localhost:5001").ok();
    assert!(!kept.exists());
    assert!(
        rbox("pull localhost:5001/a")
            .fails(1)
            .contains("no basic auth credentials")
    );
    let missing = host.fails(1, "pull localhost:5001/a");
    assert!(
        missing.contains("cannot run docker-credential-test: No such file or directory"),
        "{missing}"
    );
}

/// An authority, and a certificate of it for `reg.test`: three files of the host.
fn certificates(host: &Host) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["reg.test".to_owned(), "localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    (
        host.write("ca.crt", &authority.pem()),
        host.write("server.pem", &server.pem()),
        host.write("server.key", &key.serialize_pem()),
    )
}

#[test]
fn a_registry_with_tls_must_show_a_certificate_of_an_authority_one_knows() {
    const TEST: &str = "a_registry_with_tls_must_show_a_certificate_of_an_authority_one_knows";
    let host = Host::without_images();
    let _hosts = host.file_instead("/etc/hosts", "127.0.0.1 reg.test other.test\n");
    let (authority, certificate, key) = certificates(&host);
    let settings = format!("  tls: {{certificate: {certificate}, key: {key}}}");
    let Some(registry) = Registry::with(&host, TEST, 5443, &settings) else {
        return;
    };
    assert_eq!(registry.address(), "127.0.0.1:5443");
    let login = |server: &str, trusted: &str, flags: &[&str]| {
        let mut words = flags.to_vec();
        words.extend(["login", "-u", "ann", "-p", "x", server]);
        let mut command = host.command(&words);
        let output = command.env("SSL_CERT_FILE", trusted).output().unwrap();
        Output::new(format!("login {server}"), output)
    };
    // docker-registry without passwords takes any.
    assert_eq!(
        login("reg.test:5443", &authority, &[]).ok(),
        "Login Succeeded"
    );
    let unknown = login("reg.test:5443", "/dev/null", &[]).fails(1);
    assert!(
        unknown.contains(
            "rbox: Get \"https://reg.test:5443/v2/\": tls: failed to verify certificate: x509: \
             certificate signed by unknown authority\n\
             hint: put the authority's certificate into /etc/docker/certs.d/reg.test:5443/ca.crt"
        ),
        "{unknown}"
    );
    let other = login("other.test:5443", &authority, &[]).fails(1);
    assert!(
        other.contains("tls: failed to verify certificate: "),
        "{other}"
    );
    // Named as insecure, or on loopback, anybody will do.
    login(
        "other.test:5443",
        "/dev/null",
        &["--insecure-registry", "other.test:5443"],
    )
    .ok();
    login("localhost:5443", "/dev/null", &[]).ok();
}

/// A directory of this host that is empty until this is dropped.
struct Emptied(&'static str);

impl Emptied {
    fn new(host: &Host, path: &'static str) -> Emptied {
        host.sh(&format!("mount -t tmpfs tmpfs {path}")).ok();
        Emptied(path)
    }
}

impl Drop for Emptied {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

#[test]
fn dockers_directories_of_certificates_are_used() {
    const TEST: &str = "dockers_directories_of_certificates_are_used";
    let host = Host::without_images();
    if !std::path::Path::new("/etc/docker").is_dir() {
        skip(TEST, "there is no /etc/docker here to be replaced");
        return;
    }
    let (authority, certificate, key) = certificates(&host);
    let settings =
        format!("  tls: {{certificate: {certificate}, key: {key}, clientcas: [{authority}]}}");
    let Some(_registry) = Registry::with(&host, TEST, 5443, &settings) else {
        return;
    };
    let _docker = Emptied::new(&host, "/etc/docker");
    let directory = "/etc/docker/certs.d/localhost:5443";
    fs::create_dir_all(directory).unwrap();
    fs::copy(&authority, format!("{directory}/ca.crt")).unwrap();
    // It is loopback, but who has given an authority wants it used.
    let nobody = host.fails(1, "login -u ann -p x localhost:5443");
    assert!(
        nobody.contains("Get \"https://localhost:5443/v2/\": "),
        "{nobody}"
    );
    fs::copy(&certificate, format!("{directory}/client.cert")).unwrap();
    let half = host.fails(1, "login -u ann -p x localhost:5443");
    assert!(half.contains("client.cert: missing key "), "{half}");
    fs::copy(&key, format!("{directory}/client.key")).unwrap();
    host.ok("login -u ann -p x localhost:5443");
    let (stranger, _, _) = certificates(&host);
    fs::copy(&stranger, format!("{directory}/ca.crt")).unwrap();
    let unknown = host.fails(1, "login -u ann -p x localhost:5443");
    assert!(
        unknown.contains("certificate signed by unknown authority"),
        "{unknown}"
    );
}

#[test]
fn plain_http_is_for_registries_that_were_named() {
    const TEST: &str = "plain_http_is_for_registries_that_were_named";
    let host = Host::without_images();
    let _hosts = host.file_instead("/etc/hosts", "127.0.0.1 reg.test\n");
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("a:1", &Parts::plain(100));
    let refused = host.fails(1, "pull reg.test:5000/a:1");
    assert!(
        refused.contains("rbox: Get \"https://reg.test:5000/v2/\": "),
        "{refused}"
    );
    host.ok("--insecure-registry reg.test:5000 pull -q reg.test:5000/a:1");
    let words = ["pull", "-q", "reg.test:5000/a:1"];
    let mut command = host.command(&words);
    let output = command
        .env("RBOX_INSECURE_REGISTRIES", "x.test,reg.test:5000")
        .output()
        .unwrap();
    Output::new(words.join(" "), output).ok();
    let nonsense = host.fails(1, "--insecure-registry a/b pull -q reg.test:5000/a:1");
    assert_eq!(
        nonsense,
        "rbox: invalid insecure registry \"a/b\": neither HOST[:PORT] nor a network"
    );
}

/// A registry that wants tokens, and the service that gives them, at one address: it knows one
/// empty repository. What it was asked, with the bodies.
fn with_tokens() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let asked = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let asked = Arc::clone(&asked);
            std::thread::spawn(move || while answer(&stream, port, &asked).is_some() {});
        }
    });
    (port, seen)
}

fn answer(mut stream: &TcpStream, port: u16, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    if !reader.fill_buf().ok()?.first()?.is_ascii_uppercase() {
        return None;
    }
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        head.push_str(&std::mem::take(&mut line));
    }
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    };
    let length = header("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let authorization = header("authorization").unwrap_or_default();
    let body = String::from_utf8(body).unwrap();
    seen.lock()
        .unwrap()
        .push(format!("{path} {authorization} {body}"));
    let good = authorization == format!("Basic {AUTH}") || body.contains("refresh_token=keep%2Fme");
    let (status, extra, text) = if path.starts_with("/token") {
        match good {
            true => (
                200,
                String::new(),
                r#"{"token":"t","refresh_token":"keep/me"}"#,
            ),
            false => (
                401,
                String::new(),
                r#"{"details":"incorrect username or password"}"#,
            ),
        }
    } else if authorization != "Bearer t" {
        let realm = format!("http://127.0.0.1:{port}/token");
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"reg\"\r\n");
        (401, challenge, "{}")
    } else {
        (
            200,
            format!("Content-Type: {MANIFEST}\r\n"),
            r#"{"name":"a","tags":null}"#,
        )
    };
    let reply = format!(
        "HTTP/1.1 {status} X\r\n{extra}Content-Length: {}\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(reply.as_bytes()).ok()
}

#[test]
fn a_token_is_kept_in_the_passwords_place() {
    let host = Host::without_images();
    let (port, seen) = with_tokens();
    let server = format!("127.0.0.1:{port}");
    let wrong = with_input(
        &host,
        &["login", "-u", "ann", "--password-stdin", &server],
        "wrong",
    );
    assert_eq!(
        wrong.fails(1),
        format!(
            "rbox: Get \"http://{server}/token\": unauthorized: incorrect username or password\n\
             hint: log in with 'rbox login {server}'"
        )
    );
    let output = with_input(
        &host,
        &["login", "-u", "ann", "--password-stdin", &server],
        "s3cret",
    );
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("Login Succeeded\n", "")
    );
    assert_eq!(
        config(&host),
        json!({ "auths": { &server: { "auth": "YW5uOg==", "identitytoken": "keep/me" } } })
    );
    seen.lock().unwrap().clear();
    host.ok(&format!("pull -q --all-tags {server}/a"));
    let seen = seen.lock().unwrap();
    let [ping, token, tags] = &seen[..] else {
        panic!("{seen:#?}");
    };
    assert_eq!(ping.trim(), "/v2/");
    assert_eq!(
        token,
        "/token  grant_type=refresh_token&service=reg&client_id=docker\
         &scope=repository%3Aa%3Apull&refresh_token=keep%2Fme"
    );
    assert_eq!(tags.trim(), "/v2/a/tags/list Bearer t");
}
