//! One question to one server.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

/// How long the other family may take once one has answered.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most names in a chain of aliases.
const LONGEST_CHAIN: usize = 16;
/// What a server may send by UDP when it was told of nothing larger; a little more does no harm.
const DATAGRAM: usize = 4096;

/// Why a server gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    /// Not a name that DNS knows.
    #[error("no such host")]
    Name,
    /// The server cannot say.
    #[error("server misbehaving")]
    Refused,
    /// No answer.
    #[error("i/o timeout")]
    Timeout,
    /// The network.
    #[error("{0}")]
    Io(#[from] io::Error),
}

struct Question {
    id: u16,
    name: Name,
    kind: RecordType,
    bytes: Vec<u8>,
}

impl Question {
    fn new(name: &Name, kind: RecordType) -> Result<Question, QueryError> {
        let mut id = [0; 2];
        rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())
            .map_err(io::Error::from)?;
        let id = u16::from_ne_bytes(id);
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(name.clone(), kind));
        Ok(Question {
            id,
            name: name.clone(),
            kind,
            bytes: message.to_vec().map_err(|_| QueryError::Name)?,
        })
    }

    /// The message if it answers this question.
    fn is_answered_by(&self, message: &Message) -> bool {
        let asked = |query: &Query| query.query_type() == self.kind && *query.name() == self.name;
        message.metadata.message_type == MessageType::Response
            && message.metadata.id == self.id
            && message.queries.first().is_some_and(asked)
    }

    fn read(&self, message: &Message) -> Result<Vec<IpAddr>, QueryError> {
        match message.metadata.response_code {
            ResponseCode::NoError => Ok(addresses_of(message, &self.name)),
            ResponseCode::NXDomain => Ok(Vec::new()),
            _ => Err(QueryError::Refused),
        }
    }
}

/// The addresses of a name, IPv4 and IPv6; none where there is no such name.
pub(super) fn addresses(
    server: SocketAddr,
    name: &str,
    timeout: Duration,
) -> Result<Vec<IpAddr>, QueryError> {
    let mut name = Name::from_utf8(name).map_err(|_| QueryError::Name)?;
    name.set_fqdn(true);
    let questions = [
        Question::new(&name, RecordType::A)?,
        Question::new(&name, RecordType::AAAA)?,
    ];
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    for question in &questions {
        socket.send(&question.bytes)?;
    }
    let mut end = Instant::now() + timeout;
    let mut answers: [Option<Result<Vec<IpAddr>, QueryError>>; 2] = [None, None];
    let mut buffer = [0; DATAGRAM];
    while answers.iter().any(Option::is_none) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        socket.set_read_timeout(Some(left))?;
        let size = match socket.recv(&mut buffer) {
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let Ok(message) = Message::from_vec(&buffer[..size]) else {
            continue;
        };
        let Some(index) = questions.iter().position(|q| q.is_answered_by(&message)) else {
            continue;
        };
        let answer = if message.metadata.truncation {
            let left = end.saturating_duration_since(Instant::now());
            by_stream(server, &questions[index], left.max(PATIENCE))
        } else {
            questions[index].read(&message)
        };
        if matches!(&answer, Ok(found) if !found.is_empty()) {
            end = end.min(Instant::now() + PATIENCE);
        }
        answers[index] = Some(answer);
    }
    join(answers)
}

/// What both families said: an address of one is enough, and so is that none has the name.
fn join(answers: [Option<Result<Vec<IpAddr>, QueryError>>; 2]) -> Result<Vec<IpAddr>, QueryError> {
    let mut found = Vec::new();
    let mut problem = None;
    for answer in answers {
        match answer {
            Some(Ok(addresses)) => found.extend(addresses),
            Some(Err(error)) => problem = Some(error),
            None => problem = Some(QueryError::Timeout),
        }
    }
    match problem {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// The same question by TCP.
fn by_stream(
    server: SocketAddr,
    question: &Question,
    timeout: Duration,
) -> Result<Vec<IpAddr>, QueryError> {
    let mut stream = TcpStream::connect_timeout(&server, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let length = u16::try_from(question.bytes.len()).map_err(|_| QueryError::Name)?;
    stream.write_all(&[&length.to_be_bytes()[..], &question.bytes].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    match Message::from_vec(&bytes) {
        Ok(message) if question.is_answered_by(&message) => question.read(&message),
        _ => Err(QueryError::Refused),
    }
}

/// Follows the aliases of an answer from the name that was asked for.
fn addresses_of(message: &Message, name: &Name) -> Vec<IpAddr> {
    let mut name = name;
    for _ in 0..LONGEST_CHAIN {
        let alias = message
            .answers
            .iter()
            .find_map(|record| match &record.data {
                RData::CNAME(target) if record.name == *name => Some(&target.0),
                _ => None,
            });
        match alias {
            Some(target) => name = target,
            None => break,
        }
    }
    message
        .answers
        .iter()
        .filter(|record| record.name == *name)
        .filter_map(|record| match &record.data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::{A, CNAME};

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// Answers the two questions of one lookup.
    fn server(answer: impl Fn(&Message) -> Vec<u8> + Send + 'static) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            for _ in 0..2 {
                let (size, from) = socket.recv_from(&mut buffer).unwrap();
                let query = Message::from_vec(&buffer[..size]).unwrap();
                socket.send_to(&answer(&query), from).unwrap();
            }
        });
        address
    }

    fn reply(query: &Message) -> Message {
        let mut reply = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        reply.add_query(query.queries[0].clone());
        reply
    }

    #[test]
    fn aliases_are_followed_and_strangers_left_out() {
        let at = server(|query| {
            let mut reply = reply(query);
            if query.queries[0].query_type() == RecordType::A {
                let cname = RData::CNAME(CNAME(name("b.test.")));
                let a = |n| RData::A(A(Ipv4Addr::new(192, 0, 2, n)));
                reply.add_answer(Record::from_rdata(name("reg.test."), 1, cname));
                reply.add_answer(Record::from_rdata(name("b.test."), 1, a(1)));
                reply.add_answer(Record::from_rdata(name("evil.test."), 1, a(2)));
            }
            reply.to_vec().unwrap()
        });
        let found = addresses(at, "reg.test", Duration::from_secs(5)).unwrap();
        assert_eq!(found, vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))]);
    }

    #[test]
    fn a_name_that_is_not_there_has_no_address_and_a_refusal_is_an_error() {
        let at = server(|query| {
            let mut reply = reply(query);
            reply.metadata.response_code = ResponseCode::NXDomain;
            reply.to_vec().unwrap()
        });
        assert!(
            addresses(at, "x.test", Duration::from_secs(5))
                .unwrap()
                .is_empty()
        );
        let at = server(|query| {
            let mut reply = reply(query);
            reply.metadata.response_code = ResponseCode::Refused;
            reply.to_vec().unwrap()
        });
        let error = addresses(at, "x.test", Duration::from_secs(5)).unwrap_err();
        assert_eq!(error.to_string(), "server misbehaving");
    }
}
