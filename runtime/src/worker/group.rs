//! Worker groups: one model of an agent, its weights by device, and the versions that come and go.

mod shared;

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use aimass_environment::panics;
use parking_lot::Mutex;

use crate::core::group_runner::{GroupRunner, NewVersion};
use crate::core::memory::Share;
use crate::core::worker_context::WorkerContext;
use crate::fault::Fault;
use crate::ledger::effect::Reload;
use crate::ledger::event::Incarnation;
use crate::model::DeviceName;
use crate::skill::definition::GroupParts;
use crate::skill::erased::DynModelSkill;
use crate::skill::model_source::{DynModelSource, Weights};
use crate::worker;
use aimass_environment::ModelVersion;
use shared::SharedWeights;

/// A group of workers over one model.
pub(crate) struct Group {
    state: Mutex<State>,
    generation: AtomicU64,
    /// How many generations there have been, those of swaps under way among them.
    generations: AtomicU64,
    skills: Vec<Arc<dyn DynModelSkill>>,
}

struct State {
    source: Arc<dyn DynModelSource>,
    /// Kept, because a source may have to read a file to know it.
    version: ModelVersion,
    /// Kept as well, so that nobody but who builds calls a source.
    bytes: u64,
    weights: SharedByDevice,
    /// All shared that somebody may wait for, those of earlier versions among them.
    shared: Vec<Weak<SharedWeights<Weights>>>,
    /// Shares of weights that a swap has read, until a worker has come for them.
    ahead: Vec<Share>,
}

impl State {
    /// The shared of the present version on a device.
    fn shared(&mut self, device: DeviceName) -> Arc<SharedWeights<Weights>> {
        if let Some(shared) = self.weights.get(&device) {
            return shared.clone();
        }
        let shared = Arc::new(SharedWeights::empty());
        self.weights.insert(device, shared.clone());
        self.remember(&shared);
        shared
    }

    fn remember(&mut self, shared: &Arc<SharedWeights<Weights>>) {
        self.shared.retain(|shared| shared.strong_count() > 0);
        self.shared.push(Arc::downgrade(shared));
    }
}

type SharedByDevice = HashMap<DeviceName, Arc<SharedWeights<Weights>>>;

/// A model as one worker holds it, with the version that it was built from.
pub(crate) struct Built {
    pub(crate) model: Box<dyn Any>,
    pub(crate) version: ModelVersion,
    pub(crate) generation: u64,
    /// What its weights take.
    pub(crate) bytes: u64,
}

impl Group {
    pub(crate) fn new(parts: GroupParts) -> Self {
        let GroupParts {
            source,
            version,
            memory_bytes,
            skills,
            ..
        } = parts;
        let state = Mutex::new(State {
            version,
            bytes: memory_bytes,
            source,
            weights: HashMap::new(),
            shared: Vec::new(),
            ahead: Vec::new(),
        });
        Self {
            state,
            generation: AtomicU64::new(0),
            generations: AtomicU64::new(0),
            skills: skills.into_iter().map(|skill| skill.model_face).collect(),
        }
    }

    pub(crate) fn skill(&self, at: usize) -> Option<&Arc<dyn DynModelSkill>> {
        self.skills.get(at)
    }

    /// Builds a worker's model. The weights are read once for all workers of a device, and kept over a panic.
    ///
    /// The watchdog counts while this worker reads or builds, and not while it waits for another that reads. Whoever calls says how it ended. None when it was told
    /// to stop meanwhile.
    pub(crate) fn build(
        &self,
        worker_context: &WorkerContext,
        weights: Reload,
    ) -> Result<Option<Built>, Fault> {
        caught(|| self.build_on(worker_context, weights))
    }

    fn build_on(
        &self,
        worker_context: &WorkerContext,
        weights: Reload,
    ) -> Result<Option<Built>, Fault> {
        let device = worker_context.device();
        let (source, shared, generation) = {
            let mut state = self.state.lock();
            (
                state.source.clone(),
                state.shared(device),
                self.generation(),
            )
        };
        if weights == Reload::Again {
            shared.clear();
        }
        let read = || {
            worker_context.load_began();
            caught(|| source.load(&device))
        };
        let loaded = shared.get(
            worker_context.incarnation,
            || worker_context.is_stopped(),
            read,
        )?;
        let Some(loaded) = loaded.filter(|_| !worker_context.is_stopped()) else {
            return Ok(None);
        };
        worker_context.load_began();
        let (version, bytes) = (source.version(), source.memory_bytes());
        let model = source.build(&loaded, &device)?;
        let mut state = self.state.lock();
        if Arc::ptr_eq(&state.source, &source) {
            state.version = version.clone();
            state.bytes = bytes;
        }
        Ok(Some(Built {
            model,
            version,
            generation,
            bytes,
        }))
    }

