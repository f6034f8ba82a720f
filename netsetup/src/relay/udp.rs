//! UDP: a session for each client, with a socket of its own towards the container.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::Target;
use super::limits::Limits;
use super::pktinfo::{self, Local};
use crate::resolver::tasks::Tasks;

/// A session ends when neither side has sent anything for so long.
const IDLE: Duration = Duration::from_millis(if cfg!(test) { 500 } else { 90_000 });

/// Datagrams taken in a row before others get their turn.
const BURST: usize = 64;

/// Largest datagram, bytes.
const MAX_DATAGRAM: usize = 64 << 10;

pub(super) async fn serve(socket: UdpSocket, target: Target, limits: Limits) {
    let port = Arc::new(Port {
        socket,
        scratch: Arc::clone(&limits.scratch),
        sessions: Mutex::default(),
    });
    loop {
        if port.socket.readable().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        for _ in 0..BURST {
            match port.forward(&target, &limits.sessions) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An error of an earlier send, or a datagram lost; the next may do better.
                Err(_) => {}
            }
        }
        tokio::task::yield_now().await;
    }
}

/// A published UDP port.
struct Port {
    socket: UdpSocket,
    scratch: Arc<Scratch>,
    sessions: Mutex<HashMap<Key, Arc<Session>>>,
}

/// One client, asking at one of our addresses for one container.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    client: SocketAddr,
    local: Option<Local>,
    server: SocketAddr,
}

#[derive(Debug)]
struct Session {
    /// Connected to the container.
    socket: UdpSocket,
    last_used: Mutex<Instant>,
}

impl Port {
    /// Moves one datagram from a client to the container.
    fn forward(self: &Arc<Self>, target: &Target, tasks: &Arc<Tasks>) -> io::Result<()> {
        let mut scratch = self.scratch.lock();
        let buffer = scratch.buffer();
        let received = self.socket.try_io(Interest::READABLE, || {
            pktinfo::receive(self.socket.as_fd(), buffer)
        })?;
        let key = Key {
            client: received.client,
            local: received.local,
            server: target.current(),
        };
        let session = self.session(key, tasks)?;
        session.touch();
        let datagram = buffer.get(..received.length).unwrap_or_default();
        // A full queue loses the datagram, as networks do.
        send(
            &session.socket,
            datagram,
            SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }

    fn session(self: &Arc<Self>, key: Key, tasks: &Arc<Tasks>) -> io::Result<Arc<Session>> {
        if let Some(session) = self.sessions().get(&key) {
            return Ok(Arc::clone(session));
        }
        let any = match key.server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = std::net::UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        socket.connect(key.server)?;
        let socket = UdpSocket::from_std(socket)?;
        let session = Arc::new(Session {
            socket,
            last_used: Mutex::new(Instant::now()),
        });
        self.sessions().insert(key, Arc::clone(&session));
        let entry = Entry {
            port: Arc::clone(self),
            key,
            session: Arc::clone(&session),
        };
        tasks.spawn(async move { entry.answer().await });
        Ok(session)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Key, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn touch(&self) {
        *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn expires(&self) -> Instant {
        *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            + IDLE
    }
}

/// A session in the table; takes itself out when its task ends, however it ends.
struct Entry {
    port: Arc<Port>,
    key: Key,
    session: Arc<Session>,
}

impl Entry {
    /// Moves the container's datagrams to the client until the session is idle.
    async fn answer(&self) {
        let socket = &self.session.socket;
        loop {
            match timeout_at(self.session.expires(), socket.readable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                // The client may have sent something meanwhile.
                Err(_) if self.session.expires() > Instant::now() => continue,
                Err(_) => return,
            }
            for _ in 0..BURST {
                match self.answer_one() {
                    Ok(()) => self.session.touch(),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // The container refuses; the client's next datagram tries again.
                    Err(_) => return,
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn answer_one(&self) -> io::Result<()> {
        let mut scratch = self.port.scratch.lock();
        let buffer = scratch.buffer();
        let length = self.session.socket.try_recv(buffer)?;
        let datagram = buffer.get(..length).unwrap_or_default();
        let (client, local) = (self.key.client, self.key.local);
        // Lost if the client's queue is full or the client is gone.
        let _ = pktinfo::send(self.port.socket.as_fd(), datagram, client, local);
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut sessions = self.port.sessions();
        let ours = sessions
            .get(&self.key)
            .is_some_and(|it| Arc::ptr_eq(it, &self.session));
        if ours {
            sessions.remove(&self.key);
        }
        if sessions.is_empty() {
            sessions.shrink_to_fit();
            drop(sessions);
            self.port.scratch.lock().release();
        }
    }
}

/// The one buffer that all datagrams pass through; there is none while nothing happens.
#[derive(Debug, Default)]
pub(super) struct Scratch(Mutex<Buffer>);

#[derive(Debug, Default)]
struct Buffer(Vec<u8>);

impl Scratch {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn buffer(&mut self) -> &mut [u8] {
        if self.0.is_empty() {
            self.0 = vec![0; MAX_DATAGRAM];
        }
        &mut self.0
    }

    fn release(&mut self) {
        self.0 = Vec::new();
    }
}
