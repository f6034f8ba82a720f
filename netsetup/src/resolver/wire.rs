//! DNS messages: queries read, answers written.
//!
//! Queries are decoded by hickory-proto. Answers echo the question's bytes, so
//! the owner name keeps the case of the query, and refer to it by a pointer;
//! writing them takes no allocation.

use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};

use super::{MAX_UDP, Transport};

/// Length of the header, bytes.
pub(super) const HEADER: usize = 12;

/// Smallest size that every client takes over UDP, bytes.
const MIN_UDP: usize = 512;

const QR: u8 = 0x80;
const TC: u8 = 0x02;
const RD: u8 = 0x01;
const RA: u8 = 0x80;
/// A compressed name: the question's.
const QUESTION_NAME: [u8; 2] = [0xc0, HEADER as u8];
/// Size of an OPT record without options, bytes.
const OPT_SIZE: usize = 11;

/// A well-formed question.
#[derive(Debug)]
pub(super) struct Query<'a> {
    /// The client's id.
    pub(super) id: u16,
    /// What is asked.
    pub(super) name: Name,
    /// For which type.
    pub(super) kind: RecordType,
    /// In the class Internet.
    pub(super) internet: bool,
    /// How it came.
    pub(super) transport: Transport,
    /// The largest answer the client takes, bytes.
    pub(super) limit: usize,
    recursion_desired: bool,
    /// Name, type and class as they came.
    question: &'a [u8],
    /// There was an OPT record: whether it set DNSSEC OK.
    edns: Option<bool>,
    edns_version: u8,
}

/// A message that is not answered from names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not even an error goes back: a reply, or too short to have an id.
    Ignore,
    /// An error goes back.
    Reply(ResponseCode),
}

impl<'a> Query<'a> {
    pub(super) fn read(message: &'a [u8], transport: Transport) -> Result<Query<'a>, Refusal> {
        let flags = *message.get(2).ok_or(Refusal::Ignore)?;
        if message.len() < HEADER || flags & QR != 0 {
            return Err(Refusal::Ignore);
        }
        let format_error = Refusal::Reply(ResponseCode::FormErr);
        if (flags >> 3) & 0x0f != u8::from(OpCode::Query) {
            return Err(Refusal::Reply(ResponseCode::NotImp));
        }
        let Some(end) = question_end(message) else {
            return Err(format_error);
        };
        let Ok(decoded) = Message::from_vec(message) else {
            return Err(format_error);
        };
        let [question] = decoded.queries.as_slice() else {
            return Err(format_error);
        };
        if decoded.metadata.message_type != MessageType::Query {
            return Err(Refusal::Ignore);
        }
        let limit = match (transport, &decoded.edns) {
            (Transport::Tcp, _) => usize::from(u16::MAX),
            (Transport::Udp, Some(edns)) => usize::from(edns.max_payload()).clamp(MIN_UDP, MAX_UDP),
            (Transport::Udp, None) => MIN_UDP,
        };
        Ok(Query {
            id: decoded.metadata.id,
            name: question.name().clone(),
            kind: question.query_type(),
            internet: question.query_class() == DNSClass::IN,
            transport,
            limit,
            recursion_desired: flags & RD != 0,
            question: message.get(HEADER..end).unwrap_or_default(),
            edns: decoded.edns.as_ref().map(|edns| edns.flags().dnssec_ok),
            edns_version: decoded.edns.as_ref().map_or(0, |edns| edns.version()),
        })
    }

    /// The code that it is refused with, whatever its name: an unknown version of EDNS
    /// (RFC 6891, 6.1.3), or a transfer of a zone, which is more than one message.
    pub(super) fn refused(&self) -> Option<ResponseCode> {
        match self.kind {
            _ if self.edns_version > 0 => Some(ResponseCode::BADVERS),
            RecordType::AXFR | RecordType::IXFR => Some(ResponseCode::Refused),
            _ => None,
        }
    }

    /// Name, type and class as they came.
    pub(super) fn question(&self) -> &'a [u8] {
        self.question
    }
}

