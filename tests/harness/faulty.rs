//! A proxy before a registry that does what networks and registries do on bad days.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::registry::{Answer, header};

/// What goes wrong with one answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection breaks after so many bytes of the body.
    Cut(usize),
    /// One byte of the body is another.
    Flipped(usize),
    /// The range that was asked for is ignored, and the connection breaks after so many bytes.
    NoRangeCut(usize),
    /// This status line instead, and headers.
    Status(&'static str),
    /// The body is this instead, of the right length or not.
    Instead(Vec<u8>),
    /// The body comes in pieces of so many bytes, each after a millisecond.
    Slow(usize),
}

/// Which answers a fault is for: those to requests whose path holds the text, so many times.
struct Rule {
    path: String,
    times: usize,
    fault: Fault,
}

/// One request that came through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET /v2/a/blobs/sha256:…`.
    pub request: String,
    /// The header `Range`.
    pub range: Option<String>,
}

/// The proxy; its thread ends with the test.
pub struct Faulty {
    address: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Faulty {
    /// Before the registry at `upstream`, on a port of its own.
    pub fn before(upstream: &str) -> Faulty {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Faulty {
            address: listener.local_addr().unwrap().to_string(),
            rules: Arc::default(),
            seen: Arc::default(),
        };
        let (upstream, rules, seen) = (
            upstream.to_owned(),
            Arc::clone(&proxy.rules),
            Arc::clone(&proxy.seen),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (upstream, rules, seen) =
                    (upstream.clone(), Arc::clone(&rules), Arc::clone(&seen));
                // A client that is gone is no fault of the proxy's.
                std::thread::spawn(move || serve(stream, &upstream, &rules, &seen).ok());
            }
        });
        proxy
    }

    /// `127.0.0.1:41234`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From now on the next `times` answers to requests whose path holds `path` have the fault.
    /// Faults come in the order in which they were asked for.
    pub fn fault(&self, path: &str, times: usize, fault: Fault) -> &Faulty {
        self.rules.lock().unwrap().push(Rule {
            path: path.to_owned(),
            times,
            fault,
        });
        self
    }

    /// What was requested since the last time.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn serve(
    stream: TcpStream,
    upstream: &str,
    rules: &Mutex<Vec<Rule>>,
    seen: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut client = BufReader::new(stream);
    let mut head = String::new();
    while client.read_line(&mut head)? > 2 {}
    let Some(request) = head.lines().next() else {
        return Ok(());
    };
    // TLS is not spoken here.
    let Some(request) = request.strip_suffix(" HTTP/1.1") else {
        return Ok(());
    };
    seen.lock().unwrap().push(Seen {
        request: request.to_owned(),
        range: header(&head, "Range"),
    });
    let fault = next(rules, request);
    let ignores = matches!(fault, Some(Fault::NoRangeCut(_)));
    // Its answers to HTTP/1.0 come in one piece.
    let mut forwarded = format!("{request} HTTP/1.0\r\n");
    for line in head.lines().skip(1).filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        if name != "connection" && !(ignores && name == "range") {
            forwarded.push_str(&format!("{line}\r\n"));
        }
    }
    forwarded.push_str("Connection: close\r\n\r\n");
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(forwarded.as_bytes())?;
    let answer = Answer::read(server);
    reply(
        client.into_inner(),
        answer,
        request.starts_with("HEAD"),
        fault,
    )
}

fn next(rules: &Mutex<Vec<Rule>>, request: &str) -> Option<Fault> {
    let mut rules = rules.lock().unwrap();
    let rule = rules
        .iter_mut()
        .find(|rule| rule.times > 0 && request.contains(&rule.path))?;
    rule.times -= 1;
    Some(rule.fault.clone())
}

fn reply(
    mut client: TcpStream,
    answer: Answer,
    head_only: bool,
    fault: Option<Fault>,
) -> std::io::Result<()> {
    let Answer { head, mut body, .. } = answer;
    let mut headers = String::new();
    for line in head.lines().filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        if !["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
            headers.push_str(&format!("{line}\r\n"));
        }
    }
    let mut length = header(&head, "Content-Length").map_or(body.len(), |t| t.parse().unwrap());
    let mut pieces = usize::MAX;
    match fault {
        None => {}
        Some(Fault::Cut(count) | Fault::NoRangeCut(count)) => body.truncate(count),
        Some(Fault::Flipped(at)) => body[at] ^= 1,
        Some(Fault::Status(status)) => {
            headers = format!("HTTP/1.1 {status}\r\n");
            body = b"{\"errors\":[]}".to_vec();
            length = body.len();
        }
        Some(Fault::Instead(other)) => {
            body = other;
            length = body.len();
        }
        Some(Fault::Slow(count)) => pieces = count,
    }
    let end = format!("Content-Length: {length}\r\nConnection: close\r\n\r\n");
    client.write_all(format!("{headers}{end}").as_bytes())?;
    if head_only {
        return Ok(());
    }
    for piece in body.chunks(pieces) {
        client.write_all(piece)?;
        if pieces != usize::MAX {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}
