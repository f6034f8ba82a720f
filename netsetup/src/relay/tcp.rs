//! TCP connections, moved by splice(2): bytes never enter the process.
//!
//! A pipe is taken from a small pool only while bytes are on their way; a
//! connection that says nothing holds two sockets and no buffer.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::{Shutdown, shutdown, sockopt};
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Target;
use super::limits::Limits;

/// How long the container may take to accept.
const CONNECT: Duration = Duration::from_secs(20);

/// Silence after which the kernel asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Bytes moved at once: a pipe's capacity.
const CHUNK: usize = 64 << 10;

/// Pipes kept for the next bytes.
const SPARE_PIPES: usize = 4;

pub(super) async fn serve(listener: TcpListener, target: Target, limits: Limits) {
    let mut running = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = running.join_next() => continue,
        };
        let Ok((client, _)) = accepted else {
            // Out of descriptors, most likely: some connection has to end first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let permit = loop {
            tokio::select! {
                permit = Arc::clone(&limits.connections).acquire_owned() => break permit,
                Some(_) = running.join_next() => {}
            }
        };
        let (target, pipes) = (target.clone(), Arc::clone(&limits.pipes));
        running.spawn(async move {
            relay(client, &target, &pipes).await;
            drop(permit);
        });
    }
}

async fn relay(client: TcpStream, target: &Target, pipes: &Pipes) {
    let Ok(Ok(server)) = timeout(CONNECT, TcpStream::connect(target.current())).await else {
        // The client sees what it would have seen at the container: a refusal.
        reset(&client);
        return;
    };
    for stream in [&client, &server] {
        // A relay must not hold back small writes; and options cannot fail on a live socket.
        let _ = stream.set_nodelay(true);
        let _ = sockopt::set_socket_keepalive(stream, true);
        let _ = sockopt::set_tcp_keepidle(stream, KEEPALIVE);
        let _ = sockopt::set_tcp_keepintvl(stream, KEEPALIVE / 4);
    }
    let both = tokio::try_join!(pump(&client, &server, pipes), pump(&server, &client, pipes),);
    if both.is_err() {
        // One end was reset or is gone; so it shall look at the other.
        reset(&client);
        reset(&server);
    }
}

/// Moves bytes until `from` ends, and then ends the writing side of `to`.
async fn pump(from: &TcpStream, to: &TcpStream, pipes: &Pipes) -> io::Result<()> {
    loop {
        from.readable().await?;
        let pipe = pipes.take()?;
        let moved = from.try_io(Interest::READABLE, || move_bytes(from, &pipe.write, CHUNK));
        match moved {
            Ok(0) => {
                pipes.put(pipe);
                // The other end may have closed first.
                let _ = shutdown(to, Shutdown::Write);
                return Ok(());
            }
            Ok(count) => {
                drain(&pipe, count, to).await?;
                pipes.put(pipe);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => pipes.put(pipe),
            Err(error) => return Err(error),
        }
    }
}

/// Empties the pipe into `to`. The pipe is lost when this fails or is dropped half-way.
async fn drain(pipe: &Pipe, mut count: usize, to: &TcpStream) -> io::Result<()> {
    while count > 0 {
        match to.try_io(Interest::WRITABLE, || move_bytes(&pipe.read, to, count)) {
            Ok(moved) => count = count.saturating_sub(moved),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn move_bytes(
    from: impl std::os::fd::AsFd,
    to: impl std::os::fd::AsFd,
    count: usize,
) -> io::Result<usize> {
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    Ok(splice(from, None, to, None, count, flags)?)
}

/// Makes the close that follows a reset.
pub(super) fn reset(stream: &TcpStream) {
    let _ = sockopt::set_socket_linger(stream.as_fd(), Some(Duration::ZERO));
}

/// Empty pipes.
#[derive(Debug, Default)]
pub(super) struct Pipes(Mutex<Vec<Pipe>>);

#[derive(Debug)]
struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
}

impl Pipes {
    fn take(&self) -> io::Result<Pipe> {
        if let Some(pipe) = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(pipe);
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Pipe { read, write })
    }

    fn put(&self, pipe: Pipe) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_PIPES {
            spare.push(pipe);
        }
    }
}
