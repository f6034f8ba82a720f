//! Where a container's output goes: the log and every attached client.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::{mpsc, watch};

use super::log_file::{self, LogFile};
use crate::engine::fd_stream::FdStream;
use crate::engine::protocol::{Frame, Streams};

/// Frames that may wait for one client; then the container's output waits too,
/// as it does with Docker.
const QUEUE: usize = 32;

/// An encoded frame, shared by all that receive it.
pub type Bytes = Rc<[u8]>;

struct Subscriber {
    streams: Streams,
    queue: mpsc::Sender<Bytes>,
}

/// What the monitor's tasks share; they all run on one thread.
pub struct Hub {
    subscribers: RefCell<Vec<Rc<Subscriber>>>,
    log: RefCell<Option<LogFile>>,
    input: RefCell<Option<Rc<FdStream>>>,
    tty: bool,
    stdin_once: bool,
    /// How the run that is going on ended.
    exited: RefCell<watch::Sender<Option<i32>>>,
    /// How the last one ended.
    ended: watch::Sender<Option<i32>>,
}

/// A client's share of one run.
pub struct Joined {
    /// Encoded frames of its streams.
    pub queue: mpsc::Receiver<Bytes>,
    /// Its end.
    pub run: Run,
}

/// One run, of those that a restart policy makes of a container's life.
pub struct Run(watch::Receiver<Option<i32>>);

impl Run {
    /// Waits for its end: the exit code.
    pub async fn ended(&self) -> i32 {
        code(&mut self.0.clone()).await
    }
}

impl Hub {
    /// `input` is the write end of the container's stdin, or its terminal.
    pub fn new(
        log: Option<LogFile>,
        input: Option<Rc<FdStream>>,
        tty: bool,
        stdin_once: bool,
    ) -> Rc<Hub> {
        Rc::new(Hub {
            subscribers: RefCell::default(),
            log: RefCell::new(log),
            input: RefCell::new(input),
            tty,
            stdin_once,
            exited: RefCell::new(watch::channel(None).0),
            ended: watch::channel(None).0,
        })
    }

    /// Joins the run that is going on, or the next one, for these streams.
    pub fn subscribe(&self, streams: Streams) -> Joined {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let mut subscribers = self.subscribers.borrow_mut();
        // Those that went since the last output.
        subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        subscribers.push(Rc::new(Subscriber { streams, queue }));
        Joined {
            queue: receiver,
            run: self.run(),
        }
    }

    /// The run that is going on, or the next one.
    pub fn run(&self) -> Run {
        Run(self.exited.borrow().subscribe())
    }

    /// Takes from `stream` until it ends: to the log, then to the clients.
    pub async fn pump(self: Rc<Self>, stream: Rc<FdStream>, kind: log_file::Stream) {
        loop {
            let bytes = match stream.read().await {
                Ok(bytes) if !bytes.is_empty() => bytes,
                _ => break,
            };
            if let Some(log) = &mut *self.log.borrow_mut() {
                // A full disk must not stop the container.
                let _ = log.append(kind, &bytes);
            }
            self.publish(kind, bytes).await;
        }
        if let Some(log) = &mut *self.log.borrow_mut() {
            let _ = log.finish(kind);
        }
    }

    async fn publish(&self, kind: log_file::Stream, bytes: Vec<u8>) {
        let subscribers = self.subscribers.borrow().clone();
        if subscribers.is_empty() {
            return;
        }
        let frame: Bytes = match kind {
            log_file::Stream::Stdout => Frame::Stdout(bytes),
            log_file::Stream::Stderr => Frame::Stderr(bytes),
        }
        .encode()
        .into();
        let mut gone = false;
        for subscriber in &subscribers {
            let wanted = match kind {
                log_file::Stream::Stdout => subscriber.streams.stdout,
                log_file::Stream::Stderr => subscriber.streams.stderr,
            };
            if wanted {
                gone |= subscriber.queue.send(frame.clone()).await.is_err();
            }
        }
        if gone {
            self.subscribers
                .borrow_mut()
                .retain(|subscriber| !subscriber.queue.is_closed());
        }
    }

    /// Feeds the container's stdin; silently nothing where it has none.
    pub async fn feed(&self, bytes: &[u8]) {
        let input = self.input.borrow().clone();
        if let Some(input) = input
            && input.write_all(bytes).await.is_err()
        {
            self.input.borrow_mut().take();
        }
    }

    /// The client that fed stdin has no more or is gone. With `run -i` that ends
    /// the container's stdin; a terminal, and stdin of `run -i -d`, stay open.
    pub fn leave(&self) {
        if self.stdin_once && !self.tty {
            self.input.borrow_mut().take();
        }
    }

    /// Tells the terminal its size.
    pub fn resize(&self, rows: u16, columns: u16) {
        if self.tty
            && let Some(input) = &*self.input.borrow()
        {
            input.resize(rows, columns);
        }
    }

    /// Announces the exit code of this run to those that joined it; another one follows.
    pub fn rest(&self, code: i32) {
        self.subscribers.borrow_mut().clear();
        self.input.borrow_mut().take();
        let exited = self.exited.replace(watch::channel(None).0);
        exited.send_replace(Some(code));
    }

    /// The next run has begun, with this write end of stdin, or terminal.
    pub fn resume(&self, input: Option<Rc<FdStream>>) {
        *self.input.borrow_mut() = input;
    }

    /// Announces the last exit code; no output follows.
    pub fn end(&self, code: i32) {
        self.rest(code);
        self.ended.send_replace(Some(code));
    }

    /// Waits for the container to end for good: the exit code.
    pub async fn ended(&self) -> i32 {
        code(&mut self.ended.subscribe()).await
    }
}

async fn code(exited: &mut watch::Receiver<Option<i32>>) -> i32 {
    match exited.wait_for(Option::is_some).await {
        Ok(code) => code.unwrap_or_default(),
        Err(_) => std::future::pending().await,
    }
}
