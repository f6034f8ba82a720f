//! The resolver without sockets: a message in, what becomes of it out. For fuzz targets and for
//! whoever wants to know what a query would get.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Outcome, Resolver, ResolverConfig, Transport, wire};

/// A resolver that only decides.
pub struct Offline {
    resolver: Arc<Resolver>,
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// Nothing is sent.
    Ignored,
    /// Others are asked.
    Forwarded,
}

impl Offline {
    /// A resolver with a configuration that does not change; the zones' files may.
    pub fn new(config: ResolverConfig) -> Offline {
        let (_, receiver) = watch::channel(config);
        Offline {
            resolver: Resolver::new(receiver),
        }
    }

    /// What becomes of `message`; its answer, if it has one, is what `answer` then holds.
    pub fn handle(&self, message: &[u8], transport: Transport, answer: &mut Vec<u8>) -> Fate {
        match self.resolver.handle(message, transport, answer) {
            Outcome::Answered => Fate::Answered,
            Outcome::Ignored => Fate::Ignored,
            Outcome::Forward(_) => Fate::Forwarded,
        }
    }

    /// What a client that sent `message` gets when a server that it was forwarded to, under the
    /// same id, sent `reply`. `None` when that is no answer to it, when the next server would be
    /// asked, and when `message` is not forwarded.
    pub fn passed_on(&self, message: &[u8], transport: Transport, reply: &[u8]) -> Option<Vec<u8>> {
        let Outcome::Forward(job) = self.resolver.handle(message, transport, &mut Vec::new())
        else {
            return None;
        };
        let id = u16::from_be_bytes(*message.first_chunk()?);
        if !wire::answers(reply, id, job.question()) {
            return None;
        }
        job.for_client(reply.to_vec())
    }
}
