//! Queries by UDP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::{MAX_UDP, Outcome, Resolver, Transport};

/// Queries answered in a row before other tasks get their turn.
const BURST: usize = 64;

pub(super) async fn serve(resolver: Arc<Resolver>, socket: UdpSocket) -> ! {
    let socket = Arc::new(socket);
    let mut query = vec![0u8; MAX_UDP].into_boxed_slice();
    let mut reply = Vec::with_capacity(512);
    loop {
        if socket.readable().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        for _ in 0..BURST {
            let (length, client) = match socket.try_recv_from(&mut query) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Errors of earlier sends show up here; the socket goes on.
                Err(_) => continue,
            };
            let message = query.get(..length).unwrap_or_default();
            match resolver.handle(message, Transport::Udp, &mut reply) {
                Outcome::Answered => {
                    // A full socket loses the datagram, as networks do; clients ask again.
                    let _ = socket.try_send_to(&reply, client);
                }
                Outcome::Ignored => {}
                Outcome::Forward(job) => {
                    let socket = Arc::clone(&socket);
                    resolver.forwarder.start(job, move |reply| async move {
                        let _ = socket.send_to(&reply, client).await;
                    });
                }
            }
        }
        tokio::task::yield_now().await;
    }
}
