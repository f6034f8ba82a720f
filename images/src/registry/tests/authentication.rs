//! Basic, Bearer, and what a password is never told to.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Reply, Seen, Server};
use super::{One, client, client_of, name, password};
use crate::digest::Digest;
use crate::registry::{Credential, RegistryError};

const MANIFEST: &[u8] = b"{}";
/// `ann:s3cret`.
const BASIC: &str = "Basic YW5uOnMzY3JldA==";

fn wants_basic() -> Server {
    Server::new(|seen: &Seen| match seen.header("Authorization") {
        Some(BASIC) => Reply::new(200).body(MANIFEST),
        _ => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"x\""),
    })
}

/// A registry and its service; the service gives `t<n>`, and the registry takes `Bearer t<n>`
/// where n is at least `from`.
fn wants_token(from: usize, expires_in: u64) -> (Server, Server) {
    let count = AtomicUsize::new(0);
    let service = Server::new(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        Reply::new(200).body(format!(
            r#"{{"token":"t{n}","expires_in":{expires_in},"refresh_token":"r"}}"#
        ))
    });
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"reg\",scope=\"repository:a:pull\"",
        service.host()
    );
    let registry = Server::new(move |seen: &Seen| {
        let given = seen
            .header("Authorization")
            .and_then(|h| h.strip_prefix("Bearer t"));
        match given.and_then(|n| n.parse::<usize>().ok()) {
            Some(n) if n >= from => Reply::new(200).body(MANIFEST),
            _ => Reply::new(401).header("WWW-Authenticate", &challenge),
        }
    });
    (registry, service)
}

#[test]
fn a_password_is_shown_where_it_is_wanted() {
    let server = wants_basic();
    let fetched = client_of(One(password())).manifest(&name(&server, "a"));
    assert_eq!(fetched.unwrap().bytes, MANIFEST);
    let error = client().manifest(&name(&server, "a")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "Get \"http://{}/v2/a/manifests/latest\": no basic auth credentials",
            server.host()
        )
    );
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("log in with 'rbox login 127.0.0.1:")
    );
}

#[test]
fn a_token_is_fetched_once_for_a_scope() {
    let (registry, service) = wants_token(0, 300);
    let client = client_of(One(password()));
    for _ in 0..3 {
        client.manifest(&name(&registry, "a")).unwrap();
    }
    let seen = service.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].path,
        "/token?account=ann&client_id=docker&service=reg&scope=repository%3Aa%3Apull"
    );
    assert_eq!(seen[0].header("Authorization"), Some(BASIC));
    client
        .has_blob(&name(&registry, "a"), &Digest::of(b"x"))
        .unwrap();
    assert!(service.lines()[1].ends_with("scope=repository%3Aa%3Apull%2Cpush"));
}

#[test]
fn a_token_that_is_refused_is_renewed_once() {
    let (registry, service) = wants_token(1, 300);
    client().manifest(&name(&registry, "a")).unwrap();
    assert_eq!(service.lines().len(), 2);
    let (registry, service) = wants_token(99, 300);
    let error = client().manifest(&name(&registry, "a")).unwrap_err();
    assert!(matches!(error, RegistryError::PullDenied { .. }), "{error}");
    assert!(
        error.to_string().contains("may require 'rbox login'"),
        "{error}"
    );
    assert_eq!(service.lines().len(), 2);
}

#[test]
fn a_refresh_token_goes_into_a_form() {
    let (registry, service) = wants_token(0, 300);
    let client = client_of(One(Credential::IdentityToken("r/1".to_owned())));
    client.manifest(&name(&registry, "a")).unwrap();
    let seen = &service.seen()[0];
    assert_eq!(seen.line(), "POST /token");
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        "grant_type=refresh_token&service=reg&client_id=docker&scope=repository%3Aa%3Apull\
         &refresh_token=r%2F1"
    );
}

#[test]
fn a_password_does_not_follow_a_redirect_to_another_host() {
    let other = Server::new(|_| Reply::new(200).body(MANIFEST));
    let to = format!("http://{}/x", other.host());
    let server = Server::new(move |seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        _ => Reply::new(302).header("Location", &to),
    });
    client_of(One(password()))
        .manifest(&name(&server, "a"))
        .unwrap();
    assert_eq!(server.seen()[1].header("Authorization"), Some(BASIC));
    assert_eq!(other.seen()[0].header("Authorization"), None);
}

#[test]
fn an_upload_elsewhere_is_told_no_password() {
    let storage = Server::new(|seen: &Seen| match seen.method.as_str() {
        "PATCH" => Reply::new(202).header("Location", "/done"),
        _ => Reply::new(201),
    });
    let to = format!("http://{}/put", storage.host());
    let server = Server::new(move |seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        _ => Reply::new(202).header("Location", &to),
    });
    client_of(One(password()))
        .upload(&name(&server, "a"), &mut &b"blob"[..])
        .unwrap();
    for seen in storage.seen() {
        assert_eq!(seen.header("Authorization"), None);
    }
    assert_eq!(storage.seen()[0].body, b"blob");
}

#[test]
fn login_says_whether_a_password_is_good() {
    let server = wants_basic();
    let host = server.host();
    assert_eq!(
        client().check(&host, &password()).unwrap().identity_token,
        None
    );
    let wrong = Credential::Password {
        username: "ann".to_owned(),
        secret: "no".to_owned(),
    };
    assert_eq!(
        client().check(&host, &wrong).unwrap_err().to_string(),
        format!("login attempt to http://{host}/v2/ failed with status: 401 Unauthorized")
    );

    let (registry, service) = wants_token(0, 300);
    let login = client().check(&registry.host(), &password()).unwrap();
    assert_eq!(login.identity_token.as_deref(), Some("r"));
    assert!(service.lines()[0].contains("offline_token=true"));

    let service =
        Server::new(|_| Reply::new(401).body(r#"{"details":"incorrect username or password"}"#));
    let challenge = format!("Bearer realm=\"http://{}/token\"", service.host());
    let registry = Server::new(move |_| Reply::new(401).header("WWW-Authenticate", &challenge));
    let error = client().check(&registry.host(), &password()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("unauthorized: incorrect username or password"),
        "{error}"
    );
}

#[test]
fn a_service_that_is_no_url_gets_nothing() {
    for realm in ["", "file:///x", "http://u:p@h/", "nonsense"] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        let server = Server::new(move |_| Reply::new(401).header("WWW-Authenticate", &challenge));
        let result = client_of(One(password())).manifest(&name(&server, "a"));
        assert!(result.is_err(), "{realm}");
    }
}
