//! What the kernel says it did with a packet: `nft monitor trace`.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::harness::Host;

/// Packets that open a TCP connection are watched.
const WATCH: &str = "table inet watch { \
     chain c { type filter hook prerouting priority -350; \
       iif != lo tcp flags & (syn | ack) == syn meta nftrace set 1; }; \
     chain o { type filter hook output priority -350; \
       tcp flags & (syn | ack) == syn meta nftrace set 1; }; }";
/// After such a pause the kernel has said all about a packet.
const QUIET: Duration = Duration::from_millis(300);

/// Listens until it is dropped.
pub struct Tracer<'a> {
    host: &'a Host,
    monitor: Child,
    lines: Receiver<String>,
}

impl<'a> Tracer<'a> {
    /// `named` says what is shown of a line.
    pub fn new(host: &'a Host, named: impl Fn(&str) -> String + Send + 'static) -> Tracer<'a> {
        let file = host.write("watch.nft", WATCH);
        host.sh(&format!("nft -f {file}")).ok();
        let mut monitor = Command::new("nft")
            .args(["monitor", "trace"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(monitor.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(named(&line)))
        });
        Tracer {
            host,
            monitor,
            lines,
        }
    }

    /// The path of the first packet to `to` that `knock` sends.
    pub fn path(&self, to: SocketAddr, knock: impl Fn()) -> String {
        crate::harness::eventually("a trace", || {
            knock();
            let mut heard = Vec::new();
            while let Ok(line) = self.lines.recv_timeout(QUIET) {
                heard.push(line);
            }
            path(&heard, to)
        })
    }
}

impl Drop for Tracer<'_> {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
        self.host.sh("nft delete table inet watch");
    }
}

/// What happened to the first packet to `to`; none when there was none. The kernel's number of a
/// packet changes on its way, the client's port does not.
fn path(lines: &[String], to: SocketAddr) -> Option<String> {
    let is_packet = |line: &&String| line.contains(" packet: ");
    let number = |line: &str| line.split(' ').nth(2).map(str::to_owned);
    let first = lines
        .iter()
        .filter(is_packet)
        .find(|line| goal(line) == to.to_string())?;
    let client = |line: &str| (source(line), field(line, "sport").to_owned());
    let ours: Vec<String> = lines
        .iter()
        .filter(is_packet)
        .filter(|line| client(line) == client(first))
        .filter_map(|line| number(line))
        .collect();
    let events = lines
        .iter()
        .filter(|line| number(line).is_some_and(|n| ours.contains(&n)));
    let mut path = String::new();
    let mut untouched = true;
    for event in events.filter_map(|line| line.split_once(" inet rbox ").map(|(_, event)| event)) {
        let (chain, event) = event.split_once(' ')?;
        if event.starts_with("packet: ") {
            let (from, to) = (source(event), goal(event));
            path += &format!(
                "{chain:<12} {:<26} {from} ─▶ {to}\n",
                interfaces(chain, event)
            );
            untouched = true;
        } else if let Some(rule) = event.strip_prefix("rule ") {
            let rule = rule.rsplit_once(" (verdict").map_or(rule, |(rule, _)| rule);
            let called = matches!(chain, "published" | "addressed");
            let chain = if called {
                format!("{chain}: ")
            } else {
                String::new()
            };
            path += &format!("{:<12} {chain}{rule}\n", "");
            untouched = false;
        } else if event.starts_with("policy accept") && untouched {
            path += &format!("{:<12} no rule applies: accept\n", "");
        }
    }
    Some(path)
}

/// By which interfaces it came and goes, as far as the chain asks.
fn interfaces(chain: &str, event: &str) -> String {
    let name = |key| field(event, key).trim_matches('"');
    match (name("iif"), name("oif")) {
        (input, "") => format!("in {input}"),
        ("", output) => format!("out {output}"),
        (_, output) if chain == "postrouting" => format!("out {output}"),
        (input, output) => format!("in {input} out {output}"),
    }
}

/// The word behind a key.
fn field<'a>(event: &'a str, key: &str) -> &'a str {
    let mut words = event.split(' ').skip_while(|word| *word != key);
    words.nth(1).unwrap_or_default()
}

fn address(event: &str, end: &str) -> String {
    let behind = |family: &str| {
        let text = event.split(&format!(" {family} {end} ")).nth(1)?;
        text.split(' ').next()
    };
    behind("ip")
        .or_else(|| behind("ip6"))
        .unwrap_or_default()
        .to_owned()
}

fn source(event: &str) -> String {
    address(event, "saddr")
}

fn goal(event: &str) -> String {
    let port = event
        .split(" tcp dport ")
        .nth(1)
        .and_then(|text| text.split(' ').next());
    match (
        address(event, "daddr").parse::<IpAddr>(),
        port.map(str::parse),
    ) {
        (Ok(address), Some(Ok(port))) => SocketAddr::new(address, port).to_string(),
        _ => String::new(),
    }
}
