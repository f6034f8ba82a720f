//! `WWW-Authenticate`: how a registry wants to be told who asks (RFC 9110, section 11.6.1).

/// What the registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password with every request.
    Basic,
    /// A token that a service gives for them.
    Bearer(Bearer),
}

/// Where to get a token, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bearer {
    /// URL of the service.
    pub(super) realm: String,
    /// The registry's name there.
    pub(super) service: String,
    /// `repository:library/alpine:pull`.
    pub(super) scope: String,
    /// `insufficient_scope`, `invalid_token`.
    pub(super) error: String,
}

/// The strongest challenge of an answer's headers that is known here.
pub(super) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut basic = None;
    for header in headers {
        for (scheme, parameters) in challenges(header) {
            if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            } else if scheme.eq_ignore_ascii_case("bearer") {
                let get = |name: &str| {
                    parameters
                        .iter()
                        .find(|(key, _)| key.eq_ignore_ascii_case(name))
                        .map(|(_, value)| value.clone())
                        .unwrap_or_default()
                };
                let realm = get("realm");
                if !realm.is_empty() {
                    return Some(Challenge::Bearer(Bearer {
                        realm,
                        service: get("service"),
                        scope: get("scope"),
                        error: get("error"),
                    }));
                }
            }
        }
    }
    basic
}

/// `Bearer realm="a",scope="b,c", Basic realm="d"` in its parts.
fn challenges(header: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return found;
        }
        let end = rest.find([' ', '=', ',', '\t']).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = &rest[end..];
        match rest.strip_prefix('=') {
            Some(after) => {
                let (value, after) = value(after);
                rest = after;
                if let Some((_, parameters)) = found.last_mut() {
                    parameters.push((word.to_owned(), value));
                }
            }
            None => found.push((word.to_owned(), Vec::new())),
        }
    }
}

/// A quoted string or a token, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(header: &str) -> Option<Challenge> {
        parse(std::iter::once(header))
    }

    #[test]
    fn a_bearer_challenge_has_its_parts() {
        let header = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push",error="insufficient_scope""#;
        let Some(Challenge::Bearer(bearer)) = one(header) else {
            panic!("no bearer");
        };
        assert_eq!(bearer.realm, "https://auth.docker.io/token");
        assert_eq!(bearer.service, "registry.docker.io");
        assert_eq!(bearer.scope, "repository:a/b:pull,push");
        assert_eq!(bearer.error, "insufficient_scope");
    }

    #[test]
    fn bearer_goes_before_basic_wherever_it_stands() {
        let both = r#"Basic realm="x, y", Bearer realm="https://t",service=s"#;
        assert!(matches!(one(both), Some(Challenge::Bearer(b)) if b.service == "s"));
        let headers = ["Basic realm=\"x\"", "bearer REALM=\"https://t\""];
        assert!(matches!(
            parse(headers.into_iter()),
            Some(Challenge::Bearer(_))
        ));
        assert_eq!(one("basic realm=\"a \\\" b\""), Some(Challenge::Basic));
    }

    #[test]
    fn nonsense_is_no_challenge() {
        for header in [
            "",
            ",,,",
            "Negotiate",
            "Bearer",
            "Bearer realm=",
            "=\"",
            "Bearer realm=\"",
        ] {
            assert_eq!(one(header), None, "{header:?}");
        }
    }
}
