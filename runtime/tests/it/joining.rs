//! Agents that join a team at work: skills that are known by their specs only, replicas of them that come and go, and what is left when they leave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aimass_config::Config;
use aimass_locale::text;
use aimass_runtime::{
    Agent, AgentDefinition, Delivery, Episode, FactDraft, FactKind, FactView, Fault, IdleRule,
    Reaction, Request, Runtime, RuntimeError, Skill, SkillSpec, TaskError, TaskOptions, Transport,
};
use parking_lot::RwLock;
use serde_json::{Value, json};

use crate::obedient::Obedient;

/// What another node offers, under another name: what is asked of it goes to whichever of its replicas are there.
#[derive(Clone)]
struct Remote {
    name: &'static str,
    specs: Vec<SkillSpec>,
    replicas: Replicas,
}

type Replicas = Arc<RwLock<BTreeMap<u32, Arc<dyn Transport>>>>;

impl Remote {
    /// The test agent of other nodes, as `far.NAME`.
    fn of(node: &Runtime, replicas: &Replicas) -> Self {
        let mut specs = node.skills();
        for spec in &mut specs {
            // As it comes from another process.
            let sent = serde_json::to_value(&*spec).unwrap();
            *spec = serde_json::from_value(sent).unwrap();
            spec.name = spec.name.replace("test.", "far.");
        }
        specs.retain(|spec| spec.delivery != Delivery::ClientStreaming);
        Self {
            name: "far",
            specs,
            replicas: replicas.clone(),
        }
    }
}

