//! What a container might send to do harm.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::A;
use tokio::net::UdpSocket;

use super::namespace::run;
use super::{Reply, World, question, with_edns};
use crate::resolver::wire::Query;
use crate::resolver::{MAX_FORWARDS, Transport};

const ZONE: &str = "10.0.0.2\tweb\n";

/// Deterministic noise.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.next() as u8).collect()
    }

    /// A valid query with a few bytes changed, cut or added.
    fn mutated(&mut self) -> Vec<u8> {
        let mut message = with_edns(question("web.some.example", A), 1232)
            .to_vec()
            .unwrap();
        for _ in 0..=self.below(6) {
            let at = self.below(message.len());
            match self.below(4) {
                0 => message[at] = self.next() as u8,
                1 => message[at] = 0xc0 | (self.next() as u8 & 0x3f),
                2 => message.truncate(at + 1),
                _ => message.extend(self.bytes(40)),
            }
        }
        message
    }
}

#[test]
fn noise_is_read_without_a_panic() {
    let mut noise = Noise(0x0123_4567_89ab_cdef);
    for _ in 0..200_000 {
        let message = if noise.below(3) == 0 {
            noise.bytes(600)
        } else {
            noise.mutated()
        };
        let _ = Query::read(&message, Transport::Udp);
    }
}

#[test]
fn the_resolver_goes_on_after_noise() {
    run("the_resolver_goes_on_after_noise", || async {
        let world = World::new().await;
        world.zone("h4n", ZONE);
        let mut noise = Noise(0xfeed_beef_1234_5678);
        let source = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for round in 0..5_000 {
            let message = if round % 3 == 0 {
                noise.bytes(5_000)
            } else {
                noise.mutated()
            };
            source.send_to(&message, world.udp).await.unwrap();
        }
        assert_eq!(world.ask("web", A).await.shown(), "NOERROR 10.0.0.2");
    });
}

/// The code that a raw message is answered with; `None` when the next query is answered first.
async fn code(world: &World, message: &[u8]) -> Option<ResponseCode> {
    world.client.send_to(message, world.udp).await.unwrap();
    let after = question("web", A);
    world
        .client
        .send_to(&after.to_vec().unwrap(), world.udp)
        .await
        .unwrap();
    let first = world.receive().await;
    if first.message.metadata.id == after.metadata.id {
        return None;
    }
    world.receive().await;
    Some(first.code())
}

#[test]
fn malformed_messages_get_an_error_or_nothing() {
    run("malformed_messages_get_an_error_or_nothing", || async {
        let world = World::new().await;
        world.zone("h4n", ZONE);
        let header = |flags: [u8; 2], questions: u8| {
            vec![
                0xff, 0xfe, flags[0], flags[1], 0, questions, 0, 0, 0, 0, 0, 0,
            ]
        };
        let with = |mut message: Vec<u8>, rest: &[u8]| {
            message.extend_from_slice(rest);
            message
        };
        let end = [0, 1, 0, 1];
        let format = Some(ResponseCode::FormErr);
        // Shorter than a header.
        assert_eq!(code(&world, &[]).await, None);
        assert_eq!(code(&world, &[0xff; 11]).await, None);
        // A reply.
        let reply = with(header([0x80, 0], 1), &[3, b'w', b'e', b'b', 0, 0, 1, 0, 1]);
        assert_eq!(code(&world, &reply).await, None);
        // No question, two questions.
        assert_eq!(code(&world, &header([1, 0], 0)).await, format);
        let two = with(header([1, 0], 2), &[0, 0, 1, 0, 1, 0, 0, 1, 0, 1]);
        assert_eq!(code(&world, &two).await, format);
        // A name that points to itself, and one that points back and forth.
        assert_eq!(
            code(&world, &with(header([1, 0], 1), &[0xc0, 12, 0, 1, 0, 1])).await,
            format
        );
        let ring = [1, b'a', 0xc0, 16, 0xc0, 12, 0, 1, 0, 1];
        assert_eq!(code(&world, &with(header([1, 0], 1), &ring)).await, format);
        // A label of 64, a name that never ends, a name over 255.
        let long = with(vec![64], &[b'a'; 64]);
        let long = with(with(long, &[0]), &end);
        assert_eq!(code(&world, &with(header([1, 0], 1), &long)).await, format);
        assert_eq!(
            code(&world, &with(header([1, 0], 1), &[3, b'w'])).await,
            format
        );
        let labels: Vec<u8> = (0..5).flat_map(|_| with(vec![63], &[b'a'; 63])).collect();
        let labels = with(with(labels, &[0]), &end);
        assert_eq!(
            code(&world, &with(header([1, 0], 1), &labels)).await,
            format
        );
        // Records promised and not there.
        let mut promised = with(header([1, 0], 1), &[3, b'w', b'e', b'b', 0, 0, 1, 0, 1]);
        promised[11] = 200;
        assert_eq!(code(&world, &promised).await, format);
        // An update.
        let update = with(header([0x28, 0], 1), &[3, b'w', b'e', b'b', 0, 0, 6, 0, 1]);
        assert_eq!(code(&world, &update).await, Some(ResponseCode::NotImp));
        // Two OPT records (RFC 6891, 6.1.1).
        let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
        let query = with(header([1, 0], 1), &[3, b'w', b'e', b'b', 0, 0, 1, 0, 1]);
        let mut options = with(with(query, &opt), &opt);
        options[11] = 2;
        assert_eq!(code(&world, &options).await, format);
        // A dot inside a label is no separator.
        world.zone("h4n", "10.0.0.2\tweb\n10.0.0.3\ta.b\n");
        let dotted = with(header([1, 0], 1), &[3, b'a', b'.', b'b', 0, 0, 1, 0, 1]);
        assert_eq!(code(&world, &dotted).await, Some(ResponseCode::ServFail));
        assert_eq!(world.ask("a.b", A).await.shown(), "NOERROR 10.0.0.3");
    });
}

#[test]
fn outstanding_forwards_are_bounded_and_block_nothing() {
    run(
        "outstanding_forwards_are_bounded_and_block_nothing",
        || async {
            let world = World::new().await;
            world.zone("h4n", ZONE);
            let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            world.forward_to(&[silent.local_addr().unwrap()]);
            let flood = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            for _ in 0..4 * MAX_FORWARDS {
                let message = question("silent.test", A).to_vec().unwrap();
                flood.send_to(&message, world.udp).await.unwrap();
            }
            assert_eq!(world.ask("web", A).await.shown(), "NOERROR 10.0.0.2");
            // Each forward that is not given up ends in a failure; there are only so many.
            let mut failures = 0;
            let mut buffer = [0; 512];
            while let Ok(received) =
                tokio::time::timeout(Duration::from_secs(2), flood.recv_from(&mut buffer)).await
            {
                let (length, _) = received.unwrap();
                assert_eq!(
                    Reply::read(&buffer[..length]).code(),
                    ResponseCode::ServFail
                );
                failures += 1;
            }
            assert!((1..=MAX_FORWARDS).contains(&failures), "{failures}");
        },
    );
}
