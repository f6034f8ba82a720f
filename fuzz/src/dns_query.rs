//! What a container may send to its resolver: `[transport][message]`; transport odd means TCP.
//!
//! Whatever comes is answered, ignored or forwarded. An answer can be decoded, belongs to its
//! query and is not larger than what the client takes.

use hickory_proto::op::{Message, MessageType, ResponseCode};
use rbox_netsetup::resolver::{Fate, Transport};

use crate::dns_world::{limit, resolver};

/// An OPT record without options, bytes.
const OPT: usize = 11;

pub(crate) fn run(data: &[u8]) {
    let Some((first, message)) = data.split_first() else {
        return;
    };
    let (transport, limit) = match first % 2 {
        0 => (Transport::Udp, limit(message)),
        _ => (Transport::Tcp, usize::from(u16::MAX)),
    };
    let mut reply = Vec::new();
    match resolver().handle(message, transport, &mut reply) {
        Fate::Answered => answered(message, &reply, limit),
        Fate::Ignored => {
            assert!(reply.is_empty());
            // Nobody waits for an answer to these.
            assert!(message.len() < 12 || message[2] & 0x80 != 0);
        }
        Fate::Forwarded => {
            assert!(reply.is_empty());
            let query = Message::from_vec(message).expect("only what can be read is passed on");
            assert_eq!(query.queries.len(), 1);
        }
    }
}

fn answered(message: &[u8], reply: &[u8], limit: usize) {
    assert!(reply.len() <= limit, "{} of {limit} bytes", reply.len());
    assert_eq!(reply[..2], message[..2], "id");
    assert_eq!(reply[2] & 0x79, message[2] & 0x79, "opcode and RD");
    let decoded = Message::from_vec(reply).expect("an answer that can be decoded");
    assert_eq!(decoded.metadata.message_type, MessageType::Response);
    let length = decoded.to_vec().map(|again| again.len());
    assert!(length.is_ok_and(|length| length >= 12));
    if decoded.metadata.response_code != ResponseCode::NoError {
        assert!(decoded.answers.is_empty());
        assert!(reply.len() <= message.len() + OPT, "errors do not amplify");
        return;
    }
    let query = Message::from_vec(message).expect("a query that could be answered");
    assert_eq!(decoded.queries, query.queries);
    assert_eq!(decoded.edns.is_some(), query.edns.is_some());
    let [question] = query.queries.as_slice() else {
        panic!("{} questions", query.queries.len());
    };
    let end = question_end(message);
    assert_eq!(reply[12..end], message[12..end], "0x20");
    for record in &decoded.answers {
        assert!(record.name.eq_case(question.name()), "0x20 in owners");
        assert_eq!(record.record_type(), question.query_type());
        assert_eq!(record.ttl, 0);
    }
}

/// Where the question ends that begins after the header, its name not compressed.
pub(crate) fn question_end(message: &[u8]) -> usize {
    let mut at = 12;
    while message[at] != 0 {
        at += 1 + usize::from(message[at]);
    }
    at + 5
}
