//! G4 from the side of those who were let in: however full an agent is, whatever was accepted is answered.

mod office;

use std::time::Duration;

use aimass_config::{Config, EnvironmentConfig};
use aimass_runtime::{
    CommitTimes, Environment, EnvironmentOptions, Episode, EpisodeReport, FactDraft, Recorder,
    Runtime, TaskError, TaskId, TaskOptions, TaskRecord, Transaction,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use office::{Ask, Both, First, Listen, Office, Second, Spread, There, kind};

/// What an agent may hold: next to nothing, little, some, and what it holds when nobody says otherwise.
const CAPACITIES: [u64; 4] = [1, 3, 64, 1024];

fn in_memory() -> Environment {
    Environment::in_memory(EnvironmentOptions::from(&EnvironmentConfig::default())).unwrap()
}

fn holding(capacity: u64) -> Config {
    let mut config = Config::default();
    config.defaults.capacity = capacity;
    config
}

async fn start(office: &Office, config: Config, environment: &Environment) -> Runtime {
    let builder = Runtime::builder(config)
        .agent(office.clone())
        .agent(office.branch())
        .environment(environment.clone());
    builder.start().await.unwrap()
}

fn papers(count: u64) -> Episode {
    let paper = |number| FactDraft::new(kind("paper"), json!(number));
    (0..count).fold(Episode::new(), |episode, number| {
        episode.fact(paper(number))
    })
}

/// The answers of an episode, in their order by number.
fn answers(report: &EpisodeReport) -> Vec<u64> {
    let answers = report
        .facts
        .iter()
        .filter(|fact| fact.kind == kind("answer"));
    let mut answers: Vec<u64> = answers.filter_map(|fact| fact.value.as_u64()).collect();
    answers.sort_unstable();
    answers
}

fn commits(environment: &Environment) -> u64 {
    let CommitTimes { counts, .. } = environment.commit_times();
    counts.iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fact_is_answered_by_a_flow_of_two_skills_of_its_own_agent() {
    for capacity in CAPACITIES {
        let environment = in_memory();
        let runtime = start(&Office::default(), holding(capacity), &environment).await;
        let report = runtime.run(papers(2500)).await.unwrap();
        assert_eq!(report.failures, [], "capacity {capacity}");
        let expected: Vec<u64> = (0..2500).map(|number| number + 2).collect();
        assert_eq!(answers(&report), expected, "capacity {capacity}");
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_stop_at_the_capacity_and_wait_at_their_cursor() {
    for capacity in [1, 3, 16] {
        let (environment, office) = (in_memory(), Office::default());
        office.shut();
        let runtime = start(&office, holding(capacity), &environment).await;
        let episode = runtime.begin_episode(papers(100)).await.unwrap().id;
        let mut watch = environment.watch_episode(episode).unwrap();
        let full = watch.wait_for(|status| status.outstanding >= capacity);
        full.await.unwrap();
        // Whoever came next would have been accepted before this.
        environment.commit(Transaction::default()).await.unwrap();
        let held = runtime.agents()[0].tasks;
        assert!(
            held <= 2 * capacity,
            "{held} tasks where {capacity} flows may be"
        );
        let status = environment.snapshot().unwrap().episode(episode).unwrap();
        let waiting = status.unwrap();
        assert!(waiting.outstanding <= capacity, "{waiting:?}");
        assert!(waiting.pending_reactions >= 100 - capacity, "{waiting:?}");
        // Neither are callers kept out by what waits.
        let caller = runtime.ask::<Second>(7).await;
        assert_eq!(caller.unwrap(), 8);
        office.open();
        let report = runtime.report(episode).await.unwrap();
        assert_eq!(answers(&report).len(), 100);
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_rules_for_one_fact_need_no_more_room_than_one() {
    let environment = in_memory();
    let office = Office {
        rules: vec!["office.both", "office.first", "office.second"],
        ..Office::default()
    };
    let runtime = start(&office, holding(1), &environment).await;
    let report = runtime.run(papers(50)).await.unwrap();
    assert_eq!((report.failures, report.facts.len()), (vec![], 200));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_asks_for_more_at_once_than_fits_gets_all_its_answers() {
    for capacity in CAPACITIES {
        let office = Office::default();
        let runtime = start(&office, holding(capacity), &in_memory()).await;
        let sum = runtime.ask::<Spread>(200).await;
        assert_eq!(sum.unwrap(), (1..=200).sum::<u64>(), "capacity {capacity}");
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_flow_asks_for_waits_for_room_in_bytes() {
    let mut config = holding(1024);
    config.defaults.capacity_bytes = 4096;
    let runtime = start(&Office::default(), config, &in_memory()).await;
    // Each takes a thousand bytes: a handful fits.
    assert_eq!(
        runtime.ask::<Spread>(200).await.unwrap(),
        (1..=200).sum::<u64>()
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_that_ask_flows_across_two_agents_are_answered_however_small_these_are() {
    for capacity in CAPACITIES {
        let runtime = start(&Office::default(), holding(capacity), &in_memory()).await;
        let mut asks = JoinSet::new();
        for number in 0..100 {
            let runtime = runtime.clone();
            asks.spawn(async move {
                // Half of them go from the office to its branch, half the other way round.
                let (skill, asked) = match number % 2 {
                    0 => ("office.there", There::Onwards(number)),
                    _ => ("branch.back", There::Onwards(number)),
                };
                loop {
                    let input = serde_json::to_value(&asked).unwrap();
                    match runtime.ask_json(skill, input, TaskOptions::default()).await {
                        Err(TaskError::Overloaded { .. }) => tokio::task::yield_now().await,
                        answer => return (number, answer),
                    }
                }
            });
        }
        while let Some(answered) = asks.join_next().await {
            let (number, answer) = answered.unwrap();
            assert_eq!(answer, Ok(json!(number + 1)), "capacity {capacity}");
        }
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_flow_asks_for_each_chunk_at_an_agent_that_holds_one_task() {
    let runtime = start(&Office::default(), holding(1), &in_memory()).await;
    let (chunks, mut items) = runtime.open::<Listen>(0).unwrap();
    for number in 0..50 {
        chunks.send(number).await.unwrap();
        assert_eq!(items.next().await.unwrap().unwrap(), number + 1);
    }
    drop(chunks);
    assert!(items.next().await.is_none());
    assert_eq!(items.output().await.unwrap(), 50);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_agent_refuses_a_durable_ask_before_anything_of_it_is_written() {
    let (environment, office) = (in_memory(), Office::default());
    office.shut();
    let recorder = Recorder::default();
    let builder = Runtime::builder(holding(1)).agent(office.clone());
    let builder = builder.environment(environment.clone());
    let runtime = builder.observer(recorder.clone()).start().await.unwrap();
    let held = runtime.ask_durable::<Both>(1).detach().await.unwrap();
    let written = commits_at_rest(&environment, 2).await;
    for _ in 0..10 {
        let refused = runtime.ask_durable::<Both>(2).await.unwrap_err();
        assert!(matches!(refused, TaskError::Overloaded { .. }), "{refused}");
    }
    assert_eq!(commits(&environment), written, "a refusal costs no commit");
    let unsettled = environment.snapshot().unwrap().unsettled().unwrap();
    assert_eq!(unsettled.len(), 1);
    office.open();
    while runtime.agents()[0].tasks > 0 {
        tokio::task::yield_now().await;
    }
    let settled = environment.snapshot().unwrap().settled(held).unwrap();
    assert_eq!(settled.unwrap().outcome, json!({"output": 3}));
    assert_eq!(runtime.ask_durable::<Both>(3).await.unwrap(), 5);
    runtime.shutdown().await;
    let refused = recorder.tasks().into_iter();
    let refused = refused.filter(|task| task.runs == 0).count();
    assert_eq!(refused, 10, "and each leaves its record");
}

/// How many commits there were, once there are so many: the acceptance of a durable task, and the note that it began.
async fn commits_at_rest(environment: &Environment, least: u64) -> u64 {
    while commits(environment) < least {
        tokio::task::yield_now().await;
    }
    commits(environment)
}

#[tokio::test(flavor = "multi_thread")]
async fn durable_asks_that_come_in_are_answered_at_an_agent_of_any_size() {
    for capacity in CAPACITIES {
        let environment = in_memory();
        let runtime = start(&Office::default(), holding(capacity), &environment).await;
        let mut asks = JoinSet::new();
        for number in 0..200 {
            let runtime = runtime.clone();
            asks.spawn(async move {
                loop {
                    match runtime.ask_durable::<Both>(number).await {
                        Err(TaskError::Overloaded { .. }) => tokio::task::yield_now().await,
                        answer => return (number, answer),
                    }
                }
            });
        }
        while let Some(answered) = asks.join_next().await {
            let (number, answer) = answered.unwrap();
            assert_eq!(answer, Ok(number + 2), "capacity {capacity}");
        }
        let unsettled = environment.snapshot().unwrap().unsettled().unwrap();
        assert_eq!(unsettled, []);
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_process_left_is_taken_up_as_there_is_room() {
    for capacity in CAPACITIES {
        let (environment, office) = (in_memory(), Office::default());
        let record = |number: u64| {
            let task = TaskId::from_u128(u128::from(number) + 1);
            TaskRecord::new(task, "office.both", json!(number))
        };
        let left = Transaction {
            accepted: (0..500).map(record).collect(),
            ..Transaction::default()
        };
        environment.commit(left).await.unwrap();
        office.shut();
        let runtime = start(&office, holding(capacity), &environment).await;
        let least = capacity.min(32);
        while runtime.agents()[0].tasks < least {
            tokio::task::yield_now().await;
        }
        let held = runtime.agents()[0].tasks;
        assert!(
            held <= 2 * capacity,
            "{held} tasks where {capacity} flows may be"
        );
        office.open();
        while !environment
            .snapshot()
            .unwrap()
            .unsettled()
            .unwrap()
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
        let all = environment.snapshot().unwrap();
        for number in 0..500_u64 {
            let task = TaskId::from_u128(u128::from(number) + 1);
            let settled = all.settled(task).unwrap().unwrap();
            assert_eq!(settled.outcome, json!({"output": number + 2}));
        }
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_a_full_agent_refuses_leaves_its_letter_as_it_was() {
    let (environment, office) = (in_memory(), Office::default());
    let runtime = start(&office, holding(1), &environment).await;
    let poison = runtime.ask_durable::<First>(Ask::POISON).await;
    let Err(TaskError::DeadLettered { task, .. }) = poison else {
        panic!("unexpected: {poison:?}");
    };
    office.shut();
    let held = runtime.ask::<First>(Ask::HELD).detach().await;
    held.unwrap();
    let refused = runtime.redrive(task).await.unwrap_err();
    assert!(matches!(refused, TaskError::Overloaded { .. }), "{refused}");
    let letter = environment.snapshot().unwrap().dead_letter(task).unwrap();
    assert_eq!(letter.unwrap().redriven_as, None);
    office.open();
    office.cure();
    let (_, output) = loop {
        match runtime.redrive(task).await {
            Err(TaskError::Overloaded { .. }) => tokio::task::yield_now().await,
            redriven => break redriven.unwrap(),
        }
    };
    assert_eq!(output, json!(Ask::POISON + 1));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_what_waits_for_room_ends_with_its_flow_and_frees_its_place_in_the_line() {
    let office = Office::default();
    office.shut();
    let runtime = start(&office, holding(1), &in_memory()).await;
    let late = runtime
        .ask::<Spread>(50)
        .deadline(Duration::from_millis(50));
    let error = late.await.unwrap_err();
    assert!(
        matches!(error, TaskError::DeadlineExceeded { .. }),
        "{error}"
    );
    office.open();
    loop {
        match runtime.ask::<Spread>(3).await {
            Err(TaskError::Overloaded { .. }) => tokio::task::yield_now().await,
            sum => break assert_eq!(sum.unwrap(), 6),
        }
    }
    while runtime.agents()[0].tasks > 0 {
        tokio::task::yield_now().await;
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_a_durable_ask_that_is_dropped_at_any_moment_leaves_nothing_under_way() {
    let environment = in_memory();
    let runtime = start(&Office::default(), holding(64), &environment).await;
    let episode = runtime.run(papers(1)).await.unwrap().episode;
    for polls in 0..20 {
        let ask = runtime.ask::<Both>(1).episode(episode);
        let mut ask = std::pin::pin!(std::future::IntoFuture::into_future(ask));
        for _ in 0..polls {
            let poll = std::future::poll_fn(|context| {
                std::task::Poll::Ready(ask.as_mut().poll(context).is_ready())
            });
            if poll.await {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // What was on its way when it was dropped comes, and is cancelled.
    let unsettled = || environment.snapshot().unwrap().unsettled().unwrap();
    while runtime.agents()[0].tasks > 0 || !unsettled().is_empty() {
        tokio::task::yield_now().await;
    }
    runtime.report(episode).await.unwrap();
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_dropped_leaves_its_rule_for_quiet_with_its_agent() {
    let environment = in_memory();
    let office = Office {
        counts_at_the_end: true,
        ..Office::default()
    };
    let runtime = start(&office, holding(1), &environment).await;
    for polls in 0..20 {
        let episode = runtime.begin_episode(papers(1)).await.unwrap().id;
        {
            let mut report = std::pin::pin!(runtime.report(episode));
            for _ in 0..polls {
                let poll = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(report.as_mut().poll(context).is_ready())
                });
                if poll.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let report = runtime.report(episode).await.unwrap();
        let counted = report
            .facts
            .iter()
            .filter(|fact| fact.kind == kind("office.count"));
        let counted: Vec<&Value> = counted.map(|fact| &fact.value).collect();
        assert_eq!(counted, [&json!(1)], "after {polls} polls");
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_refused_at_once_while_accepted_work_waits() {
    let (environment, office) = (in_memory(), Office::default());
    office.shut();
    let runtime = start(&office, holding(1), &environment).await;
    let held = runtime.ask::<Both>(Ask::HELD).detach().await;
    held.unwrap();
    let refused = runtime.ask::<Both>(1).await.unwrap_err();
    assert!(
        matches!(
            refused,
            TaskError::Overloaded {
                queued: 1,
                capacity: 1,
                ..
            }
        ),
        "{refused}"
    );
    office.open();
    runtime.shutdown().await;
}
