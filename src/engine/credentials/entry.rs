//! One entry of `auths`: `{"auth": base64("user:password"), "identitytoken": …}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rbox_images::Credential;
use serde_json::{Map, Value, json};

/// What an entry says; `None` where it says nothing, as after a helper took the secret.
pub fn decode(entry: &Value) -> Result<Option<Credential>, String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    if !text("identitytoken").is_empty() {
        return Ok(Some(Credential::IdentityToken(
            text("identitytoken").to_owned(),
        )));
    }
    let (username, secret) = match text("auth") {
        "" => (text("username").to_owned(), text("password").to_owned()),
        encoded => {
            let decoded = STANDARD
                .decode(encoded)
                .map_err(|_| "its \"auth\" is not base64")?;
            let decoded =
                String::from_utf8(decoded).map_err(|_| "its \"auth\" is not text".to_owned())?;
            let (username, secret) = decoded.split_once(':').ok_or("its \"auth\" has no colon")?;
            // Old versions of Docker wrote zero bytes at the end.
            (username.to_owned(), secret.trim_matches('\0').to_owned())
        }
    };
    Ok((!username.is_empty() && !secret.is_empty())
        .then_some(Credential::Password { username, secret }))
}

/// An entry that says it.
pub fn encode(username: &str, credential: &Credential) -> Value {
    let mut entry = Map::new();
    let auth = |secret: &str| STANDARD.encode(format!("{username}:{secret}"));
    match credential {
        Credential::Password { secret, .. } => {
            entry.insert("auth".to_owned(), json!(auth(secret)));
        }
        Credential::IdentityToken(token) => {
            entry.insert("auth".to_owned(), json!(auth("")));
            entry.insert("identitytoken".to_owned(), json!(token));
        }
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(username: &str, secret: &str) -> Credential {
        Credential::Password {
            username: username.to_owned(),
            secret: secret.to_owned(),
        }
    }

    #[test]
    fn entries_are_dockers() {
        let ann = password("ann", "a:b");
        assert_eq!(encode("ann", &ann), json!({"auth": "YW5uOmE6Yg=="}));
        assert_eq!(decode(&json!({"auth": "YW5uOmE6Yg=="})), Ok(Some(ann)));
        let token = Credential::IdentityToken("t".to_owned());
        let entry = encode("ann", &token);
        assert_eq!(entry, json!({"auth": "YW5uOg==", "identitytoken": "t"}));
        assert_eq!(decode(&entry), Ok(Some(token)));
        assert_eq!(
            decode(&json!({"username": "ann", "password": "x"})),
            Ok(Some(password("ann", "x")))
        );
    }

    #[test]
    fn empty_entries_say_nothing_and_broken_ones_are_named() {
        for empty in [
            json!({}),
            json!({"auth": ""}),
            json!({"auth": "Og=="}),
            json!(7),
        ] {
            assert_eq!(decode(&empty), Ok(None), "{empty}");
        }
        for broken in ["*", "YW5u", "/w=="] {
            assert!(decode(&json!({"auth": broken})).is_err(), "{broken}");
        }
    }
}
