//! `aimass start`: a node that other processes ask.

use std::net::SocketAddr;
use std::sync::Arc;

use aimass_config::Config;
use aimass_locale::{Text, text};
use aimass_observers::live::{Live, LiveTransport};
use aimass_observers::metrics::MetricsServer;
use aimass_runtime::{Runtime, ShutdownReport, SocketServer};
use clap::Args;

use super::Context;
use super::client;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::said::say;

/// Run a node: other commands of this home then use it
#[derive(Args)]
pub(crate) struct Arguments {
    /// Serve metrics to Prometheus at this address, such as `127.0.0.1:9464`; before `observers.metrics`
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    context.home.make()?;
    // The socket first: a second node is told of the first one, rather than of a store in use.
    let server = SocketServer::bind(&context.home.socket())?;
    let config = client::configured(context)?;
    let metrics_server = metrics_server(context, &config, arguments.metrics).await?;
    // Nothing is counted that nobody is shown.
    let (builder, metered) = match metrics_server {
        None => (client::builder(context, config)?, None),
        Some(server) => {
            let (builder, metrics) = client::metered_builder(context, config)?;
            (builder, Some((server, metrics)))
        }
    };
    let live = Live::start();
    let builder = builder.observer(live.clone());
    let runtime = builder.start().await.map_err(Failure::from)?;
    let mut interrupts = Interrupts::listen(context.locale)?;
    let socket = context.home.socket();
    let socket = socket.display();
    let listening = text!(
        "listening on {socket}; Ctrl-C ends it",
        "正在监听 {socket}；按 Ctrl-C 结束"
    );
    say(&listening, context.locale);
    let metering = async {
        match metered {
            Some((server, metrics)) => server.serve(metrics).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(metering);
    let transport = LiveTransport::new(runtime.clone(), live);
    runtime.serve(server, Arc::new(transport)).await;
    let why = tokio::select! {
        _ = interrupts.asked() => None,
        failure = failure(&runtime) => Some(failure),
        () = &mut metering => None,
    };
    interrupts.say_that_it_ends();
    // Clients hear of their tasks' end while the runtime drains; only then is the socket closed.
    let report = interrupts.finish(runtime.shutdown()).await;
    say_what_was_cut_off(context, &report);
    match why {
        Some(failure) => Err(Failure::bug(failure)),
        None => Ok(()),
    }
}

fn say_what_was_cut_off(context: &Context, report: &ShutdownReport) {
    let ShutdownReport {
        cut_off,
        lost,
        kept,
        ..
    } = report;
    if *cut_off == 0 {
        return;
    }
    let said = text!(
        "tasks cut off at the limit: {cut_off}; {kept} of them go on at the next start, {lost} are lost",
        "到时限被中断的任务：{cut_off} 项；其中 {kept} 项在下次启动时继续，{lost} 项已丢失"
    );
    say(&said, context.locale);
}

/// The server of metrics, if there is to be one.
async fn metrics_server(
    context: &Context,
    config: &Config,
    asked: Option<SocketAddr>,
) -> Result<Option<MetricsServer>, Failure> {
    // The configuration was held against its rules: what it names is an address.
    let configured = config.observers.metrics.as_deref();
    let Some(address) = asked.or_else(|| configured?.parse().ok()) else {
        return Ok(None);
    };
    let refused = |error| {
        Failure::unavailable(text!(
            "cannot serve metrics at {address}: {error}",
            "无法在 {address} 提供指标：{error}"
        ))
    };
    let server = MetricsServer::bind(address).await.map_err(refused)?;
    let bound = server.address().map_err(refused)?;
    let served = text!(
        "metrics are at http://{bound}/metrics",
        "指标位于 http://{bound}/metrics"
    );
    say(&served, context.locale);
    Ok(Some(server))
}

/// Returns once an agent was given up, or a part of the runtime has ended: the node ends then, and whoever watches over it starts a fresh process.
async fn failure(runtime: &Runtime) -> Text {
    let (name, reason) = runtime.failure().await;
    match runtime.agents().iter().any(|agent| agent.name == name) {
        true => text!(
            "agent `{name}` was given up: {reason}; start the node again",
            "智能体 `{name}` 已被放弃：{reason}；请重新启动节点"
        ),
        false => text!(
            "the runtime cannot go on without its {name}: {reason}; start the node again",
            "运行时的 {name} 已停止：{reason}；请重新启动节点"
        ),
    }
}
