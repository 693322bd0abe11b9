//! Views of teams that there are not.

use aimass_observers::live::{
    Activity, AgentView, EpisodeEnd, Happening, HappeningKind, LiveView, NodeView, PerSecond,
    Percentiles, SkillView, SpanError, TaskSpan, Work, WorkerView,
};
use aimass_runtime::{EpisodeId, SpanId, TaskId, TraceId, WorkerId};

const MS: u64 = 1_000_000;
/// The moment of all views.
pub(super) const NOW: u64 = 1_700_000_000_000 * MS;

/// A node that has just started, with no agent.
pub(super) fn empty() -> LiveView {
    LiveView {
        node: NodeView {
            version: "0.1.0".to_owned(),
            at_ns: NOW,
            uptime_ms: 0,
            memory_bytes: Some(31_400_000),
            model_bytes: 0,
            dropped_events: 0,
        },
        team: Activity {
            history: vec![0; 60],
            ..Activity::default()
        },
        agents: Vec::new(),
        agents_left_out: 0,
        episodes: Vec::new(),
        calls: Vec::new(),
        happenings: Vec::new(),
    }
}

/// Two agents at work on three episodes and some calls; one worker had to start again.
pub(super) fn busy() -> LiveView {
    let mut view = empty();
    view.node.uptime_ms = 754_000;
    view.node.memory_bytes = Some(312_000_000);
    view.node.model_bytes = 91_000_000;
    view.team = activity(12_345, 17, 214.0);
    let text = AgentView {
        tasks: 8,
        waiting: 3,
        bytes: 12_400,
        restarts: 1,
        retries: 1,
        skills: vec![
            skill("text.classify", activity(45, 0, 0.75)),
            skill("text.embed", activity(12_100, 17, 210.2)),
            skill("text.language", activity(200, 0, 3.1)),
            skill("text.search", activity(0, 0, 0.0)),
        ],
        workers: vec![
            worker("encoder", 0, "busy", 1),
            worker("encoder", 1, "idle", 0),
            worker("language", 2, "idle", 0),
        ],
        ..agent("text")
    };
    let speech = AgentView {
        skills: vec![skill("speech.transcribe", activity(3, 0, 0.0))],
        workers: vec![worker("whisper", 0, "unloaded", 0)],
        ..agent("speech")
    };
    view.agents = vec![text, speech];
    view.episodes = vec![letters(2), letters(40)];
    view.calls = vec![
        call(1, "text.embed", 3, None),
        call(2, "text.embed", 5, None),
    ];
    view.happenings = vec![
        happening(9, "text", HappeningKind::Restarted, "worker 0", 1),
        happening(
            9,
            "text",
            HappeningKind::Panicked,
            "worker 0: index out of bounds: the len is 384",
            1,
        ),
    ];
    view
}

/// An agent that was given up, after its model could not be loaded over and over.
pub(super) fn failing() -> LiveView {
    let mut view = busy();
    view.node.dropped_events = 4_096;
    view.team.errors_per_second.last_1_s = 12.0;
    let text = &mut view.agents[0];
    let reason =
        "6 restarts within 60 s, the last because of: cannot read model.safetensors: no such file";
    text.failed = Some(reason.to_owned());
    text.dead_letters = 2;
    text.abandoned = 1;
    text.skills[1].activity.errors_per_second.last_60_s = 0.4;
    text.workers
        .iter_mut()
        .for_each(|worker| worker.state = "failed".to_owned());
    let refused = (
        "agent_failed",
        "agent `text` was given up: 6 restarts within 60 s",
    );
    view.calls = vec![
        call(1, "text.embed", 0, Some(refused)),
        call(2, "text.language", 0, Some(refused)),
    ];
    view.happenings = vec![
        happening(3, "text", HappeningKind::Failed, reason, 1),
        happening(
            3,
            "text",
            HappeningKind::LoadFailed,
            "worker 0: cannot read model.safetensors: no such file",
            6,
        ),
        happening(
            4,
            "text",
            HappeningKind::DeadLettered,
            "panicked 3 times: index out of bounds",
            2,
        ),
        happening(
            70,
            "speech",
            HappeningKind::Swapped,
            "worker 0: whisper-tiny.en@41ad8c",
            1,
        ),
    ];
    view
}

/// A team whose names are all of that kind.
pub(super) fn named(agent_name: &str, skill_name: &str) -> LiveView {
    let mut view = busy();
    let text = &mut view.agents[0];
    text.name = agent_name.into();
    text.skills[0].name = skill_name.into();
    text.workers[0].group = agent_name.to_owned();
    text.workers[0].model = skill_name.to_owned();
    for work in view.episodes.iter_mut().chain(&mut view.calls) {
        work.spans[0].agent = agent_name.into();
        work.spans[0].skill = skill_name.into();
    }
    view.happenings[0].agent = agent_name.into();
    view
}

