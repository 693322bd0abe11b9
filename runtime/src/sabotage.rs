//! Faults that the conformance suite plants: a real panic and a real hang, on the worker's own thread, where a skill's code runs.

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

/// Strikes where it was told to. One strike is planted at a time.
#[derive(Default)]
pub(crate) struct Sabotage {
    state: Mutex<SabotageState>,
    released: Condvar,
    struck: watch::Sender<u64>,
}

#[derive(Default)]
struct SabotageState {
    planted: Option<Strike>,
    /// Counted, so that whoever is released is, even if the next one is to be held at once.
    releases: u64,
    steps: u64,
}

/// What happens to a skill, and when.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    /// The skill's whole name.
    pub(crate) skill: String,
    pub(crate) moment: Moment,
    pub(crate) harm: Harm,
}

/// Before which of a skill's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Begin,
    /// Before so many steps more have been taken: 0 is the next one.
    Step(u64),
    Finish,
}

/// What is done to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    Panic,
    /// Its thread stands still until it is released.
    Hold,
}

impl Sabotage {
    /// Plants a strike; it happens once.
    pub(crate) fn plant(&self, skill: &str, moment: Moment, harm: Harm) {
        self.state.lock().planted = Some(Strike {
            skill: skill.to_owned(),
            moment,
            harm,
        });
    }

    /// Returns once `strikes` have happened since the start.
    pub(crate) async fn struck(&self, strikes: u64) {
        let mut struck = self.struck.subscribe();
        // The sender is in `self`: it cannot go before this returns.
        let _ = struck.wait_for(|so_far| *so_far >= strikes).await;
    }

    /// How many strikes have happened.
    pub(crate) fn strikes(&self) -> u64 {
        *self.struck.borrow()
    }

    /// How many steps were taken of all skills.
    pub(crate) fn steps(&self) -> u64 {
        self.state.lock().steps
    }

    /// Lets go whoever is held, and forgets what is still planted.
    pub(crate) fn release(&self) {
        let mut state = self.state.lock();
        state.planted = None;
        state.releases += 1;
        drop(state);
        self.released.notify_all();
    }

    /// Called on a worker's thread before a skill is.
    pub(crate) fn pass(&self, skill: &str, moment: Moment) {
        let mut state = self.state.lock();
        if matches!(moment, Moment::Step(_)) {
            state.steps += 1;
        }
        let harm = match &mut state.planted {
            Some(strike) if strike.skill == skill => match (&mut strike.moment, moment) {
                (Moment::Step(0), Moment::Step(_))
                | (Moment::Begin, Moment::Begin)
                | (Moment::Finish, Moment::Finish) => strike.harm,
                (Moment::Step(left), Moment::Step(_)) => {
                    *left -= 1;
                    return;
                }
                _ => return,
            },
            _ => return,
        };
        state.planted = None;
        self.struck.send_modify(|struck| *struck += 1);
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
