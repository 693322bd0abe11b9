//! The logic of transactions against a simple model in memory: whatever is asked in whatever order, both say the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

const KEYS: [&str; 3] = ["a", "b", "c"];

/// What is asked, in small numbers so that things meet.
#[derive(Debug, Clone)]
enum Ask {
    Begin(u8),
    /// Facts, conditions, accepted, settled: of keys, tasks and an episode.
    Commit {
        episode: Option<u8>,
        facts: Vec<Option<u8>>,
        condition: Option<(u8, bool)>,
        accepted: Vec<(u8, Option<u8>)>,
        settled: Vec<u8>,
        cursor: Option<u8>,
    },
    Forget(u8),
    Reopen,
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let small = || 0..3_u8;
    let commit = (
        proptest::option::of(small()),
        proptest::collection::vec(proptest::option::of(small()), 0..3),
        proptest::option::weighted(0.2, (small(), any::<bool>())),
        proptest::collection::vec((0..6_u8, proptest::option::of(small())), 0..3),
        proptest::collection::vec(0..6_u8, 0..2),
        proptest::option::weighted(0.3, 0..20_u8),
    )
        .prop_map(
            |(episode, facts, condition, accepted, settled, cursor)| Ask::Commit {
                episode,
                facts,
                condition,
                accepted,
                settled,
                cursor,
            },
        );
    let ask = prop_oneof![
        2 => small().prop_map(Ask::Begin),
        12 => commit,
        1 => small().prop_map(Ask::Forget),
        1 => Just(Ask::Reopen),
    ];
    proptest::collection::vec(ask, 1..40)
}

/// What should be there.
#[derive(Debug, Default, Clone, PartialEq)]
struct Model {
    head: u64,
    /// Revision -> episode and key.
    facts: BTreeMap<u64, (Option<u8>, Option<u8>)>,
    /// Facts that wait for their reactions.
    pending: BTreeSet<u64>,
    cursor: u64,
    tasks: BTreeMap<u8, Option<u8>>,
    settled: BTreeMap<u8, Option<u8>>,
    episodes: BTreeSet<u8>,
}

impl Model {
    fn latest(&self, key: u8) -> Option<Revision> {
        let facts = self.facts.iter().rev();
        facts
            .filter(|(_, (_, own))| *own == Some(key))
            .map(|(revision, _)| Revision(*revision))
            .next()
    }

    fn knows(&self, episode: Option<u8>) -> bool {
        episode.is_none_or(|episode| self.episodes.contains(&episode))
    }

    /// Does the whole commit or, by giving none, nothing of it.
    fn commit(&self, ask: &Ask) -> Option<Self> {
        let Ask::Commit {
            episode,
            facts,
            condition,
            accepted,
            settled,
            cursor,
        } = ask
        else {
            return None;
        };
        let mut next = self.clone();
        let known = accepted.iter().all(|(_, episode)| self.knows(*episode));
        let holds = condition.is_none_or(|(_, holds)| holds);
        if !self.knows(*episode) || !known || !holds {
            return None;
        }
        for key in facts {
            next.head += 1;
            next.facts.insert(next.head, (*episode, *key));
            if episode.is_some() {
                next.pending.insert(next.head);
            }
        }
        for (task, episode) in accepted {
            if !next.tasks.contains_key(task) && !next.settled.contains_key(task) {
                next.tasks.insert(*task, *episode);
            }
        }
        for task in settled {
            let episode = next.tasks.remove(task)?;
            next.settled.insert(*task, episode);
        }
        if let Some(cursor) = cursor.map(|to| u64::from(to).min(next.head))
            && cursor > next.cursor
        {
            next.cursor = cursor;
            next.pending.retain(|revision| *revision > cursor);
        }
        Some(next)
    }

    fn forget(&mut self, episode: u8) -> bool {
        let revisions: Vec<u64> = self
            .facts
            .iter()
            .filter(|(_, (own, _))| *own == Some(episode))
            .map(|(revision, _)| *revision)
            .collect();
        for revision in revisions {
            self.facts.remove(&revision);
            self.pending.remove(&revision);
        }
        self.tasks.retain(|_, own| *own != Some(episode));
        self.settled.retain(|_, own| *own != Some(episode));
        self.episodes.remove(&episode)
    }
}

fn episode_id(episode: u8) -> EpisodeId {
    EpisodeId::from_u128(u128::from(episode))
}

