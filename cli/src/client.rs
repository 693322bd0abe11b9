//! The way to a runtime: the node of this home where one runs, else a runtime, or its environment alone, in this process.

use std::sync::Arc;
use std::time::Duration;

use aimass::StartError;
use aimass_config::Config;
use aimass_locale::{Locale, text};
use aimass_observers::live::{Live, LiveTransport, LiveView, Work};
use aimass_observers::logs::{self, LogError};
use aimass_observers::metrics::Metrics;
use aimass_runtime::{
    Call, Environment, EnvironmentOptions, EpisodeId, Records, Request, Revision, Runtime,
    RuntimeBuilder, ShownFact, SocketClient, Transport, TransportError, Views,
};
use serde_json::Value;

use super::Context;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::said::say;

/// A way to a runtime, and what has to be closed at its end.
pub(crate) struct Client {
    transport: Arc<dyn Transport>,
    own: Own,
    locale: Locale,
    /// How long work may still take once the system asks for an end.
    limit: Duration,
}

enum Own {
    Nothing,
    Environment(Environment),
    Runtime(Runtime),
}

/// The team of this home, about to be started in this process, of a configuration that [`configured`] has given.
pub(crate) fn builder(context: &Context, config: Config) -> Result<RuntimeBuilder, Failure> {
    let environment = environment(context, &config)?;
    Ok(context
        .agents
        .team(config, context.home.cache())?
        .environment(environment))
}

/// As [`builder`], with metrics.
pub(crate) fn metered_builder(
    context: &Context,
    config: Config,
) -> Result<(RuntimeBuilder, Metrics), Failure> {
    let environment = environment(context, &config)?;
    let (builder, metrics) = context.agents.metered_team(config, context.home.cache())?;
    Ok((builder.environment(environment), metrics))
}

/// The configuration of a process that is about to have a runtime, and its logs going where that says.
pub(crate) fn configured(context: &Context) -> Result<Config, Failure> {
    let config = context.home.load_config()?;
    let export = logs::start(&config.observers).map_err(|error| match error {
        LogError::Otlp(error) => StartError::from(error).into(),
        other => Failure::bug(other.to_string()),
    })?;
    // Kept until the command's end, when what was said last is sent. A command has one configuration, so nothing is there yet.
    let _ = context.logs.set(export);
    Ok(config)
}

/// What the team of this configuration shows of facts. A configuration that does not fit the team keeps nobody from what is there.
pub(crate) fn views(context: &Context, config: Config) -> Views {
    let views = context.agents.views(config, context.home.cache());
    views.unwrap_or_default()
}

fn environment(context: &Context, config: &Config) -> Result<Environment, Failure> {
    context.home.make()?;
    let options = EnvironmentOptions::from(&config.environment);
    Ok(Environment::open(&context.home.store(), options)?)
}

impl Client {
    fn new(context: &Context, transport: Arc<dyn Transport>, own: Own) -> Self {
        // Whoever only asks a node needs no configuration that holds.
        let runtime = context.home.load_config().map(|config| config.runtime);
        Self {
            transport,
            own,
            locale: context.locale,
            limit: runtime.unwrap_or_default().shutdown_limit,
        }
    }

    /// For facts and dead letters: without a node the environment is enough, and no agent goes to work.
    pub(crate) async fn records(context: &Context) -> Result<Self, Failure> {
        if let Some(node) = Self::node(context).await? {
            return Ok(node);
        }
        let config = context.home.load_config()?;
        let environment = environment(context, &config)?;
        let views = views(context, config);
        let transport = Arc::new(Records::new(environment.clone(), views));
        Ok(Self::new(context, transport, Own::Environment(environment)))
    }

    /// For whatever needs agents.
    pub(crate) async fn runtime(context: &Context) -> Result<Self, Failure> {
        if let Some(node) = Self::node(context).await? {
            return Ok(node);
        }
        let runtime = builder(context, configured(context)?)?.start().await?;
        let transport = Arc::new(runtime.clone());
        Ok(Self::new(context, transport, Own::Runtime(runtime)))
    }

    /// As [`Self::runtime`], with a live view: what the team did can be asked for afterwards.
    pub(crate) async fn watched(context: &Context) -> Result<Self, Failure> {
        if let Some(node) = Self::node(context).await? {
            return Ok(node);
        }
        let live = Live::start();
        let builder = builder(context, configured(context)?)?;
        let runtime = builder.observer(live.clone()).start().await?;
        let transport = Arc::new(LiveTransport::new(runtime.clone(), live));
        Ok(Self::new(context, transport, Own::Runtime(runtime)))
    }

