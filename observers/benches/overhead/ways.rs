//! Ways to observe a team, and how they compare: interleaved rounds, so that whatever else the machine does hits all alike.

use std::time::{Duration, Instant};

use aimass_config::{Config, OtlpProtocol};
use aimass_observers::metrics::Metrics;
use aimass_observers::{Otlp, SpanLosses};
use aimass_runtime::{Observer, Record, Runtime, RuntimeBuilder};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Nothing,
    Events,
    Metrics,
    OnePercent,
    AllTraces,
    Everything,
    /// As `Nothing`, made last: what the order in which the teams were made does to the figures.
    NothingAgain,
}

const WAYS: [Way; 7] = [
    Way::Nothing,
    Way::Events,
    Way::Metrics,
    Way::OnePercent,
    Way::AllTraces,
    Way::Everything,
    Way::NothingAgain,
];

/// An observer that looks away.
struct LooksAway;

impl Observer for LooksAway {
    fn observe(&mut self, _: &Record) {}
}

/// A team that is observed in one way, for all rounds.
struct Team {
    way: Way,
    runtime: Runtime,
    losses: Option<SpanLosses>,
    took: Vec<Duration>,
}

impl Way {
    /// With room for all records and spans of a round, so that none is dropped, and none is cheaper for it.
    pub(crate) fn config(self, endpoint: &str) -> Config {
        let mut config = Config::default();
        config.runtime.event_capacity = 1 << 20;
        let otlp = &mut config.observers.otlp;
        otlp.endpoint = Some(endpoint.to_owned());
        otlp.protocol = OtlpProtocol::Http;
        otlp.queue_bytes = 1 << 30;
        otlp.metrics_interval = (self == Self::Everything).then_some(Duration::from_secs(1));
        if self == Self::OnePercent {
            config.observers.traces.ratio = 0.01;
        }
        config
    }

    async fn start(self, endpoint: &str, team: impl Fn(Config) -> RuntimeBuilder) -> Team {
        let config = self.config(endpoint);
        let observers = config.observers.clone();
        let mut builder = team(config);
        let mut losses = None;
        let metrics = Metrics::new(&observers.traces);
        if self == Self::Events {
            builder = builder.observer(LooksAway);
        }
        if matches!(self, Self::Metrics | Self::Everything) {
            builder = builder.observer(metrics.clone());
        }
        if matches!(self, Self::OnePercent | Self::AllTraces | Self::Everything) {
            let otlp = Otlp::start(&observers).unwrap().unwrap();
            let otlp = otlp.with_metrics(&observers, &metrics).unwrap();
            losses = Some(otlp.losses());
            builder = builder.observer(otlp);
        }
        Team {
            way: self,
            runtime: builder.start().await.unwrap(),
            losses,
            took: Vec::new(),
        }
    }
}

/// Has each team do `work` in turn, round after round, and prints how the rounds compare with those of the team that nobody observes.
pub(crate) async fn compare(
    what: &str,
    rounds: usize,
    team: impl Fn(Config) -> RuntimeBuilder,
    work: impl AsyncFn(&Runtime),
) {
    let endpoint = super::collector::collector();
    let mut teams = Vec::new();
    for way in WAYS {
        let team = way.start(&endpoint, &team).await;
        work(&team.runtime).await;
        team.runtime.flush_observers().await;
        teams.push(team);
    }
    for round in 0..rounds {
        // Each begins a round as often as any other.
        teams.rotate_left(round % WAYS.len());
        for team in &mut teams {
            let began = Instant::now();
            work(&team.runtime).await;
            team.took.push(began.elapsed());
            // What is left to tell is not the next one's.
            team.runtime.flush_observers().await;
        }
    }
    teams.sort_by_key(|team| team.way as usize);
    report(what, &teams);
    for team in teams {
        let report = team.runtime.shutdown().await;
        let spans = team.losses.map_or(0, |losses| losses.spans());
        assert_eq!(
            (report.dropped_events, spans),
            (0, 0),
            "something was dropped"
        );
    }
}

fn report(what: &str, teams: &[Team]) {
    let rounds = teams[0].took.len();
    println!(
        "{what}: time beside that of a team that nobody observes, median and range of {rounds} interleaved rounds, nothing dropped"
    );
    let plain = &teams[0].took;
    for team in teams {
        let rounds = team.took.iter().zip(plain);
        let ratios: Vec<f64> = rounds
            .map(|(took, plain)| took.as_secs_f64() / plain.as_secs_f64())
            .collect();
        let took: Vec<f64> = team.took.iter().map(Duration::as_secs_f64).collect();
        println!(
            "  {:?}: x {} ({:.3} s a round)",
            team.way,
            spread(&ratios, 3),
            median(&took)
        );
    }
}

/// The median, with the quartiles and the range.
pub(crate) fn spread(values: &[f64], digits: usize) -> String {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    format!(
        "{:.digits$} (half of them {:.digits$}-{:.digits$}, all {:.digits$}-{:.digits$})",
        at(0.5),
        at(0.25),
        at(0.75),
        at(0.0),
        at(1.0)
    )
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