fn transaction(ask: &Ask, model: &Model) -> Transaction {
    let Ask::Commit {
        episode,
        facts,
        condition,
        accepted,
        settled: done,
        cursor,
    } = ask
    else {
        return Transaction::default();
    };
    let said = facts.iter().map(|key| FactDraft {
        key: key.map(|key| KEYS[usize::from(key)].to_owned()),
        ..draft(0)
    });
    Transaction {
        episode: episode.map(episode_id),
        conditions: condition
            .iter()
            .map(|(key, holds)| Condition {
                key: KEYS[usize::from(*key)].to_owned(),
                expected: match holds {
                    true => model.latest(*key),
                    false => Some(Revision(u64::MAX)),
                },
            })
            .collect(),
        accepted: accepted
            .iter()
            .map(|(number, episode)| task(u128::from(*number), episode.map(episode_id)))
            .collect(),
        settled: done
            .iter()
            .map(|number| settled(u128::from(*number)))
            .collect(),
        cursors: cursor
            .map(|to| (REACTIONS_CURSOR.to_owned(), Revision(u64::from(to))))
            .into_iter()
            .collect(),
        ..saying(said)
    }
}

fn agree(environment: &Environment, model: &Model) {
    let snapshot = environment.snapshot().unwrap();
    let revisions: Vec<u64> = all(environment)
        .iter()
        .map(|fact| fact.revision.0)
        .collect();
    assert_eq!(revisions, model.facts.keys().copied().collect::<Vec<_>>());
    for (at, key) in KEYS.into_iter().enumerate() {
        let found = snapshot.get(&default_namespace(), key).unwrap();
        assert_eq!(found.map(|fact| fact.revision), model.latest(at as u8));
    }
    let tasks: Vec<u128> = snapshot
        .unsettled()
        .unwrap()
        .iter()
        .map(|task| task.id.to_u128())
        .collect();
    let expected = model.tasks.keys().map(|task| u128::from(*task));
    assert_eq!(tasks, expected.collect::<Vec<_>>());
    for task in 0..6 {
        let found = snapshot
            .settled(TaskId::from_u128(u128::from(task)))
            .unwrap();
        assert_eq!(found.is_some(), model.settled.contains_key(&task));
    }
    let count = |statuses: &mut dyn Iterator<Item = Option<u8>>, id: u8| {
        statuses.filter(|own| *own == Some(id)).count() as u64
    };
    for id in 0..3 {
        let status = snapshot.episode(episode_id(id)).unwrap();
        assert_eq!(status.is_some(), model.episodes.contains(&id));
        let Some(status) = status else { continue };
        assert_eq!(
            status.outstanding,
            count(&mut model.tasks.values().copied(), id)
        );
        let pending = model.pending.iter().map(|revision| model.facts[revision].0);
        assert_eq!(status.pending_reactions, count(&mut { pending }, id));
        let mine = FactFilter {
            episode: Some(episode_id(id)),
            ..FactFilter::default()
        };
        let found = snapshot.facts(mine).unwrap().count() as u64;
        assert_eq!(
            found,
            count(&mut model.facts.values().map(|fact| fact.0), id)
        );
    }
}

proptest! {
    #![proptest_config(Config { cases: 100, failure_persistence: None, ..Config::default() })]

    #[test]
    fn g6_transactions_happen_as_a_whole_or_not_at_all(asks in asks()) {
        let dir = tempfile::tempdir().unwrap();
        let options = EnvironmentOptions { fsync: Fsync::Never, ..EnvironmentOptions::default() };
        let open = || Environment::open(dir.path(), options.clone()).unwrap();
        let mut environment = Some(open());
        let mut model = Model::default();
        for ask in &asks {
            let now = environment.as_ref().unwrap();
            match ask {
                Ask::Begin(episode) => {
                    let record = EpisodeRecord::new(episode_id(*episode));
                    queue::block_on(now.begin_episode(record)).unwrap();
                    model.episodes.insert(*episode);
                }
                Ask::Commit { .. } => {
                    let next = model.commit(ask);
                    let done = now.commit_blocking(transaction(ask, &model));
                    prop_assert_eq!(done.is_ok(), next.is_some(), "{:?} gave {:?}", ask, done);
                    model = next.unwrap_or(model);
                }
                Ask::Forget(episode) => {
                    let forgot = queue::block_on(now.forget(episode_id(*episode))).is_ok();
                    prop_assert_eq!(forgot, model.forget(*episode));
                }
                Ask::Reopen => {
                    // The old one must let go of the folder first.
                    drop(environment.take());
                    environment = Some(open());
                }
            }
            agree(environment.as_ref().unwrap(), &model);
        }
    }
}
