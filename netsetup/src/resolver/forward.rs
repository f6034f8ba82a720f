//! Asks others about names that this sandbox does not know.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tokio::time::{Instant, timeout_at};

use super::exchange::{self, Question};
use super::tasks::Tasks;
use super::wire::{self, Query};
use super::{Transport, Upstream};

/// How long one server may take; a client's own patience is about five seconds.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 400 } else { 4_000 });

/// Runs the forwards, a bounded number at a time.
#[derive(Debug)]
pub(super) struct Forwarder {
    tasks: Arc<Tasks>,
}

/// One query to be forwarded.
#[derive(Debug)]
pub(super) struct Job {
    /// The query as it came; the id is replaced for each server.
    message: Vec<u8>,
    /// How long its question is, bytes.
    question: usize,
    /// The client's id.
    id: u16,
    transport: Transport,
    limit: usize,
    /// What to say when nobody answers.
    failure: Vec<u8>,
    upstreams: Vec<Upstream>,
    sandbox: Option<Arc<OwnedFd>>,
}

impl Forwarder {
    pub(super) fn new(tasks: Arc<Tasks>) -> Forwarder {
        Forwarder { tasks }
    }

    /// Starts a forward; `deliver` gets the answer. When too many are outstanding the oldest
    /// is given up without an answer.
    pub(super) fn start<F>(&self, job: Job, deliver: impl FnOnce(Vec<u8>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(async move {
            let reply = job.run().await;
            deliver(reply).await;
        });
    }
}

impl Job {
    pub(super) fn new(
        query: &Query<'_>,
        message: &[u8],
        upstreams: Vec<Upstream>,
        sandbox: Option<Arc<OwnedFd>>,
    ) -> Job {
        let mut failure = Vec::with_capacity(wire::HEADER + query.question().len() + 11);
        wire::failure(query, ResponseCode::ServFail, &mut failure);
        Job {
            message: message.to_vec(),
            question: query.question().len(),
            id: query.id,
            transport: query.transport,
            limit: query.limit,
            failure,
            upstreams,
            sandbox,
        }
    }

    /// The first usable answer, with the client's id and of a size it takes; else SERVFAIL.
    async fn run(mut self) -> Vec<u8> {
        let upstreams = std::mem::take(&mut self.upstreams);
        for upstream in upstreams {
            let ask = self.ask(upstream, Instant::now() + PATIENCE);
            let Some(reply) = ask.await else {
                continue;
            };
            if let Some(reply) = self.for_client(reply) {
                return reply;
            }
        }
        self.failure
    }

    /// Name, type and class as they came.
    pub(super) fn question(&self) -> &[u8] {
        let end = wire::HEADER + self.question;
        self.message.get(wire::HEADER..end).unwrap_or_default()
    }

    /// A server's reply to our question as the client gets it: with its id, its question byte for
    /// byte (some servers change the case) and of a size it takes. `None` when another server may
    /// know better.
    pub(super) fn for_client(&self, mut reply: Vec<u8>) -> Option<Vec<u8>> {
        let code = wire::response_code(&reply);
        if code == ResponseCode::ServFail.low() || code == ResponseCode::Refused.low() {
            return None;
        }
        wire::set_id(&mut reply, self.id);
        let question = self.question();
        if let Some(echoed) = reply.get_mut(wire::HEADER..wire::HEADER + question.len()) {
            echoed.copy_from_slice(question);
        }
        if reply.len() > self.limit {
            wire::truncate(&mut reply, self.question);
        }
        Some(reply)
    }

    /// Asks one server by the transport that the client used. An answer that was cut although
    /// the client would have taken more is asked for again by TCP.
    async fn ask(&mut self, upstream: Upstream, deadline: Instant) -> Option<Vec<u8>> {
        let sandbox = match (upstream.from_sandbox, &self.sandbox) {
            (false, _) => None,
            (true, Some(ns)) => Some(Arc::clone(ns)),
            (true, None) => return None,
        };
        let id = exchange::random_id().ok()?;
        wire::set_id(&mut self.message, id);
        let question = Question {
            message: &self.message,
            id,
            question: self.question(),
            server: upstream.addr,
            sandbox: sandbox.as_deref(),
        };
        if self.transport == Transport::Tcp {
            return timeout_at(deadline, exchange::tcp(&question))
                .await
                .ok()?
                .ok();
        }
        let reply = timeout_at(deadline, exchange::udp(&question))
            .await
            .ok()?
            .ok()?;
        if !wire::is_truncated(&reply) || self.limit <= 512 {
            return Some(reply);
        }
        match timeout_at(deadline, exchange::tcp(&question)).await {
            Ok(Ok(whole)) if whole.len() <= self.limit => Some(whole),
            _ => Some(reply),
        }
    }
}
