//! Every part of the runtime dies under load, by a panic in its actor and by one in the task or thread that it owns. The team goes on, no accepted
//! task and no acknowledged fact is lost, and the restart is told.

mod kiln;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_runtime::{
    Environment, EnvironmentOptions, Episode, EpisodeReport, FactDraft, FactFilter, FaultInjection,
    Record, Recorder, Revision, Runtime, ServiceChange, ServiceState, ServiceStatus, TaskError,
};
use serde_json::json;

use crate::probe::{Act, Hold, Order};
use crate::stage::{Setting, Stage};
use kiln::{Fire, Kiln, kind};

/// Pots that are brought in, and pots that are asked for beside them.
const POTS: u64 = 150;

struct Workshop {
    runtime: Runtime,
    recorder: Recorder,
    environment: Environment,
    _folder: tempfile::TempDir,
}

impl Workshop {
    async fn open(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.runtime.supervision.backoff_initial = Duration::from_millis(1);
        change(&mut config);
        let options = EnvironmentOptions::from(&config.environment);
        let environment = Environment::open(folder.path(), options).unwrap();
        let recorder = Recorder::default();
        let builder = Runtime::builder(config).agent(Kiln);
        let builder = builder.observer(recorder.clone());
        let runtime = builder.environment(environment.clone()).start().await;
        Self {
            runtime: runtime.unwrap(),
            recorder,
            environment,
            _folder: folder,
        }
    }

    fn service(&self, name: &str) -> ServiceState {
        let services = self.runtime.services();
        let mut found = services.into_iter().filter(|known| known.name == name);
        found.next().unwrap()
    }

    /// The pots that the kiln fires for an episode, with its reactions.
    async fn episode(&self) -> EpisodeReport {
        let pots = (0..POTS).map(|pot| FactDraft::new(kind("clay"), json!(pot)));
        let episode = pots.fold(Episode::new(), Episode::fact);
        self.runtime.run(episode).await.unwrap()
    }

    /// Asks for pots, some of them durably. What the store could not accept was not accepted, and is asked for again.
    async fn asks(&self) {
        let mut asks = tokio::task::JoinSet::new();
        for pot in 0..POTS {
            let runtime = self.runtime.clone();
            asks.spawn(async move {
                loop {
                    let asked = match pot % 2 {
                        0 => runtime.ask::<Fire>(pot).await,
                        _ => runtime.ask_durable::<Fire>(pot).await,
                    };
                    match asked {
                        Err(TaskError::Environment { .. }) if pot % 2 == 1 => {}
                        asked => return assert_eq!(asked.unwrap(), pot + 1000),
                    }
                }
            });
        }
        while let Some(asked) = asks.join_next().await {
            asked.unwrap();
        }
    }

    /// Returns once the kiln has fired some pots of the episode.
    async fn under_load(&self) {
        let pots = FactFilter {
            kind: Some("pot".to_owned()),
            ..FactFilter::default()
        };
        let mut fired = self.environment.subscribe_from(Revision(0), pots);
        for _ in 0..10 {
            fired.next().await.unwrap();
        }
    }

    /// What was told of the part of that name.
    async fn told(&self, name: &str) -> Vec<ServiceChange> {
        self.runtime.flush_observers().await;
        let records = self.recorder.records().into_iter();
        let told = records.filter_map(|record| match record {
            Record::Service(changed) if *changed.service == *name => Some(changed.change),
            _ => None,
        });
        told.collect()
    }

    async fn close(self) {
        let report = self.runtime.shutdown().await;
        assert_eq!(report.environment, None);
        assert!(!report.left_behind);
    }
}

/// Lets a part die while the team works, and holds that nobody notices.
async fn dies_under_load(name: &str, fault: FaultInjection) {
    let workshop = Workshop::open(|_| {}).await;
    let kill = async {
        workshop.under_load().await;
        assert!(workshop.runtime.inject(name, fault).await, "no `{name}`");
    };
    let work = async { tokio::join!(workshop.episode(), workshop.asks(), kill) };
    let (report, (), ()) = tokio::time::timeout(Duration::from_secs(120), work)
        .await
        .unwrap_or_else(|_| panic!("{name} {fault:?}: somebody waits for ever"));

    assert_eq!(report.failures, vec![], "{name} {fault:?}");
    let values = |of: &str| {
        let facts = report.facts.iter().filter(|fact| fact.kind == kind(of));
        let mut values: Vec<u64> = facts.map(|fact| fact.value.as_u64().unwrap()).collect();
        values.sort_unstable();
        values
    };
    let pots: Vec<u64> = (1000..1000 + POTS).collect();
    assert_eq!(values("pot"), pots, "{name} {fault:?}: each once");
    assert_eq!(values("kiln.count"), [POTS], "{name} {fault:?}");
    // It died, and was started again.
    workshop.asks().await;
    let told = workshop.told(name).await;
    let [ServiceChange::Restarting { cause, .. }] = &told[..] else {
        panic!("{name} {fault:?}: {told:?}");
    };
    assert!(cause.contains("injected by a test"), "{cause}");
    if !name.contains('/') {
        let service = workshop.service(name);
        assert_eq!(service.status, ServiceStatus::Running);
        assert_eq!(
            (service.restarts, &service.failure),
            (1, &Some(cause.clone()))
        );
    }
    workshop.close().await;
}