    /// All shared that somebody may wait for. Whoever looks at them does so without the lock: the last owner of one runs an author's code.
    fn shared(&self) -> Vec<Arc<SharedWeights<Weights>>> {
        let state = self.state.lock();
        state.shared.iter().filter_map(Weak::upgrade).collect()
    }

    /// Says in the state of the memory what a worker holds now, and that it holds it itself.
    pub(crate) fn count(&self, built: &Built, worker_context: &WorkerContext) {
        worker_context.count_weights(built.generation, built.bytes);
        let (device, generation) = (worker_context.device(), built.generation);
        let others =
            |share: &Share| share.key().device != device || share.key().generation != generation;
        self.state.lock().ahead.retain(others);
    }
}

impl GroupRunner for Group {
    fn live(&self, worker_context: &WorkerContext, weights: Reload) {
        worker::live(self, worker_context, weights);
    }

    fn read(
        &self,
        source: Arc<dyn DynModelSource>,
        devices: &[DeviceName],
    ) -> Result<NewVersion, Fault> {
        let (expected, name) = self.state.lock().source.source_type();
        if source.source_type().0 != expected {
            return Err(Fault::rejected(format!(
                "expected a model source of type {name} for this group"
            )));
        }
        let prepared = caught(|| prepare(source, devices))?;
        Ok(NewVersion(Box::new(prepared)))
    }

    fn swap(
        &self,
        version: NewVersion,
        generation: u64,
        shares: Vec<Share>,
    ) -> Result<ModelVersion, Fault> {
        let prepared = version.0.downcast();
        let prepared = prepared.map_err(|_| Fault::bug("a new version came to another group"))?;
        let Prepared {
            source,
            version,
            bytes,
            weights,
        } = *prepared;
        let mut state = self.state.lock();
        // The order in which versions are asked for counts, and not that in which they are read.
        if generation < self.generation() {
            return Err(Fault::rejected(format!(
                "version `{}`, which was asked for after it, is served already",
                state.version
            )));
        }
        state.version = version.clone();
        state.bytes = bytes;
        weights.values().for_each(|shared| state.remember(shared));
        let old = (
            std::mem::replace(&mut state.source, source),
            // Workers that still run a job hold the old weights; the last one frees them.
            std::mem::replace(&mut state.weights, weights),
        );
        state.ahead = shares;
        self.generation.store(generation, Ordering::Release);
        drop(state);
        panics::free(old, "a version of a model");
        Ok(version)
    }

    #[cfg(feature = "fault-injection")]
    fn renew(&self) {
        let mut state = self.state.lock();
        state.weights.clear();
        self.generation
            .store(self.next_generation(), Ordering::Release);
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn devices(&self) -> Vec<DeviceName> {
        let state = self.state.lock();
        let weights = state.weights.iter();
        weights
            .filter(|(_, shared)| !shared.is_empty())
            .map(|(device, _)| *device)
            .collect()
    }

    fn version(&self) -> ModelVersion {
        self.state.lock().version.clone()
    }

    fn memory_bytes(&self) -> u64 {
        self.state.lock().bytes
    }

    fn measured_bytes(&self, device: &DeviceName) -> Option<u64> {
        let (source, weights) = {
            let state = self.state.lock();
            (state.source.clone(), state.weights.get(device)?.peek()?)
        };
        let measured = panics::caught(move || source.weights_bytes(&weights));
        measured.unwrap_or_else(|message| {
            tracing::error!(message, "weights could not be measured");
            None
        })
    }

    fn forget_unused(&self) {
        let mut state = self.state.lock();
        let State { weights, ahead, .. } = &mut *state;
        for (device, shared) in weights {
            shared.clear_unused();
            if shared.is_empty() {
                ahead.retain(|share| share.key().device != *device);
            }
        }
    }

    fn evict_loader(&self, by: Incarnation) {
        for shared in self.shared() {
            shared.evict_loader(by);
        }
    }

    fn wake_waiting(&self) {
        for shared in self.shared() {
            shared.wake();
        }
    }
}

/// What stands behind a [`NewVersion`].
struct Prepared {
    source: Arc<dyn DynModelSource>,
    version: ModelVersion,
    bytes: u64,
    weights: SharedByDevice,
}

/// Reads a new version's weights, and builds a model from them on each device to see that it can be done: a version that no worker can
/// build must not take the place of one that works.
fn prepare(source: Arc<dyn DynModelSource>, devices: &[DeviceName]) -> Result<Prepared, Fault> {
    let mut weights = HashMap::new();
    for device in devices {
        let loaded = source.load(device)?;
        let tried = source.build(&loaded, device)?;
        panics::free(tried, "a model");
        weights.insert(*device, Arc::new(SharedWeights::filled(loaded)));
    }
    Ok(Prepared {
        version: source.version(),
        bytes: source.memory_bytes(),
        source,
        weights,
    })
}

/// A panic of a source is a fault that may pass.
fn caught<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    panics::caught(work).unwrap_or_else(|message| {
        Err(Fault::retryable(format!(
            "loading the model panicked: {message}"
        )))
    })
}
