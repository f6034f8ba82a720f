//! Queries by TCP: each with its length before it, several at once on one connection, answered
//! in the order in which the answers come.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{MAX_UDP, Outcome, Resolver, Transport};

/// How long a connection may neither ask nor take answers.
pub(super) const IDLE: Duration = Duration::from_millis(if cfg!(test) { 1_000 } else { 10_000 });

/// Forwarded answers of one connection that wait to be sent.
const QUEUE: usize = 16;

/// Largest query read, bytes.
const MAX_QUERY: usize = MAX_UDP;

pub(super) async fn serve(resolver: Arc<Resolver>, listener: TcpListener) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = Connection::new(Arc::clone(&resolver), stream);
                resolver.connections.spawn(async move {
                    // Whatever went wrong, the connection is closed.
                    let _ = connection.run().await;
                });
            }
            // Out of descriptors, most likely; the oldest connections time out.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

struct Connection {
    // The connection is one of the resolver's tasks: it must not keep it alive after its end,
    // but it ends with it, so a strong reference would only make a cycle.
    resolver: std::sync::Weak<Resolver>,
    stream: TcpStream,
    input: Vec<u8>,
    reply: Vec<u8>,
}

impl Connection {
    fn new(resolver: Arc<Resolver>, stream: TcpStream) -> Connection {
        let resolver = Arc::downgrade(&resolver);
        Connection {
            resolver,
            stream,
            input: Vec::new(),
            reply: Vec::new(),
        }
    }

    async fn run(mut self) -> io::Result<()> {
        let (sender, mut forwarded) = mpsc::channel::<Vec<u8>>(QUEUE);
        loop {
            let received = tokio::select! {
                biased;
                // `sender` lives, so there is always another.
                Some(reply) = forwarded.recv() => {
                    self.send(&reply).await?;
                    continue;
                }
                received = timeout(IDLE, self.stream.read_buf(&mut self.input)) => received,
            };
            match received {
                Ok(Ok(0)) => break,
                Ok(Ok(_)) => self.take_queries(&sender).await?,
                Ok(Err(error)) => return Err(error),
                // Answers are outstanding: their end is near and bounded.
                Err(_) if sender.strong_count() > 1 => {}
                Err(_) => return Ok(()),
            }
        }
        // The client will ask no more, but it may wait for answers.
        drop(sender);
        while let Some(reply) = forwarded.recv().await {
            self.send(&reply).await?;
        }
        Ok(())
    }

    /// Handles all whole queries that have arrived.
    async fn take_queries(&mut self, sender: &mpsc::Sender<Vec<u8>>) -> io::Result<()> {
        let mut taken = 0;
        while let Some(end) = whole_message(self.input.get(taken..).unwrap_or_default())? {
            let Some(resolver) = self.resolver.upgrade() else {
                return Err(io::ErrorKind::ConnectionAborted.into());
            };
            let message = self.input.get(taken + 2..taken + end).unwrap_or_default();
            taken += end;
            match resolver.handle(message, Transport::Tcp, &mut self.reply) {
                Outcome::Answered => {
                    let reply = std::mem::take(&mut self.reply);
                    self.send(&reply).await?;
                    self.reply = reply;
                }
                Outcome::Ignored => {}
                Outcome::Forward(job) => {
                    let sender = sender.clone();
                    resolver.forwarder.start(job, move |reply| async move {
                        let _ = sender.send(reply).await;
                    });
                }
            }
        }
        self.input.drain(..taken);
        if self.input.is_empty() {
            // An idle connection holds no buffer.
            self.input = Vec::new();
        }
        Ok(())
    }

    async fn send(&mut self, reply: &[u8]) -> io::Result<()> {
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        let mut framed = Vec::with_capacity(2 + reply.len());
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(reply);
        // A client that does not read its answers loses the connection.
        timeout(IDLE, self.stream.write_all(&framed)).await?
    }
}

/// Length of the first message with its prefix, once it is all there.
fn whole_message(input: &[u8]) -> io::Result<Option<usize>> {
    let [high, low, rest @ ..] = input else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > MAX_QUERY {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((rest.len() >= length).then_some(2 + length))
}
