//! `aimass start`: a node that other processes ask.

use std::sync::Arc;

use aimass_runtime::{Observer, Record, SocketServer};
use clap::Args;
use tokio::sync::{mpsc, oneshot};

use super::Context;
use super::failure::{Failure, say};
use super::{interrupt, reach};

/// Run a node: other commands of this home then use it
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) async fn execute(context: &Context, _: Arguments) -> Result<(), Failure> {
    context.home.make()?;
    // The socket first: a second node is told of the first one, rather than of a store in use.
    let server = SocketServer::bind(&context.home.socket())?;
    let (given_up, mut failures) = mpsc::channel(1);
    let builder = reach::builder(context)?.observer(WatchAgents { given_up });
    let runtime = builder.start().await.map_err(Failure::from)?;
    say(&format!(
        "listening on {}; Ctrl-C ends it",
        context.home.socket().display()
    ));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.serve(Arc::new(runtime.clone()), async {
        // It ends by the message as well as by the end of whoever could send it.
        let _ = stopped.await;
    });
    tokio::pin!(serving);
    let why = tokio::select! {
        asked = interrupt::asked_to_end() => asked.map(|()| None)?,
        failure = failures.recv() => failure,
        () = &mut serving => None,
    };
    say("finishing what is under way; Ctrl-C again cuts it off");
    // Clients hear of their tasks' end while the runtime drains; only then is the socket closed.
    let drained = interrupt::finish(async {
        tokio::select! {
            report = runtime.shutdown() => Some(report),
            () = &mut serving => None,
        }
    });
    let report = drained.await?;
    let _ = stop.send(());
    serving.await;
    if let Some(report) = report.filter(|report| report.cut_off > 0) {
        say(&format!(
            "{} tasks were cut off at the limit; those of episodes go on at the next start",
            report.cut_off
        ));
    }
    match why {
        Some(failure) => Err(Failure::bug(failure)),
        None => Ok(()),
    }
}

/// A node whose agent was given up ends: whoever watches over it starts a fresh process.
struct WatchAgents {
    given_up: mpsc::Sender<String>,
}

impl Observer for WatchAgents {
    fn observe(&mut self, record: &Record) {
        if let Record::Agent(change) = record
            && let Some(reason) = &change.failed
        {
            let message = format!(
                "agent `{}` was given up: {reason}; start the node again",
                change.agent
            );
            // One is enough to end the node.
            let _ = self.given_up.try_send(message);
        }
    }
}
