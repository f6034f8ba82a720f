//! Visiting a web page, as much of HTTP as two small apps need.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long the apps may take until they answer; a second or two is usual.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer, since an app needs a moment before it listens.
pub fn wait_until_answering(address: SocketAddr) -> Result<()> {
    let started = Instant::now();
    loop {
        match get(address) {
            Ok(_) => return Ok(()),
            Err(error) if started.elapsed() > PATIENCE => {
                return Err(error).with_context(|| format!("http://{address}/ does not answer"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The body of `http://ADDRESS/`.
pub fn get(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET / HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    body(&reply).with_context(|| format!("not a good reply: {reply:?}"))
}

fn body(reply: &str) -> Option<String> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    (status == "200").then(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_reply_has_a_body() {
        assert_eq!(
            body("HTTP/1.1 200 OK\r\nA: b\r\n\r\nhi\r\n\r\n!").unwrap(),
            "hi\r\n\r\n!"
        );
        assert_eq!(body("HTTP/1.1 502 BAD GATEWAY\r\n\r\nno"), None);
        assert_eq!(body(""), None);
    }
}
