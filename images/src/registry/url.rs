//! Addresses of what a registry has, and of where it sends one.

use std::fmt;

use ureq::http::Uri;

/// The longest URL that is followed.
const LONGEST: usize = 8 * 1024;

/// An absolute http or https URL without user name and fragment.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    uri: Uri,
}

impl Url {
    /// `None` for anything else, whoever wrote it.
    pub(super) fn parse(text: &str) -> Option<Url> {
        if text.len() > LONGEST {
            return None;
        }
        let uri: Uri = text.split('#').next()?.parse().ok()?;
        let authority = uri.authority()?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = authority.host();
        let plain = !host.is_empty()
            && !authority.as_str().contains('@')
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
        (known && plain).then_some(Url { uri })
    }

    /// Where a `Location` header points (RFC 9110, section 10.2.2).
    pub(super) fn join(&self, location: &str) -> Option<Url> {
        let (scheme, authority) = (self.scheme(), self.authority());
        if location.contains("://") && !location.starts_with('/') {
            Url::parse(location)
        } else if let Some(rest) = location.strip_prefix("//") {
            Url::parse(&format!("{scheme}://{rest}"))
        } else if location.starts_with('/') {
            Url::parse(&format!("{scheme}://{authority}{location}"))
        } else if location.starts_with('?') {
            Url::parse(&format!(
                "{scheme}://{authority}{}{location}",
                self.uri.path()
            ))
        } else {
            let directory = self.uri.path().rsplit_once('/').map_or("", |(up, _)| up);
            Url::parse(&format!("{scheme}://{authority}{directory}/{location}"))
        }
    }

    /// With one parameter more in its query.
    pub(super) fn with(&self, name: &str, value: &str) -> Option<Url> {
        let mark = match self.uri.query() {
            None => '?',
            Some(_) => '&',
        };
        Url::parse(&format!("{}{mark}{name}={}", self.uri, encode(value)))
    }

    pub(super) fn is_tls(&self) -> bool {
        self.scheme() == "https"
    }

    pub(super) fn scheme(&self) -> &str {
        self.uri.scheme_str().unwrap_or_default()
    }

    /// `host[:port]` as written.
    pub(super) fn authority(&self) -> &str {
        self.uri
            .authority()
            .map_or("", |authority| authority.as_str())
    }

    /// The host alone; of IPv6 with its brackets.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// The port, also where it is the scheme's.
    pub(super) fn port(&self) -> u16 {
        let usual = if self.is_tls() { 443 } else { 80 };
        self.uri.port_u16().unwrap_or(usual)
    }

    /// Whether what is told to one may be told to the other.
    pub(super) fn same_origin(&self, other: &Url) -> bool {
        self.scheme() == other.scheme()
            && self.host().eq_ignore_ascii_case(other.host())
            && self.port() == other.port()
    }

    /// For messages: without the query, which may hold a signature.
    pub(super) fn shown(&self) -> String {
        format!(
            "{}://{}{}",
            self.scheme(),
            self.authority(),
            self.uri.path()
        )
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown())
    }
}

/// As in forms (`application/x-www-form-urlencoded`), a space as `%20`.
pub(super) fn encode(text: &str) -> String {
    use fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(base: &str, location: &str) -> Option<String> {
        let joined = Url::parse(base).unwrap().join(location)?;
        Some(joined.uri().to_string())
    }

    #[test]
    fn locations_are_relative_or_absolute() {
        let base = "https://reg.test:5000/v2/a/blobs/uploads/?x=1";
        for (location, expected) in [
            ("/v2/b?_state=q", "https://reg.test:5000/v2/b?_state=q"),
            ("https://cdn.test/x?s=1#f", "https://cdn.test/x?s=1"),
            ("//cdn.test/x", "https://cdn.test/x"),
            ("7a", "https://reg.test:5000/v2/a/blobs/uploads/7a"),
            ("?y", "https://reg.test:5000/v2/a/blobs/uploads/?y"),
            ("/a?u=https://x/", "https://reg.test:5000/a?u=https://x/"),
        ] {
            assert_eq!(
                join(base, location).as_deref(),
                Some(expected),
                "{location}"
            );
        }
        for bad in [
            "file:///etc/passwd",
            "ftp://x/",
            "https://",
            "https://u:p@h/",
            "http://a b/",
        ] {
            assert_eq!(join(base, bad), None, "{bad}");
        }
    }

    #[test]
    fn parameters_are_encoded_and_appended() {
        let url = Url::parse("https://t/token").unwrap();
        let url = url.with("service", "a b&c").unwrap();
        let url = url.with("scope", "repository:x:pull").unwrap();
        assert_eq!(
            url.uri().to_string(),
            "https://t/token?service=a%20b%26c&scope=repository%3Ax%3Apull"
        );
        assert_eq!(url.shown(), "https://t/token");
    }

    #[test]
    fn origins_differ_in_scheme_host_and_port() {
        let url = |text| Url::parse(text).unwrap();
        assert!(url("https://a/x").same_origin(&url("https://A:443/y")));
        assert!(!url("https://a/x").same_origin(&url("http://a/x")));
        assert!(!url("https://a/x").same_origin(&url("https://a:444/x")));
        assert!(!url("https://a/x").same_origin(&url("https://b/x")));
    }
}