/// Asks one replica after the other: one that is gone, or goes, costs a try.
async fn ask(
    skill: String,
    input: Value,
    replicas: Replicas,
    context: aimass_runtime::FlowContext,
) -> Result<Value, Fault> {
    let present: Vec<Arc<dyn Transport>> = replicas.read().values().cloned().collect();
    let mut last = Fault::unavailable("no replica is there");
    for replica in present {
        let mut call = replica.call(Request::Ask {
            skill: skill.clone(),
            input: input.clone(),
            options: Box::default(),
        });
        while let Some(item) = call.next().await {
            context.emit(item).await?;
        }
        match call.reply().await {
            Ok(output) => return Ok(output),
            Err(error @ (TaskError::ShuttingDown { .. } | TaskError::AgentFailed { .. })) => {
                last = Fault::unavailable(error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(last)
}

impl Agent for Remote {
    fn name(&self) -> &str {
        self.name
    }

    fn define(&self, mut definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        for spec in self.specs.clone() {
            let (skill, replicas) = (spec.name.replace("far.", "test."), self.replicas.clone());
            definition = definition.flow_json(spec, move |input, context| {
                ask(skill.clone(), input, replicas.clone(), context)
            });
        }
        let orders = FactKind::new("order", 1).unwrap();
        Ok(definition
            .reaction(Reaction::new("far-orders", orders, "far.obey"))
            .view_of(FactKind::new("far.obey", 1).unwrap(), |fact, _| {
                let value = &fact.value;
                Some(FactView::new(text!("far away: {value}", "远处：{value}")))
            }))
    }
}

async fn node() -> Runtime {
    let builder = Runtime::builder(Config::default()).agent(Obedient::default());
    builder.start().await.unwrap()
}

/// A team without agents, to which the test agent of two other nodes is added.
async fn home() -> (Runtime, Remote, [Runtime; 2]) {
    let nodes = [node().await, node().await];
    let replicas = Replicas::default();
    for (at, node) in (0..).zip(&nodes) {
        replicas.write().insert(at, Arc::new(node.clone()));
    }
    let remote = Remote::of(&nodes[0], &replicas);
    let home = Runtime::builder(Config::default()).start().await.unwrap();
    (home, remote, nodes)
}

async fn obey(home: &Runtime, order: Value) -> Result<Value, TaskError> {
    home.ask_json("far.obey", order, TaskOptions::default())
        .await
}

/// The remote skill, for callers that know its types.
struct FarObey;

impl Skill for FarObey {
    const NAME: &'static str = "far.obey";
    type Input = BTreeMap<String, u64>;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("The form that callers know")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skills_join_a_team_at_work_and_leave_it() {
    let (home, remote, nodes) = home().await;
    let unknown = obey(&home, json!({"Echo": 7})).await.unwrap_err();
    assert!(
        matches!(unknown, TaskError::UnknownSkill { .. }),
        "{unknown}"
    );
    // Again and again: nothing of one that left stands in the way of the next.
    for round in 0..20_u64 {
        home.add_agent(remote.clone()).await.unwrap();
        assert_eq!(
            obey(&home, json!({"Echo": round})).await.unwrap(),
            json!(round)
        );
        let again = home.add_agent(remote.clone()).await.unwrap_err();
        assert!(matches!(again, RuntimeError::Duplicate { .. }), "{again}");
        let parts = home.services();
        assert_eq!(parts.iter().filter(|part| part.name == "far").count(), 1);
        assert!(
            home.remove_agent("far", Duration::from_secs(9))
                .await
                .unwrap()
        );
        assert!(home.skills().is_empty() && home.agents().is_empty());
        assert!(home.services().iter().all(|part| part.name != "far"));
        let gone = obey(&home, json!({"Echo": round})).await.unwrap_err();
        assert!(matches!(gone, TaskError::UnknownSkill { .. }), "{gone}");
    }
    assert!(!home.remove_agent("far", Duration::ZERO).await.unwrap());
    home.shutdown().await;
    let late = home.add_agent(remote).await.unwrap_err();
    assert!(late.to_string().contains("the runtime ends"), "{late}");
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_the_types_of_a_joined_skill_asks_with_them() {
    let (home, remote, _nodes) = home().await;
    home.add_agent(remote).await.unwrap();
    let order = BTreeMap::from([("Echo".to_owned(), 9)]);
    assert_eq!(home.ask::<FarObey>(order).await.unwrap(), 9);
    // An order that the other side cannot read is refused there.
    let odd = BTreeMap::from([("Dance".to_owned(), 9)]);
    let refused = home.ask::<FarObey>(odd).await.unwrap_err();
    assert!(matches!(refused, TaskError::Rejected { .. }), "{refused}");
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_come_and_go_and_no_accepted_task_is_lost() {
    let (home, remote, [first, second]) = home().await;
    let replicas = remote.replicas.clone();
    home.add_agent(remote).await.unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..200_u64 {
        let (home, answered) = (home.clone(), answered.clone());
        callers.spawn(async move {
            let answer = obey(&home, json!({"Echo": number})).await.unwrap();
            answered.fetch_add(1, Ordering::Relaxed);
            assert_eq!(answer, json!(number));
        });
    }
    // The first node ends under load; another one comes.
    first.shutdown().await;
    replicas.write().remove(&0);
    let third = node().await;
    replicas.write().insert(7, Arc::new(third.clone()));
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert_eq!(answered.load(Ordering::Relaxed), 200);
    second.shutdown().await;
    assert_eq!(obey(&home, json!({"Echo": 1})).await.unwrap(), json!(1));
    home.shutdown().await;
    third.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joined_agents_reactions_and_views_belong_to_the_team() {
    let (home, remote, _nodes) = home().await;
    let order = || {
        let kind = FactKind::new("order", 1).unwrap();
        Episode::new().fact(FactDraft::new(kind, json!({"Echo": 5})))
    };
    assert_eq!(home.run(order()).await.unwrap().unhandled.len(), 1);
    home.add_agent(remote).await.unwrap();
    let report = home.run(order()).await.unwrap();
    let found = report.facts.last().unwrap();
    assert_eq!(home.views().of(found, "it").line.english, "far away: 5");
    home.remove_agent("far", Duration::from_secs(9))
        .await
        .unwrap();
    assert_eq!(home.views().of(found, "it").line.english, "far.obey@1 5");
    assert_eq!(home.run(order()).await.unwrap().unhandled.len(), 1);
    home.shutdown().await;
}

/// Brings what cannot join.
struct Late;

impl Agent for Late {
    fn name(&self) -> &str {
        "late"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        Ok(definition.on_idle(IdleRule::new("late", "far.obey")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_and_idle_rules_cannot_join_nor_can_who_was_there_from_the_start_leave() {
    let (home, remote, _nodes) = home().await;
    home.add_agent(remote).await.unwrap();
    for error in [
        home.add_agent(Obedient::default()).await.unwrap_err(),
        home.add_agent(Late).await.unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("brings flows, reactions"),
            "{error}"
        );
    }
    assert_eq!(home.agents().len(), 1);
    let here = node().await;
    let refused = here.remove_agent("test", Duration::ZERO).await.unwrap_err();
    assert!(refused.to_string().contains("from the start"), "{refused}");
    for runtime in [home, here] {
        runtime.shutdown().await;
    }
}