fn agent(name: &str) -> AgentView {
    AgentView {
        name: name.into(),
        failed: None,
        tasks: 0,
        waiting: 0,
        bytes: 0,
        abandoned: 0,
        restarts: 0,
        retries: 0,
        dead_letters: 0,
        skills: Vec::new(),
        workers: Vec::new(),
    }
}

fn skill(name: &str, activity: Activity) -> SkillView {
    SkillView {
        name: name.into(),
        activity,
    }
}

fn activity(tasks: u64, errors: u64, rate: f64) -> Activity {
    let took = |us: u64| Percentiles {
        p50_us: us,
        p95_us: us * 3,
        p99_us: us * 11,
    };
    Activity {
        tasks,
        errors,
        tasks_per_second: PerSecond {
            last_1_s: rate,
            last_10_s: rate * 0.9,
            last_60_s: rate * 0.5,
        },
        errors_per_second: PerSecond::default(),
        history: (0..60)
            .map(|second| (rate * f64::from(second) / 60.0) as u64)
            .collect(),
        duration: (rate > 0.0).then(|| took(3_240)),
        wait: (rate > 0.0).then(|| took(410)),
    }
}

fn worker(group: &str, worker: u32, state: &str, restarts: u64) -> WorkerView {
    WorkerView {
        group: group.to_owned(),
        worker,
        epoch: restarts,
        state: state.to_owned(),
        restarts,
        device: "cpu".to_owned(),
        model: "all-MiniLM-L6-v2@53aa51172d14".to_owned(),
        model_bytes: 91_000_000,
    }
}

fn happening(
    seconds_ago: u64,
    agent: &str,
    kind: HappeningKind,
    text: &str,
    times: u64,
) -> Happening {
    Happening {
        at_ns: NOW - seconds_ago * 1_000 * MS,
        agent: agent.into(),
        kind,
        text: text.to_owned(),
        times,
    }
}

/// An episode over letters, whose reactions asked further skills.
fn letters(seconds_ago: u64) -> Work {
    let begun_ns = NOW - seconds_ago * 1_000 * MS - 40 * MS;
    let span =
        |number: u64, parent: u64, skill: &str, from_ms: u64, wait_ms: u64, to_ms: u64| TaskSpan {
            task: TaskId::from_u128(u128::from(number)),
            span: SpanId::from_u64(number),
            parent: Some(SpanId::from_u64(parent)),
            agent: skill.split('.').next().unwrap().into(),
            skill: skill.into(),
            accepted_ns: begun_ns + from_ms * MS,
            started_ns: Some(begun_ns + (from_ms + wait_ms) * MS),
            settled_ns: begun_ns + to_ms * MS,
            runs: 1,
            worker: Some(WorkerId(0)),
            error: None,
        };
    let mut spans = vec![
        span(1, 99, "text.language", 0, 1, 3),
        span(2, 99, "text.embed", 0, 2, 21),
        span(3, 2, "text.classify", 21, 4, 38),
        span(4, 3, "text.embed", 26, 1, 30),
        span(5, 99, "speech.transcribe", 2, 10, 40),
        span(6, 99, "text.language", 3, 1, 4),
    ];
    spans[4].runs = 3;
    spans[4].error = Some(SpanError {
        kind: "dead_lettered".to_owned(),
        message: "`speech.transcribe` was given up after 3 attempts: expected 16 kHz, got a file of 3 bytes that is no sound at all".to_owned(),
    });
    spans.sort_by_key(|span| span.accepted_ns);
    Work {
        episode: Some(EpisodeId::from_u128(
            0x3f2a_9c41 << 96 | u128::from(seconds_ago),
        )),
        trace: TraceId::from_u128(0x4bf9_2f35 << 96 | u128::from(seconds_ago)),
        begun_ns,
        last_ns: begun_ns + 40 * MS,
        end: Some(EpisodeEnd {
            facts: 7,
            failures: 1,
        }),
        tasks: 6,
        errors: 1,
        spans,
    }
}

fn call(number: u64, skill: &str, took_ms: u64, error: Option<(&str, &str)>) -> Work {
    let begun_ns = NOW - number * 1_000 * MS;
    let last_ns = begun_ns + took_ms * MS;
    let error = error.map(|(kind, message)| SpanError {
        kind: kind.to_owned(),
        message: message.to_owned(),
    });
    let span = TaskSpan {
        task: TaskId::from_u128(u128::from(number)),
        span: SpanId::from_u64(number),
        parent: None,
        agent: "text".into(),
        skill: skill.into(),
        accepted_ns: begun_ns,
        started_ns: error.is_none().then_some(begun_ns + MS),
        settled_ns: last_ns,
        runs: 1,
        worker: None,
        error,
    };
    Work {
        episode: None,
        trace: TraceId::from_u128(u128::from(number)),
        begun_ns,
        last_ns,
        end: None,
        tasks: 1,
        errors: u64::from(span.error.is_some()),
        spans: vec![span],
    }
}
