//! Faults that the conformance suite plants: a real panic and a real hang, on the worker's own thread, where a skill's code runs.

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

/// Injects a fault where it was told to. One injection is planted at a time.
#[derive(Default)]
pub struct FaultInjector {
    state: Mutex<InjectorState>,
    released: Condvar,
    injected: watch::Sender<u64>,
}

#[derive(Default)]
struct InjectorState {
    planted: Option<Injection>,
    /// Counted, so that whoever is released is, even if the next one is to be held at once.
    releases: u64,
    steps: u64,
}

/// What happens to a skill, and when.
struct Injection {
    /// The skill's whole name.
    skill: String,
    point: InjectionPoint,
    harm: Harm,
}

/// Before which of a skill's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectionPoint {
    /// Before its job begins.
    Begin,
    /// Before so many steps more have been taken: 0 is the next one. Of a flow, the items that it
    /// sends are its steps.
    Step(u64),
    /// Before its job gives its outcomes.
    Finish,
}

/// What is done to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// It panics.
    Panic,
    /// Its thread stands still until it is released.
    Hold,
}

impl FaultInjector {
    /// Plants a fault before one of the skill's calls; it happens once.
    pub fn plant(&self, skill: &str, point: InjectionPoint, harm: Harm) {
        self.state.lock().planted = Some(Injection {
            skill: skill.to_owned(),
            point,
            harm,
        });
    }

    /// Returns once `injections` have happened since the start.
    pub async fn injected(&self, injections: u64) {
        let mut injected = self.injected.subscribe();
        // The sender is in `self`: it cannot go before this returns.
        let _ = injected.wait_for(|so_far| *so_far >= injections).await;
    }

    /// How many injections have happened.
    pub fn injections(&self) -> u64 {
        *self.injected.borrow()
    }

    /// How many steps were taken of all skills.
    pub fn steps(&self) -> u64 {
        self.state.lock().steps
    }

    /// Lets go whoever is held, and forgets what is still planted.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.planted = None;
        state.releases += 1;
        drop(state);
        self.released.notify_all();
    }

    /// Called on a worker's thread before a skill is.
    pub(crate) fn pass(&self, skill: &str, point: InjectionPoint) {
        let mut state = self.state.lock();
        if matches!(point, InjectionPoint::Step(_)) {
            state.steps += 1;
        }
        let harm = match &mut state.planted {
            Some(injection) if injection.skill == skill => match (&mut injection.point, point) {
                (InjectionPoint::Step(0), InjectionPoint::Step(_))
                | (InjectionPoint::Begin, InjectionPoint::Begin)
                | (InjectionPoint::Finish, InjectionPoint::Finish) => injection.harm,
                (InjectionPoint::Step(left), InjectionPoint::Step(_)) => {
                    *left -= 1;
                    return;
                }
                _ => return,
            },
            _ => return,
        };
        state.planted = None;
        self.injected.send_modify(|injected| *injected += 1);
        if harm == Harm::Hold {
            let releases = state.releases;
            while state.releases == releases {
                self.released.wait(&mut state);
            }
            return;
        }
        drop(state);
        panic!("a panic planted by the conformance suite");
    }
}