/// Where the one question of a message ends. `None` unless there is exactly one and its name is
/// written out.
fn question_end(message: &[u8]) -> Option<usize> {
    if message.get(4..6)? != [0, 1] {
        return None;
    }
    let mut at = HEADER;
    loop {
        match *message.get(at)? {
            0 => break,
            length if length < 64 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
    let end = at + 5;
    (end <= message.len()).then_some(end)
}

/// Writes the answer with these addresses; none of them is NODATA. What does not fit is left
/// out, and the answer says so.
pub(super) fn addresses(query: &Query<'_>, addresses: &[IpAddr], out: &mut Vec<u8>) {
    let size = |ip: &IpAddr| if ip.is_ipv4() { 16 } else { 28 };
    let mut room = room(query);
    let mut count = 0;
    for ip in addresses {
        match room.checked_sub(size(ip)) {
            Some(rest) => (room, count) = (rest, count + 1),
            None => break,
        }
    }
    let taken = addresses.get(..count).unwrap_or_default();
    let truncated = if taken.len() < addresses.len() { TC } else { 0 };
    header(
        query,
        truncated,
        RA,
        ResponseCode::NoError,
        taken.len(),
        out,
    );
    for ip in taken {
        match ip {
            IpAddr::V4(ip) => record(RecordType::A, &ip.octets(), out),
            IpAddr::V6(ip) => record(RecordType::AAAA, &ip.octets(), out),
        }
    }
    opt(query, 0, out);
}

/// Writes the answer to a reverse lookup. False when `host` and `network` make no name.
pub(super) fn pointer(query: &Query<'_>, host: &str, network: &str, out: &mut Vec<u8>) -> bool {
    let mut name = Vec::with_capacity(host.len() + network.len() + 3);
    for label in host.split('.').chain(network.split('.')) {
        match u8::try_from(label.len()) {
            Ok(length @ 1..64) => name.push(length),
            _ => return false,
        }
        name.extend_from_slice(label.as_bytes());
    }
    name.push(0);
    if name.len() > 255 || name.len() + HEADER > room(query) {
        return false;
    }
    header(query, 0, RA, ResponseCode::NoError, 1, out);
    record(RecordType::PTR, &name, out);
    opt(query, 0, out);
    true
}

/// Writes an error about a question. As it comes from us it does not offer recursion.
pub(super) fn failure(query: &Query<'_>, code: ResponseCode, out: &mut Vec<u8>) {
    header(query, 0, 0, code, 0, out);
    opt(query, code.high(), out);
}

/// Writes an error about a message that is no query of ours. Nothing of it but the id is trusted.
pub(super) fn refuse(message: &[u8], code: ResponseCode, out: &mut Vec<u8>) {
    let (Some(id), Some(flags)) = (message.get(..2), message.get(2)) else {
        return;
    };
    out.extend_from_slice(id);
    // Opcode and RD are copied.
    out.extend_from_slice(&[QR | (flags & 0x79), code.low()]);
    out.extend_from_slice(&[0; 8]);
}

/// Cuts an answer down to its question and sets TC.
pub(super) fn truncate(reply: &mut Vec<u8>, question: usize) {
    reply.truncate(HEADER + question);
    if let Some(flags) = reply.get_mut(2) {
        *flags |= TC;
    }
    if let Some(counts) = reply.get_mut(6..HEADER) {
        counts.fill(0);
    }
}

/// Whether TC is set.
pub(super) fn is_truncated(reply: &[u8]) -> bool {
    reply.get(2).is_some_and(|flags| flags & TC != 0)
}

/// The low four bits of the response code.
pub(super) fn response_code(reply: &[u8]) -> u8 {
    reply.get(3).map_or(0, |flags| flags & 0x0f)
}

/// Writes the id.
pub(super) fn set_id(message: &mut [u8], id: u16) {
    if let Some(bytes) = message.get_mut(..2) {
        bytes.copy_from_slice(&id.to_be_bytes());
    }
}

/// Whether `reply` answers what was asked: a reply with this id to this question. Servers may
/// change the case of the name.
pub(super) fn answers(reply: &[u8], id: u16, question: &[u8]) -> bool {
    let name = question.len().saturating_sub(4);
    let Some(echoed) = reply.get(HEADER..HEADER + question.len()) else {
        return false;
    };
    reply.get(..2) == Some(&id.to_be_bytes())
        && reply.get(2).is_some_and(|flags| flags & QR != 0)
        && reply.get(4..6) == Some(&[0, 1])
        && echoed.get(name..) == question.get(name..)
        && echoed
            .get(..name)
            .zip(question.get(..name))
            .is_some_and(|(echoed, asked)| echoed.eq_ignore_ascii_case(asked))
}

/// Bytes left for records.
fn room(query: &Query<'_>) -> usize {
    let opt = if query.edns.is_some() { OPT_SIZE } else { 0 };
    query
        .limit
        .saturating_sub(HEADER + query.question.len() + opt)
}

fn header(
    query: &Query<'_>,
    high: u8,
    low: u8,
    code: ResponseCode,
    answers: usize,
    out: &mut Vec<u8>,
) {
    let desired = if query.recursion_desired { RD } else { 0 };
    let answers = u16::try_from(answers).unwrap_or(u16::MAX);
    out.extend_from_slice(&query.id.to_be_bytes());
    out.extend_from_slice(&[QR | high | desired, low | code.low(), 0, 1]);
    out.extend_from_slice(&answers.to_be_bytes());
    out.extend_from_slice(&[0, 0, 0, u8::from(query.edns.is_some())]);
    out.extend_from_slice(query.question);
}

/// A record about the question's name, TTL 0: names move when containers do.
fn record(kind: RecordType, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&QUESTION_NAME);
    out.extend_from_slice(&u16::from(kind).to_be_bytes());
    out.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
    out.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(data);
}

fn opt(query: &Query<'_>, code_high: u8, out: &mut Vec<u8>) {
    if let Some(dnssec_ok) = query.edns {
        opt_record(code_high, dnssec_ok, out);
    }
}

fn opt_record(code_high: u8, dnssec_ok: bool, out: &mut Vec<u8>) {
    let [size_high, size_low] = (MAX_UDP as u16).to_be_bytes();
    let dnssec = if dnssec_ok { 0x80 } else { 0 };
    out.extend_from_slice(&[0, 0, 41, size_high, size_low, code_high, 0, dnssec, 0, 0, 0]);
}
