//! What a server may answer: `[transport][length of the query, two bytes][query][reply]`.
//!
//! A reply that is passed on has the client's id and question, byte for byte, and a size that the
//! client takes; all else is passed over.

use hickory_proto::op::Message;
use rbox_netsetup::resolver::Transport;

use crate::dns_query::question_end;
use crate::dns_world::{limit, resolver};

pub(crate) fn run(data: &[u8]) {
    let [first, high, low, rest @ ..] = data else {
        return;
    };
    let Some((query, reply)) =
        rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))
    else {
        return;
    };
    let (transport, limit) = match first % 2 {
        0 => (Transport::Udp, limit(query)),
        _ => (Transport::Tcp, usize::from(u16::MAX)),
    };
    let Some(passed) = resolver().passed_on(query, transport, reply) else {
        return;
    };
    assert!(passed.len() <= limit, "{} of {limit} bytes", passed.len());
    assert!(passed.len() <= reply.len());
    assert_eq!(passed[..2], query[..2], "id");
    assert_ne!(passed[2] & 0x80, 0, "a response");
    let question = Message::from_vec(query).unwrap().queries;
    let end = question_end(query);
    assert_eq!(passed[12..end], query[12..end]);
    if passed.len() < reply.len() {
        let cut = Message::from_vec(&passed).expect("what was cut can be decoded");
        assert!(cut.metadata.truncation);
        assert_eq!(cut.queries, question);
    }
}