    /// What is known of the tasks of an episode, and of those that they asked for; nothing when the view has let go of it.
    pub(crate) async fn work_on(&self, episode: EpisodeId) -> Result<Option<Work>, Failure> {
        if let Own::Runtime(runtime) = &self.own {
            runtime.flush_observers().await;
        }
        let view: LiveView = serde_json::from_value(self.reply(Request::Live).await?)?;
        let mut episodes = view.episodes.into_iter();
        let Some(mut work) = episodes.find(|work| work.episode == Some(episode)) else {
            return Ok(None);
        };
        // What a flow asks for is part of the trace, not of the episode.
        for call in view
            .calls
            .into_iter()
            .filter(|call| call.trace == work.trace)
        {
            work.tasks += call.tasks;
            work.errors += call.errors;
            work.spans.extend(call.spans);
        }
        Ok(Some(work))
    }

    /// The node of this home, if one runs.
    pub(crate) async fn node(context: &Context) -> Result<Option<Self>, Failure> {
        match SocketClient::connect(&context.home.socket()).await {
            Ok(client) => Ok(Some(Self::new(context, Arc::new(client), Own::Nothing))),
            Err(TransportError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn call(&self, request: Request) -> Call {
        self.transport.call(request)
    }

    /// Asks, and drops the items.
    pub(crate) async fn reply(&self, request: Request) -> Result<Value, Failure> {
        Ok(self.call(request).reply().await?)
    }

    /// The facts as people are shown them, in their language. Facts that are gone are left out.
    pub(crate) async fn show(&self, revisions: Vec<Revision>) -> Result<Vec<ShownFact>, Failure> {
        let locale = self.locale;
        let mut call = self.call(Request::Show {
            revisions,
            namespace: None,
            locale,
        });
        let mut shown = Vec::new();
        while let Some(item) = call.next().await {
            shown.push(serde_json::from_value(item)?);
        }
        call.reply().await?;
        Ok(shown)
    }

    /// Asks, and hands over each item as it comes.
    pub(crate) async fn each(
        &self,
        request: Request,
        mut item: impl FnMut(Value) -> Result<(), Failure>,
    ) -> Result<Value, Failure> {
        let mut call = self.call(request);
        while let Some(next) = call.next().await {
            item(next)?;
        }
        Ok(call.reply().await?)
    }

    /// Does the work, patiently towards Ctrl-C, and closes what this process opened, however it ended.
    pub(crate) async fn closing<T>(
        self,
        work: impl AsyncFnOnce(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let limit = self.limit;
        let mut interrupts = Interrupts::listen(self.locale)?;
        let outcome = interrupts.patiently(limit, work(&self)).await;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(wish) => {
                self.say_that_it_is_cut_off();
                interrupts.finish(self.close(Duration::ZERO)).await?;
                return Err(Failure::already_said(wish.exit_code()));
            }
        };
        let closed = interrupts.patiently(limit, self.close(limit)).await;
        let outcome = outcome?;
        closed.map_err(|wish| Failure::already_said(wish.exit_code()))??;
        Ok(outcome)
    }

    fn say_that_it_is_cut_off(&self) {
        let limit = self.limit;
        let said = match &self.own {
            Own::Runtime(_) => text!(
                "cut off after {limit:?}, the `runtime.shutdown_limit`; what was accepted for an episode goes on at the next start",
                "已在 {limit:?}（`runtime.shutdown_limit`）后中断；任务集中已接受的工作在下次启动时继续"
            ),
            Own::Nothing => text!(
                "stopped waiting after {limit:?}, the `runtime.shutdown_limit`; the node goes on with what was accepted for an episode",
                "已在 {limit:?}（`runtime.shutdown_limit`）后停止等待；节点会继续任务集中已接受的工作"
            ),
            Own::Environment(_) => text!(
                "cut off after {limit:?}, the `runtime.shutdown_limit`",
                "已在 {limit:?}（`runtime.shutdown_limit`）后中断"
            ),
        };
        say(&said, self.locale);
    }

    async fn close(self, limit: Duration) -> Result<(), Failure> {
        match self.own {
            Own::Nothing => Ok(()),
            Own::Environment(environment) => Ok(environment.close().await?),
            Own::Runtime(runtime) => match runtime.shutdown_within(limit).await.environment {
                Some(message) => Err(Failure::unavailable(message)),
                None => Ok(()),
            },
        }
    }
}
