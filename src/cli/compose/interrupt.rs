//! Ctrl-C, for commands that tidy up first.

use std::sync::mpsc::channel;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::engine::failure::{Context, Failure};

/// Calls `heard` for each SIGINT and SIGTERM from now on, in a thread of its own, until it says
/// that nobody wants to know.
pub fn listen(heard: impl Fn() -> bool + Send + 'static) -> Result<(), Failure> {
    let what = || "catch signals".to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(what)?;
    let (ready, caught) = channel();
    thread::spawn(move || {
        runtime.block_on(async move {
            let signals = signal(SignalKind::interrupt())
                .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
            let (mut interrupt, mut terminate) = match signals {
                Ok(signals) => signals,
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return;
                }
            };
            let _ = ready.send(Ok(()));
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if !heard() {
                    return;
                }
            }
        });
    });
    match caught.recv() {
        Ok(result) => result.context(what),
        Err(error) => Err(Failure::new(format!("catch signals: {error}"))),
    }
}
