//! One request and its answer: redirects, further attempts, and what a broken connection is called.

use std::io::Read;
use std::time::Duration;

use ureq::http::{HeaderMap, Method, Response, StatusCode};
use ureq::{Body, SendBody};

use super::RegistryError;
use super::agents::Agents;
use super::refusal::{self, Refusal};
use super::url::Url;

const MOST_REDIRECTS: usize = 10;
const ATTEMPTS: u32 = 5;
/// The longest that a registry can make one wait before the next attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What is asked.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Sent only to the origin of `url`.
    pub(super) authorization: Option<String>,
    pub(super) payload: Payload<'a>,
}

/// What is sent with it.
pub(super) enum Payload<'a> {
    /// Nothing.
    None,
    /// The same bytes with each attempt.
    Bytes(&'a [u8]),
    /// What can be read only once, so there is one attempt.
    Stream(&'a mut dyn Read),
}

/// What came back; its body is not yet read.
pub(super) struct Answer {
    pub(super) method: Method,
    /// Who answered in the end.
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Body,
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) agents: Agents,
    /// Before the second attempt; doubles with each.
    pub(super) backoff: Duration,
}

impl Request<'_> {
    pub(super) fn get(url: Url) -> Request<'static> {
        Request {
            method: Method::GET,
            url,
            headers: Vec::new(),
            authorization: None,
            payload: Payload::None,
        }
    }
}

impl Exchange {
    /// Sends until there is an answer that another attempt would not change.
    ///
    /// # Errors
    /// [`RegistryError::Transport`] when there is none.
    pub(super) fn send(&self, mut request: Request<'_>) -> Result<Answer, RegistryError> {
        let mut wait = self.backoff;
        for _ in 1..ATTEMPTS {
            if matches!(request.payload, Payload::Stream(_)) {
                break;
            }
            match self.send_once(&mut request) {
                Ok(answer) if answer.is_worth_repeating() => {
                    std::thread::sleep(answer.retry_after().unwrap_or(wait));
                }
                Err(error) if error.is_transient() => std::thread::sleep(wait),
                other => return other,
            }
            wait *= 2;
        }
        self.send_once(&mut request)
    }

    /// Sends once, and again where a redirect leads.
    pub(super) fn send_once(&self, request: &mut Request<'_>) -> Result<Answer, RegistryError> {
        let mut url = request.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.attempt(request, &url)?;
            let reading = matches!(request.method, Method::GET | Method::HEAD);
            let Some(next) = answer.redirect().filter(|_| reading) else {
                return Ok(answer);
            };
            let next = url.join(&next).ok_or_else(|| RegistryError::Protocol {
                url: url.shown(),
                problem: format!("redirects to {:?}", refusal::plain(&next)),
            })?;
            if url.is_tls() && !next.is_tls() {
                return Err(RegistryError::Protocol {
                    url: url.shown(),
                    problem: format!("redirects from https to {}", next.shown()),
                });
            }
            url = next;
        }
        Err(RegistryError::Protocol {
            url: url.shown(),
            problem: format!("stopped after {MOST_REDIRECTS} redirects"),
        })
    }

    fn attempt(&self, request: &mut Request<'_>, url: &Url) -> Result<Answer, RegistryError> {
        let agent = self.agents.get(url)?;
        let mut head = ureq::http::Request::builder()
            .method(request.method.clone())
            .uri(url.uri().clone());
        for (name, value) in &request.headers {
            head = head.header(*name, value);
        }
        if let Some(authorization) = &request.authorization
            && url.same_origin(&request.url)
        {
            head = head.header("Authorization", authorization);
        }
        let failed = |error: ureq::Error| transport(&request.method, url, &error);
        let sent = match &mut request.payload {
            Payload::None => agent.run(head.body(()).map_err(|error| failed(error.into()))?),
            Payload::Bytes(bytes) => {
                agent.run(head.body(*bytes).map_err(|error| failed(error.into()))?)
            }
            Payload::Stream(reader) => agent.run(
                head.body(SendBody::from_reader(reader))
                    .map_err(|error| failed(error.into()))?,
            ),
        };
        let response: Response<Body> = sent.map_err(failed)?;
        let (parts, body) = response.into_parts();
        Ok(Answer {
            method: request.method.clone(),
            url: url.clone(),
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

impl Answer {
    /// A header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn redirect(&self) -> Option<String> {
        let code = self.status.as_u16();
        if !matches!(code, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        self.header("Location").map(str::to_owned)
    }

    fn is_worth_repeating(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header("Retry-After")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }

    /// Bytes of the body, where that was told.
    pub(super) fn length(&self) -> Option<u64> {
        self.header("Content-Length")?.trim().parse().ok()
    }

    /// The body as it comes, without an end to its size.
    pub(super) fn into_reader(self) -> ureq::BodyReader<'static> {
        self.body.into_reader()
    }

    /// The whole body; `what` is said in the error when it is over `limit` bytes.
    pub(super) fn bytes(self, what: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let (method, url) = (self.method.clone(), self.url.clone());
        let mut bytes = Vec::new();
        self.into_reader()
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| transport(&method, &url, &ureq::Error::Io(error)))?;
        if bytes.len() as u64 > limit {
            return Err(RegistryError::TooLarge {
                what: what.to_owned(),
                limit,
            });
        }
        Ok(bytes)
    }

    /// What an answer that is no success says.
    pub(super) fn refusal(self) -> Refusal {
        let mut bytes = Vec::new();
        // What cannot be read says nothing.
        match self
            .into_reader()
            .take(refusal::LIMIT)
            .read_to_end(&mut bytes)
        {
            Ok(_) => Refusal::parse(&bytes),
            Err(_) => Refusal::default(),
        }
    }

    /// The error for a status that means nothing here.
    pub(super) fn unexpected(self) -> RegistryError {
        RegistryError::Status {
            verb: verb(&self.method),
            url: self.url.shown(),
            status: self.status_text(),
            transient: self.is_worth_repeating(),
            refusal: self.refusal(),
        }
    }

    /// `404 Not Found`.
    pub(super) fn status_text(&self) -> String {
        let reason = self.status.canonical_reason().unwrap_or_default();
        format!("{} {reason}", self.status.as_u16())
            .trim()
            .to_owned()
    }
}

/// `Get`, as Go's client writes it.
pub(super) fn verb(method: &Method) -> &'static str {
    match *method {
        Method::HEAD => "Head",
        Method::POST => "Post",
        Method::PUT => "Put",
        Method::PATCH => "Patch",
        _ => "Get",
    }
}

