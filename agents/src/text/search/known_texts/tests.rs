//! What is kept between two searches never shows: each finds what one finds that reads everything.

use aimass_runtime::{
    Environment, EnvironmentOptions, EpisodeId, EpisodeRecord, FactDraft, Provenance, Transaction,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const MODELS: [&str; 2] = ["one@1", "other@1"];

/// Something that happens to the environment, or a search. Numbers choose among what is there.
#[derive(Debug, Clone)]
enum Act {
    /// A file comes, or the text of the fact `of`, or the embedding of that.
    File(u8),
    Said {
        of: u8,
    },
    Embedded {
        of: u8,
        degrees: u16,
        model: usize,
    },
    Forget(u8),
    Search {
        tenant: u8,
        model: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let model = || prop_oneof![4 => Just(0_usize), 1 => Just(1)];
    prop_oneof![
        3 => (0_u8..4).prop_map(Act::File),
        1 => any::<u8>().prop_map(|of| Act::Said { of }),
        5 => (any::<u8>(), 0_u16..180, model())
            .prop_map(|(of, degrees, model)| Act::Embedded { of, degrees, model }),
        1 => any::<u8>().prop_map(Act::Forget),
        4 => (0_u8..2, model()).prop_map(|(tenant, model)| Act::Search { tenant, model }),
    ]
}

fn embedding(degrees: u16, model: usize) -> Embedding {
    let (sine, cosine) = f32::from(degrees).to_radians().sin_cos();
    Embedding {
        embedding: vec![cosine, sine],
        model: ModelVersion::new(MODELS[model]),
        excerpt: format!("at {degrees} degrees"),
    }
}

/// An environment, and what was put into it: each fact with its tenant and its episode.
struct World {
    environment: Environment,
    facts: Vec<(Revision, u8)>,
    episodes: Vec<EpisodeId>,
}

impl World {
    fn new() -> Self {
        Self {
            environment: Environment::in_memory(EnvironmentOptions::default()).unwrap(),
            facts: Vec::new(),
            episodes: Vec::new(),
        }
    }

    fn namespace(tenant: u8) -> Namespace {
        Namespace(format!("tenant {tenant}").into())
    }

    /// Puts down a fact of an episode of its own.
    async fn put(&mut self, kind: &str, value: Value, tenant: u8, cause: Option<Revision>) {
        let id = EpisodeId::from_u128(self.episodes.len() as u128 + 1);
        let mut begins = EpisodeRecord::new(id);
        begins.namespace = Self::namespace(tenant);
        let provenance = Provenance {
            cause,
            ..Provenance::default()
        };
        let kind = FactKind::new(kind, 1).unwrap();
        let transaction = Transaction {
            namespace: Self::namespace(tenant),
            begins: vec![begins],
            episode: Some(id),
            facts: vec![(FactDraft::new(kind, value), provenance)],
            ..Transaction::default()
        };
        let put = self.environment.commit(transaction).await.unwrap();
        self.facts.push((put.revisions[0], tenant));
        self.episodes.push(id);
    }

    fn choose(&self, number: u8) -> Option<(Revision, u8)> {
        let at = usize::from(number).checked_rem(self.facts.len())?;
        self.facts.get(at).copied()
    }

    async fn act(&mut self, act: &Act) {
        match *act {
            Act::File(name) => {
                let value = json!({ "path": format!("{name}.txt") });
                self.put("file.text", value, name % 2, None).await;
            }
            Act::Said { of } => {
                if let Some((cause, tenant)) = self.choose(of) {
                    let value = json!({ "text": "something" });
                    self.put("speech.transcribe", value, tenant, Some(cause))
                        .await;
                }
            }
            Act::Embedded { of, degrees, model } => {
                if let Some((cause, tenant)) = self.choose(of) {
                    let value = serde_json::to_value(embedding(degrees, model)).unwrap();
                    self.put(Embed::NAME, value, tenant, Some(cause)).await;
                }
            }
            Act::Forget(number) => {
                if let Some(at) = usize::from(number).checked_rem(self.episodes.len()) {
                    // It may be forgotten already.
                    let _ = self.environment.forget(self.episodes[at]).await;
                }
            }
            Act::Search { .. } => {}
        }
    }

    fn search(&self, known: &mut KnownTexts, tenant: u8, model: usize) -> Vec<Hit> {
        let snapshot = self.environment.snapshot().unwrap();
        let query = embedding(0, model);
        let found = known.nearest(&snapshot, &Self::namespace(tenant), &query, 1000);
        let mut hits = found.unwrap();
        assert!(
            hits.is_sorted_by(|one, other| one.score >= other.score),
            "{hits:?}"
        );
        // Texts of several kinds may be of one file, and equally near.
        hits.sort_by(|one, other| (&one.source, &one.text).cmp(&(&other.source, &other.text)));
        hits
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_search_finds_the_same_however_much_is_kept(acts in prop::collection::vec(act(), 1..60)) {
        run(async {
            let mut world = World::new();
            let mut kept = [0, 600, MAX_BYTES].map(KnownTexts::within);
            for act in &acts {
                world.act(act).await;
                let Act::Search { tenant, model } = *act else { continue };
                let all = world.search(&mut KnownTexts::default(), tenant, model);
                for known in &mut kept {
                    assert_eq!(world.search(known, tenant, model), all, "within {}", known.max_bytes);
                    let tenants = known.tenants.len() * size_of::<Tenant>();
                    assert!(known.bytes() <= known.max_bytes + tenants);
                }
            }
        });
    }
}

#[test]
fn the_newest_embedding_of_a_file_counts_until_it_is_forgotten() {
    run(async {
        let mut world = World::new();
        let mut known = KnownTexts::default();
        world.act(&Act::File(0)).await;
        for degrees in [10, 70] {
            let (of, model) = (0, 0);
            world.act(&Act::Embedded { of, degrees, model }).await;
            let hits = world.search(&mut known, 0, 0);
            assert_eq!(hits.len(), 1);
            assert_eq!(hits[0].source, "0.txt");
            assert_eq!(hits[0].text, format!("at {degrees} degrees"));
        }
        world.act(&Act::Forget(2)).await;
        assert_eq!(world.search(&mut known, 0, 0)[0].text, "at 10 degrees");
        world.act(&Act::Forget(0)).await;
        assert_eq!(world.search(&mut known, 0, 0), []);
    });
}

#[test]
fn the_room_goes_to_whoever_searches() {
    run(async {
        let mut world = World::new();
        for number in 0..40 {
            world.act(&Act::File(number % 2)).await;
            let (of, degrees, model) = (2 * number, u16::from(number), 0);
            world.act(&Act::Embedded { of, degrees, model }).await;
        }
        let mut known = KnownTexts::within(2000);
        let kept = |known: &KnownTexts, tenant: u8| {
            let tenant = known.tenants.get(&World::namespace(tenant));
            tenant.map_or(0, |tenant| tenant.texts.len())
        };
        world.search(&mut known, 0, 0);
        assert!(kept(&known, 0) > 0);
        world.search(&mut known, 1, 0);
        world.search(&mut known, 1, 0);
        assert!(kept(&known, 1) > 0);
    });
}