const BOTH: [FaultInjection; 2] = [FaultInjection::Panic, FaultInjection::PanicInWork];

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_environments_writer() {
    for fault in BOTH {
        dies_under_load("environment", fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_observers_pump() {
    for fault in BOTH {
        dies_under_load("observer", fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_memorys_owner() {
    for fault in BOTH {
        dies_under_load("memory", fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_engine_of_reactions() {
    for fault in BOTH {
        dies_under_load("reactions", fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_idle_rules() {
    for fault in BOTH {
        dies_under_load("idle rules", fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_actor_and_the_timer_of_an_agent() {
    for fault in BOTH {
        dies_under_load("kiln", fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_actor_of_a_worker() {
    dies_under_load("kiln/0", FaultInjection::Panic).await;
}

/// What was told of the deaths of the actor of the stage's worker.
async fn deaths_of_the_workers_actor(stage: &Stage) -> usize {
    stage.runtime.flush_observers().await;
    let records = stage.recorder.records();
    let of_it = |record: &&Record| matches!(record, Record::Service(changed) if *changed.service == *"probe/0");
    records.iter().filter(of_it).count()
}

/// Kills the actor of the stage's worker until that is told, and holds that there is one of it.
async fn has_one_actor(stage: &Stage) {
    let before = deaths_of_the_workers_actor(stage).await;
    let kill = async {
        for killed in 1.. {
            stage.runtime.inject("probe/0", FaultInjection::Panic).await;
            let died = deaths_of_the_workers_actor(stage).await - before;
            assert!(died <= killed, "{died} actors died, {killed} were killed");
            if died > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let killed = tokio::time::timeout(Duration::from_secs(60), kill).await;
    assert!(killed.is_ok(), "no actor has the worker's thread");
}

fn many_restarts(setting: &mut Setting) {
    setting.config.runtime.supervision.max_restarts = 100_000;
}

/// A thread that panics goes on as the next incarnation by itself. That one belongs to an actor all
/// the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_incarnation_that_follows_a_panic_has_an_actor() {
    let stage = Stage::set(many_restarts).await;
    for id in 0..20 {
        let asked = stage.asked(Order::new(id, Act::Panic { times: 1 }));
        assert_eq!(asked.answer().await.unwrap().run, 2);
    }
    has_one_actor(&stage).await;
    stage.asked(Order::answer(20)).answer().await.unwrap();
    assert!(!stage.runtime.shutdown().await.left_behind);
}

/// The agent's actor dies at any moment of a restart: no start is lost, and none happens twice.
#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_the_actor_of_an_agent_while_its_worker_panics() {
    let stage = Stage::set(many_restarts).await;
    let work = async {
        for id in 0..200 {
            let asked = stage.asked(Order::new(id, Act::Panic { times: 1 }));
            assert_eq!(asked.answer().await.unwrap().run, 2, "order {id}");
        }
    };
    let kill = async {
        loop {
            stage.runtime.inject("probe", FaultInjection::Panic).await;
            tokio::task::yield_now().await;
        }
    };
    let both = async {
        tokio::select! {
            () = work => {}
            () = kill => {}
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(120), both).await;
    assert!(done.is_ok(), "somebody waits for ever");
    has_one_actor(&stage).await;
    assert!(!stage.runtime.shutdown().await.left_behind);
}

/// Parts die one after the other for as long as there is work, also while another one is on its way back.
#[tokio::test(flavor = "multi_thread")]
async fn kill_each_service_all_of_them_again_and_again() {
    let workshop = Workshop::open(|config| {
        config.runtime.supervision.max_restarts = 100_000;
        config.runtime.supervision.backoff_max = Duration::from_millis(5);
    })
    .await;
    let names = [
        "environment",
        "observer",
        "memory",
        "reactions",
        "idle rules",
        "kiln",
        "kiln/0",
    ];
    let killed = AtomicU32::new(0);
    let kill = async {
        let everything = FactFilter::default();
        let mut facts = workshop.environment.subscribe_from(Revision(0), everything);
        for name in names.iter().cycle() {
            for fault in BOTH {
                // One death for each fact: with none in between, nothing would ever be written.
                facts.next().await.unwrap();
                let died = workshop.runtime.inject(name, fault).await;
                killed.fetch_add(u32::from(died), Ordering::Relaxed);
            }
        }
    };
    // The killing ends with the work: there may be fewer facts than somebody would like deaths.
    let work = async { tokio::join!(workshop.episode(), workshop.asks()) };
    let work = async {
        tokio::select! {
            done = work => done,
            () = kill => unreachable!("it goes round"),
        }
    };
    let (report, ()) = tokio::time::timeout(Duration::from_secs(300), work)
        .await
        .expect("somebody waits for ever");
    let killed = killed.into_inner();
    assert!(killed >= 50, "only {killed} have died");
    assert_eq!(report.failures, vec![]);
    let pots = report.facts.iter().filter(|fact| fact.kind == kind("pot"));
    let mut pots: Vec<u64> = pots.map(|fact| fact.value.as_u64().unwrap()).collect();
    pots.sort_unstable();
    assert_eq!(pots, (1000..1000 + POTS).collect::<Vec<_>>(), "each once");
    workshop.asks().await;
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_keeps_dying_is_given_up_and_the_runtime_says_so() {
    for name in ["reactions", "kiln", "observer", "environment"] {
        let workshop = Workshop::open(|config| config.runtime.supervision.max_restarts = 2).await;
        let failure = workshop.runtime.failure();
        tokio::pin!(failure);
        let (failed, why) = loop {
            tokio::select! {
                biased;
                failure = &mut failure => break failure,
                found = workshop.runtime.inject(name, FaultInjection::Panic) => {
                    // Between two incarnations there is nobody to kill.
                    let _ = found;
                    tokio::task::yield_now().await;
                }
            }
        };
        assert_eq!(failed, name);
        assert!(why.contains("injected by a test"), "{why}");
        assert_eq!(workshop.service(name).status, ServiceStatus::Failed);
        let limit = Duration::from_secs(30);
        let ended = tokio::time::timeout(limit, workshop.runtime.shutdown_within(limit / 10));
        assert!(ended.await.is_ok(), "{name}: the shutdown waits for ever");
    }
}

/// Kills a part until the runtime says that it is given up.
async fn until_given_up(runtime: &Runtime, name: &str) {
    let failure = runtime.failure();
    tokio::pin!(failure);
    loop {
        tokio::select! {
            biased;
            _ = &mut failure => return,
            _ = runtime.inject(name, FaultInjection::Panic) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_actor_keeps_dying_answers_all_who_wait() {
    let stage = Stage::set(|setting| setting.config.runtime.supervision.max_restarts = 1).await;
    let held = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let waiting = stage.asked(Order::answer(1)).accepted(&stage).await;
    until_given_up(&stage.runtime, "probe").await;
    for asked in [held, waiting] {
        let error = asked.answer().await.unwrap_err();
        assert!(matches!(error, TaskError::AgentFailed { .. }), "{error}");
    }
    stage.desk.open(0);
    let ended = tokio::time::timeout(Duration::from_secs(30), stage.runtime.shutdown());
    assert!(ended.await.is_ok(), "the shutdown waits for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_cuts_off_what_is_left_although_the_tree_is_gone() {
    let stage = Stage::new().await;
    let held = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    until_given_up(&stage.runtime, "supervisor").await;
    let ended = stage.runtime.shutdown_within(Duration::from_millis(200));
    let ended = tokio::time::timeout(Duration::from_secs(30), ended).await;
    assert_eq!(ended.expect("it waits for ever").cut_off, 1);
    let error = held.answer().await.unwrap_err();
    assert!(matches!(error, TaskError::ShuttingDown { .. }), "{error}");
    stage.desk.open(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_dies_is_a_failure_of_the_runtime() {
    let workshop = Workshop::open(|_| {}).await;
    assert_eq!(
        workshop.service("supervisor").status,
        ServiceStatus::Running
    );
    workshop
        .runtime
        .inject("supervisor", FaultInjection::Panic)
        .await;
    let (failed, _) = workshop.runtime.failure().await;
    assert_eq!(failed, "supervisor");
    let limit = Duration::from_secs(30);
    let ended = tokio::time::timeout(limit, workshop.runtime.shutdown_within(limit / 10));
    assert!(ended.await.is_ok(), "the shutdown waits for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_names_every_service_and_every_agent() {
    let workshop = Workshop::open(|_| {}).await;
    let services = workshop.runtime.services();
    let names: Vec<&str> = services.iter().map(|one| &*one.name).collect();
    let wanted = [
        "supervisor",
        "environment",
        "observer",
        "memory",
        "kiln",
        "reactions",
        "idle rules",
    ];
    assert_eq!(names, wanted);
    assert!(
        services
            .iter()
            .all(|one| one.status == ServiceStatus::Running)
    );
    workshop.close().await;
}