/// What a request without an answer is called.
pub(super) fn transport(method: &Method, url: &Url, error: &ureq::Error) -> RegistryError {
    let text = match error {
        ureq::Error::Io(error) => io_text(error),
        ureq::Error::Timeout(_) => "i/o timeout".to_owned(),
        // The resolver's, which says all.
        ureq::Error::Other(error) => error.to_string(),
        other => other.to_string(),
    };
    let (reason, hint) = match text.split_once("invalid peer certificate: ") {
        Some((_, problem)) => untrusted(url, problem),
        None => (text, None),
    };
    RegistryError::Transport {
        verb: verb(method),
        url: url.shown(),
        reason,
        hint,
        transient: is_transient(error),
    }
}

/// What a certificate that is not good is called, and what to do about it.
fn untrusted(url: &Url, problem: &str) -> (String, Option<String>) {
    const FAILED: &str = "tls: failed to verify certificate:";
    // Two authorities of the same name differ in their signatures alone.
    if problem.contains("UnknownIssuer") || problem.contains("BadSignature") {
        let hint = format!(
            "put the authority's certificate into /etc/docker/certs.d/{}/ca.crt",
            url.authority()
        );
        let reason = format!("{FAILED} x509: certificate signed by unknown authority");
        (reason, Some(hint))
    } else if problem.contains("CaUsedAsEndEntity") {
        let hint = "make an authority, and with it a certificate for the server (CA:FALSE)";
        let reason = format!("{FAILED} the server's is that of an authority");
        (reason, Some(hint.to_owned()))
    } else {
        (format!("{FAILED} {problem}"), None)
    }
}

/// Without Rust's `(os error 111)`, in Go's small letters.
pub(super) fn io_text(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    let known = match error.kind() {
        ErrorKind::ConnectionRefused => Some("connect: connection refused"),
        ErrorKind::ConnectionReset => Some("connection reset by peer"),
        ErrorKind::HostUnreachable => Some("connect: no route to host"),
        ErrorKind::NetworkUnreachable => Some("connect: network is unreachable"),
        ErrorKind::UnexpectedEof => Some("unexpected EOF"),
        ErrorKind::BrokenPipe => Some("broken pipe"),
        ErrorKind::TimedOut => Some("i/o timeout"),
        _ => None,
    };
    known.map_or_else(|| error.to_string(), str::to_owned)
}

fn is_transient(error: &ureq::Error) -> bool {
    use std::io::ErrorKind;
    match error {
        ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::NotConnected
                | ErrorKind::BrokenPipe
                | ErrorKind::TimedOut
                | ErrorKind::WouldBlock
                | ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}
