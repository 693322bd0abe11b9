//! Worker groups: one model of an agent, its weights by device, and the versions that come and go.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::agent::WorkerGroup;
use crate::fault::Fault;
use crate::ledger::effect::Reload;
use crate::model::{DeviceName, ModelSource, ModelVersion};
use crate::panics;
use crate::seat::Seat;
use crate::skill_entry::{Face, ModelFace, SkillEntry};
use crate::worker;

/// What an agent's definition holds of a group.
pub(crate) struct GroupParts {
    pub(crate) name: String,
    pub(crate) faces: Vec<Arc<dyn Face>>,
    pub(crate) memory_bytes: u64,
    pub(crate) runner: Arc<dyn GroupRunner>,
}

/// A group whose model type is erased.
pub(crate) trait GroupRunner: Send + Sync {
    /// Lives one incarnation of a worker, on the worker's own thread.
    fn live(&self, seat: &Seat, weights: Reload);
    /// Reads a new version's weights, then takes it; workers come for it between two jobs. Blocks while it reads.
    fn swap(&self, source: Box<dyn Any + Send>) -> Result<ModelVersion, Fault>;
    /// Has all workers come for the same version anew, between two jobs.
    fn renew(&self);
    /// The version that workers come for.
    fn version(&self) -> ModelVersion;
    /// How much memory the weights of its present version take, in bytes.
    fn memory_bytes(&self) -> u64;
    /// How much memory the weights on the device really take, in bytes; none while there are none, or when nobody has counted.
    fn measured_bytes(&self, device: &DeviceName) -> Option<u64>;
    /// Lets go of weights that no worker holds.
    fn forget_unused(&self);
}

/// A group of workers over one type of model.
pub(crate) struct Group<S: ModelSource> {
    state: Mutex<State<S>>,
    generation: AtomicU64,
    skills: Vec<Arc<dyn ModelFace<S::Model>>>,
}

/// The weights of one device, once they are read. Locked while they are, so that a second worker waits for them.
type Slot<W> = Arc<Mutex<Option<Arc<W>>>>;

struct State<S: ModelSource> {
    source: Arc<S>,
    /// Kept, because a source may have to read a file to know it.
    version: ModelVersion,
    weights: HashMap<DeviceName, Slot<S::Weights>>,
}

/// A model as one worker holds it, with the version that it was built from.
pub(crate) struct Built<M> {
    pub(crate) model: M,
    pub(crate) version: ModelVersion,
    pub(crate) generation: u64,
}

impl<S: ModelSource> Group<S> {
    pub(crate) fn parts(group: WorkerGroup<S>) -> GroupParts {
        let WorkerGroup {
            name,
            source,
            skills,
        } = group;
        let memory_bytes = source.memory_bytes();
        let faces = skills.iter().map(|skill| skill.face.clone()).collect();
        let skills = skills
            .into_iter()
            .map(|SkillEntry { model_face, .. }| model_face)
            .collect();
        let state = Mutex::new(State {
            version: source.version(),
            source,
            weights: HashMap::new(),
        });
        let runner = Arc::new(Self {
            state,
            generation: AtomicU64::new(0),
            skills,
        });
        GroupParts {
            name,
            faces,
            memory_bytes,
            runner,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn skill(&self, at: usize) -> Option<&Arc<dyn ModelFace<S::Model>>> {
        self.skills.get(at)
    }

    /// Builds a worker's model. The weights are read once for all workers of a device, and kept over a panic.
    pub(crate) fn build(
        &self,
        device: &DeviceName,
        weights: Reload,
    ) -> Result<Built<S::Model>, Fault> {
        let (source, slot, generation) = {
            let mut state = self.state.lock();
            let slot = state.weights.entry(*device).or_default().clone();
            (state.source.clone(), slot, self.generation())
        };
        let built = catch_unwind(AssertUnwindSafe(|| {
            let loaded = {
                let mut slot = slot.lock();
                if weights == Reload::Again {
                    *slot = None;
                }
                match &*slot {
                    Some(loaded) => loaded.clone(),
                    None => slot.insert(Arc::new(source.load(device)?)).clone(),
                }
            };
            source.build(&loaded, device)
        }));
        let model = built.unwrap_or_else(|panic| Err(load_panicked(&*panic)))?;
        let version = source.version();
        let mut state = self.state.lock();
        if Arc::ptr_eq(&state.source, &source) {
            state.version = version.clone();
        }
        Ok(Built {
            model,
            version,
            generation,
        })
    }

    /// The weights of `source` on every device that has some now.
    fn read_ahead(&self, source: &S) -> Result<HashMap<DeviceName, Slot<S::Weights>>, Fault> {
        let devices: Vec<DeviceName> = self.state.lock().weights.keys().copied().collect();
        let read = |device: DeviceName| {
            let loaded = catch_unwind(AssertUnwindSafe(|| source.load(&device)))
                .unwrap_or_else(|panic| Err(load_panicked(&*panic)))?;
            Ok((device, Arc::new(Mutex::new(Some(Arc::new(loaded))))))
        };
        devices.into_iter().map(read).collect()
    }
}

impl<S: ModelSource> GroupRunner for Group<S> {
    fn live(&self, seat: &Seat, weights: Reload) {
        worker::live(self, seat, weights);
    }

    fn swap(&self, source: Box<dyn Any + Send>) -> Result<ModelVersion, Fault> {
        let source = source.downcast::<S>().map_err(|_| {
            let expected = std::any::type_name::<S>();
            Fault::rejected(format!(
                "expected a model source of type {expected} for this group"
            ))
        })?;
        let weights = self.read_ahead(&source)?;
        let version = source.version();
        let mut state = self.state.lock();
        state.source = Arc::new(*source);
        state.version = version.clone();
        // Workers that still run a job hold the old weights; the last one frees them.
        state.weights = weights;
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(version)
    }

    fn renew(&self) {
        self.state.lock().weights.clear();
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn version(&self) -> ModelVersion {
        self.state.lock().version.clone()
    }

    fn memory_bytes(&self) -> u64 {
        self.state.lock().source.memory_bytes()
    }

    fn measured_bytes(&self, device: &DeviceName) -> Option<u64> {
        let state = self.state.lock();
        // Whoever reads weights holds the slot for as long.
        let slot = state.weights.get(device)?.try_lock()?;
        state.source.weights_bytes(slot.as_ref()?)
    }

    fn forget_unused(&self) {
        for slot in self.state.lock().weights.values() {
            if let Some(mut slot) = slot.try_lock()
                && slot
                    .as_ref()
                    .is_some_and(|weights| Arc::strong_count(weights) == 1)
            {
                *slot = None;
            }
        }
    }
}

fn load_panicked(panic: &(dyn Any + Send)) -> Fault {
    Fault::retryable(format!(
        "loading the model panicked: {}",
        panics::message(panic)
    ))
}
