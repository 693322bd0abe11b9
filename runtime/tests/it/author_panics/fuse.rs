//! A fuse: an author's code passes it wherever the kernel calls that code, and panics where it was lit.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

/// Where the kernel calls an author's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Name,
    Define,
    Spec,
    Version,
    MemoryBytes,
    WeightsBytes,
    Load,
    Build,
    InputBytes,
    BatchKey,
    Begin,
    Join,
    Step,
    Finish,
    /// A flow's `run`, before it gives its future.
    Run,
    /// A flow's future, when it is polled.
    Poll,
    /// A flow's future that is dropped before its end.
    DropFuture,
    DropAgent,
    DropSource,
    DropSkill,
    DropJob,
    DropModel,
    DropWeights,
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    Panic,
    /// It panics, and what it throws has a destructor that panics.
    Bomb,
    /// It comes to no end until the fuse is open.
    Hang,
}

/// A fuse. Cloning shares it.
#[derive(Clone)]
pub(super) struct Fuse(Arc<watch::Sender<State>>);

/// How far things are.
#[derive(Default)]
pub(super) struct State {
    passed: HashMap<Place, u32>,
    lit: Option<(Place, u32, Harm)>,
    is_blown: bool,
    pub(super) is_open: bool,
}

impl State {
    /// How often that place was passed so far.
    pub(super) fn passed(&self, place: Place) -> u32 {
        self.passed.get(&place).copied().unwrap_or(0)
    }
}

impl Fuse {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::default()))
    }

    /// From now on the place does harm once, after it was passed `before` times more.
    pub(super) fn light(&self, place: Place, before: u32, harm: Harm) {
        self.0.send_modify(|state| {
            state.lit = Some((place, state.passed(place) + before, harm));
        });
    }

    pub(super) fn pass(&self, place: Place) {
        let mut blows = None;
        self.0.send_modify(|state| {
            let passed = state.passed.entry(place).or_default();
            *passed += 1;
            let now = *passed;
            blows = state
                .lit
                .take_if(|(lit, before, _)| *lit == place && *before < now);
            state.is_blown |= blows.is_some();
        });
        match blows {
            Some((_, _, Harm::Panic)) => panic!("{place:?} panics"),
            Some((_, _, Harm::Bomb)) => std::panic::panic_any(Bomb),
            Some((_, _, Harm::Hang)) => {
                while !self.is_open() {
                    std::thread::yield_now();
                }
            }
            None => {}
        }
    }

    /// How often that place was passed so far.
    pub(super) fn passed(&self, place: Place) -> u32 {
        self.0.borrow().passed(place)
    }

    pub(super) fn is_blown(&self) -> bool {
        self.0.borrow().is_blown
    }

    /// Lets go whoever is held.
    pub(super) fn open(&self) {
        self.0.send_modify(|state| state.is_open = true);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.borrow().is_open
    }

    /// Returns once that holds, or the fuse is blown.
    pub(super) async fn until(&self, wish: impl Fn(&State) -> bool) {
        let mut states = self.0.subscribe();
        let wish = |state: &State| state.is_blown || wish(state);
        states.wait_for(wish).await.unwrap();
    }
}

/// What panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("what was thrown panics");
    }
}

/// Passes its place when it is dropped.
pub(super) struct Trace(pub(super) Fuse, pub(super) Place);

impl Drop for Trace {
    fn drop(&mut self) {
        self.0.pass(self.1);
    }
}
