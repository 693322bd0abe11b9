//! Whatever of an author's code panics, wherever the kernel calls it: each task gets one typed reply, nobody beside it loses anything, and
//! the agent serves the next task.

mod author;
mod fuse;
mod parcel;
mod scene;

use std::time::Duration;

use fuse::{Fuse, Harm, Place};
use parcel::{Content, Parcel, Trap};
use scene::Scene;

/// How long one scene may take before it counts as one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Each place where an author's code is called, and after how many calls it panics: at the first, and at each later one that the
/// kernel makes from somewhere else.
const PLACES: &[(Place, &[u32])] = &[
    (Place::Name, &[0]),
    (Place::Define, &[0]),
    (Place::Spec, &[0]),
    (Place::Version, &[0, 1, 2, 3]),
    (Place::MemoryBytes, &[0, 1, 2, 3, 4]),
    (Place::WeightsBytes, &[0, 1]),
    (Place::Load, &[0, 1, 2]),
    (Place::Build, &[0, 1, 2]),
    (Place::InputBytes, &[0, 3]),
    (Place::BatchKey, &[0, 3]),
    (Place::Begin, &[0, 1]),
    (Place::Join, &[0, 1]),
    (Place::Step, &[0, 2]),
    (Place::Finish, &[0, 1]),
    (Place::Run, &[0, 1]),
    (Place::Poll, &[0, 1]),
    (Place::DropFuture, &[0, 1]),
    (Place::DropAgent, &[0]),
    (Place::DropSource, &[0]),
    (Place::DropSkill, &[0]),
    (Place::DropJob, &[0, 1]),
    (Place::DropModel, &[0, 1, 2]),
    (Place::DropWeights, &[0, 1]),
];

/// Where what is thrown is a value whose own destructor panics.
const BOMBS: &[Place] = &[
    Place::Define,
    Place::Load,
    Place::InputBytes,
    Place::Begin,
    Place::Step,
    Place::Poll,
    Place::DropJob,
    Place::DropModel,
];

/// A part of a call that is an author's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Input,
    Output,
    Item,
    Chunk,
}

/// Each function of an author's value that the kernel calls, and the calls that fail when it panics. All others are answered.
const TRAPS: &[(Part, Trap, &[&str])] = &[
    (Part::Input, Trap::Drop, &[]),
    (Part::Input, Trap::Serialize, &["durable", "add", "errand"]),
    (Part::Input, Trap::NotJson, &["durable", "add", "errand"]),
    (Part::Input, Trap::NotFinite, &["durable"]),
    (Part::Input, Trap::Deserialize, &["json", "stream", "add"]),
    (
        Part::Input,
        Trap::Measure,
        &["work", "durable", "json", "stream"],
    ),
    (Part::Output, Trap::Drop, &[]),
    (
        Part::Output,
        Trap::Serialize,
        &["durable", "json", "stream", "add"],
    ),
    (
        Part::Output,
        Trap::NotJson,
        &["durable", "json", "stream", "add"],
    ),
    (
        Part::Output,
        Trap::NotFinite,
        &["durable", "json", "stream", "add"],
    ),
    (Part::Item, Trap::Drop, &[]),
    (Part::Item, Trap::Serialize, &["stream"]),
    (Part::Item, Trap::NotJson, &["stream"]),
    (Part::Item, Trap::NotFinite, &["stream"]),
    (Part::Chunk, Trap::Drop, &[]),
    (Part::Chunk, Trap::Deserialize, &["add"]),
    (Part::Chunk, Trap::Measure, &["add"]),
];

async fn within_patience<T>(what: &str, scene: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE, scene).await;
    ended.unwrap_or_else(|_| panic!("{what}: it hangs, or was never called"))
}

/// One panic at that place costs one call at most.
async fn blow(place: Place, before: u32, harm: Harm) {
    let what = format!("{place:?} after {before} calls, {harm:?}");
    let fuse = Fuse::new();
    fuse.light(place, before, harm);
    within_patience(&what, async {
        let Some(scene) = Scene::begin(&fuse).await else {
            return;
        };
        let plain = Content::default();
        let mut failed = scene.round(&plain, &Parcel::default()).await;
        failed.extend(scene.round(&plain, &Parcel::default()).await);
        // A worker that could not be built is tried again after a while, and callers are told so meanwhile.
        failed.retain(|(_, error)| !error.contains("it is tried again in"));
        assert!(failed.len() <= 1, "{what}: {failed:?}");
        scene.end(&what).await;
        // What is dropped with the runtime may go a moment after it.
        fuse.until(|_| false).await;
    })
    .await;
}

#[tokio::test]
async fn author_code_panics_anywhere() {
    for (place, calls) in PLACES {
        for before in *calls {
            blow(*place, *before, Harm::Panic).await;
        }
    }
}

#[tokio::test]
async fn what_author_code_throws_may_itself_panic_when_it_is_dropped() {
    for place in BOMBS {
        blow(*place, 0, Harm::Bomb).await;
    }
}

#[tokio::test]
async fn an_authors_value_panics_wherever_it_is_used() {
    for (part, trap, expected) in TRAPS {
        let what = format!("{part:?}, {trap:?}");
        let (mut content, mut chunk) = (Content::default(), Parcel::default());
        let trapped = match part {
            Part::Input => &mut content.trap,
            Part::Output => &mut content.output,
            Part::Item => &mut content.item,
            Part::Chunk => &mut chunk.0.trap,
        };
        *trapped = Some(*trap);
        within_patience(&what, async {
            let scene = Scene::begin(&Fuse::new()).await.unwrap();
            for round in ["first", "second"] {
                let failed = scene.round(&content, &chunk).await;
                let names: Vec<&str> = failed.iter().map(|(name, _)| *name).collect();
                assert_eq!(names, *expected, "{what}, {round} round: {failed:?}");
                let named = |(_, error): &(_, String)| error.contains("in `share`, got NaN");
                assert!(
                    *trap != Trap::NotFinite || failed.iter().all(named),
                    "{failed:?}"
                );
            }
            scene.end(&what).await;
        })
        .await;
        std::mem::forget(chunk);
    }
}

/// Its task is answered before it is freed, and the watchdog counts on.
#[tokio::test]
async fn a_job_whose_destructor_hangs_is_given_up_with_its_worker_and_costs_no_task() {
    let fuse = Fuse::new();
    fuse.light(Place::DropJob, 0, Harm::Hang);
    let scene = Scene::begin_with(&fuse, |config| {
        config.defaults.step_limit = Duration::from_secs(1);
        config.defaults.grace = Duration::from_millis(20);
    });
    let scene = scene.await.unwrap();
    for _ in 0..2 {
        within_patience("a hanging destructor", scene.add())
            .await
            .unwrap();
    }
    assert!(fuse.is_blown());
    fuse.open();
    scene.end("a hanging destructor").await;
}
