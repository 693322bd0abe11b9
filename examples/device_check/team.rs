//! What the runtime does with devices: placement, two agents on one, memory, restart, swap, loss and fallback.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use aimass::generation::{Complete, GenerationInput};
use aimass::models::Silent;
use aimass::models::device::{self, Device};
use aimass::{AgentState, Config, DeviceName, Runtime, RuntimeBuilder, WorkerStatus};

use crate::gguf::Kind;
use crate::networks::{apart, load_bert};
use crate::probe::{ENCODER, Encode, Encoder, EncoderSource, GROUP, Order, TOKENS};
use crate::report::{Report, Verdict};
use crate::shapes::Shapes;

/// The agent of the team that writes, and the name of its model here.
const WRITER: &str = "generation";
const MODEL: &str = "device-check";
/// How many tasks each of two agents is given at once.
const TASKS: usize = 6;
/// Largest difference of vectors that a device and the processor may give, as a share of the largest number.
const TOLERANCE: f32 = 1e-3;

/// What the checks work on.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    device: DeviceName,
    /// What the processor makes of the first and the second version.
    expected: [Vec<f32>; 2],
}

type Checked = Result<Verdict, Box<dyn Error>>;

impl Stage {
    /// Writes the models, and computes what is expected.
    pub(crate) fn new(shapes: &Shapes, device: DeviceName) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let mut expected = [Vec::new(), Vec::new()];
        for (number, vectors) in expected.iter_mut().enumerate() {
            let version = folder.path().join(format!("encoder-{number}"));
            fs::create_dir(&version)?;
            shapes.minilm.write(20 + number as u64, &version)?;
            let output = load_bert(&version, &Device::Cpu)?.forward(&[&TOKENS])?;
            *vectors = output.flatten_all()?.to_vec1()?;
        }
        let writer = folder.path().join("writer");
        fs::create_dir(&writer)?;
        shapes.smollm2.write(Kind::Q8_0, 22, &writer)?;
        let megabytes = (fs::metadata(writer.join("model.gguf"))?.len() >> 20) + 1;
        let catalogue = format!(
            "[[artefact]]\nname = {MODEL:?}\ntask = \"text generation\"\nfamily = \"llama\"\nlicence = \"MIT\"\nmegabytes = {megabytes}\n\
             description = \"random weights\"\n\n[[artefact.source]]\nkind = \"folder\"\npath = {writer:?}\nfiles = [\"model.gguf\"]\n"
        );
        fs::write(folder.path().join("catalogue.toml"), catalogue)?;
        let stage = Self {
            folder,
            device,
            expected,
        };
        let store = aimass::model_store(&stage.config().models, &stage.cache())?;
        store.pull(MODEL, &mut Silent)?;
        Ok(stage)
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn source(&self, number: usize) -> EncoderSource {
        EncoderSource {
            folder: self.folder.path().join(format!("encoder-{number}")),
            version: ["encoder-0", "encoder-1"][number],
        }
    }

    /// Both agents on the device that is checked, with the processor as the fallback.
    fn config(&self) -> Config {
        let mut config = Config::default();
        for agent in aimass::AGENTS {
            config.agent_mut(agent.name).enabled = agent.name == WRITER;
        }
        config.models.catalogues = vec![self.folder.path().join("catalogue.toml")];
        config.agent_mut(WRITER).model = Some(MODEL.to_owned());
        for agent in [ENCODER, WRITER] {
            let config = config.agent_mut(agent);
            config.placement = vec![self.device.to_string(), "cpu".to_owned()];
            // One at a time: then each answer is that of a computation of its own.
            config.max_batch = 1;
        }
        config
    }

    fn team(&self, config: Config) -> Result<RuntimeBuilder, Box<dyn Error>> {
        Ok(aimass::team_in(config, &self.cache())?.agent(Encoder(self.source(0))))
    }

    fn is_first(&self, vectors: &[f32]) -> bool {
        apart(&self.expected[0], vectors) <= TOLERANCE
    }

    /// The verdict on a worker that must be on the device, and right.
    fn verdict(&self, worker: &WorkerStatus, is_right: bool, seen: &str) -> Verdict {
        let seen = format!("on {}, {seen}", worker.device);
        match is_right && worker.device == self.device {
            true => Verdict::Passed(seen),
            false => Verdict::Failed(seen),
        }
    }

    /// Runs all checks.
    pub(crate) async fn check(&self, report: &mut Report) {
        let mut tell = |what: &str, checked: Checked| {
            let failed = |error: Box<dyn Error>| Verdict::Failed(error.to_string());
            report.checked(what, checked.unwrap_or_else(failed));
        };
        tell("`auto` takes the device", self.auto().await);
        tell("two agents on one device", self.two_agents().await);
        tell(
            "a conversation goes on from the prefix cache",
            self.prefix().await,
        );
        tell("memory is accounted for", self.memory().await);
        tell(
            "models take turns within a memory budget",
            self.budget().await,
        );
        tell(
            "a panic: the restarted worker answers",
            self.restart().await,
        );
        tell("a swap takes effect", self.swap().await);
        tell(
            "a device that is not there: the fallback answers",
            self.absent().await,
        );
        tell(
            "a lost device: the fallback answers",
            self.lost(Order::LoseDeviceFirst).await,
        );
    }

    async fn auto(&self) -> Checked {
        let mut config = self.config();
        config.agent_mut(ENCODER).placement = vec!["auto".to_owned()];
        let mut team = self.team(config)?;
        if self.device == DeviceName::Cpu {
            // Whatever devices there are besides.
            team = team.devices(Vec::new());
        }
        let runtime = team.start().await?;
        let vectors = runtime.ask::<Encode>(Order::Encode).await?;
        let worker = worker(&runtime, ENCODER)?;
        runtime.shutdown().await;
        let is_right = self.is_first(&vectors);
        Ok(self.verdict(&worker, is_right, &format!("right: {is_right}")))
    }

    async fn two_agents(&self) -> Checked {
        let runtime = self.team(self.config())?.start().await?;
        let mut encoded = Vec::new();
        let mut written = Vec::new();
        for number in 0..TASKS {
            encoded.push(runtime.ask::<Encode>(Order::Encode));
            written.push(runtime.ask::<Complete>(prompt(&format!("hello {}", number % 2))));
        }
        let both = async {
            let mut right = 0;
            for vectors in encoded {
                right += usize::from(self.is_first(&vectors.await?));
            }
            Ok::<usize, Box<dyn Error>>(right)
        };
        let texts = async {
            let mut texts = Vec::new();
            for text in written {
                texts.push(text.await?.text);
            }
            Ok::<Vec<String>, Box<dyn Error>>(texts)
        };
        let (right, texts) = tokio::join!(both, texts);
        let (right, texts) = (right?, texts?);
        // The same prompt is written on in the same way.
        let same = (2..TASKS)
            .filter(|number| texts[*number] == texts[number - 2])
            .count();
        let (one, other) = (worker(&runtime, ENCODER)?, worker(&runtime, WRITER)?);
        runtime.shutdown().await;
        let is_right = right == TASKS && same == TASKS - 2 && one.device == other.device;
        let seen = format!(
            "{right} of {TASKS} encoded rightly, {same} of {} texts alike",
            TASKS - 2
        );
        Ok(self.verdict(&other, is_right, &seen))
    }

    async fn prefix(&self) -> Checked {
        let runtime = self.team(self.config())?.start().await?;
        let first = runtime.ask::<Complete>(prompt("hello again")).await?;
        let second = runtime.ask::<Complete>(prompt("hello again")).await?;
        let worker = worker(&runtime, WRITER)?;
        runtime.shutdown().await;
        let cached = second.usage.cached_tokens;
        let seen = format!("{cached} of {} tokens from it", second.usage.prompt_tokens);
        Ok(self.verdict(&worker, cached > 0 && first.text == second.text, &seen))
    }

    async fn memory(&self) -> Checked {
        let before = free(self.device);
        let runtime = self.team(self.config())?.start().await?;
        runtime.ask::<Encode>(Order::Encode).await?;
        runtime.ask::<Complete>(prompt("hello")).await?;
        let (one, other) = (worker(&runtime, ENCODER)?, worker(&runtime, WRITER)?);
        let taken = before.zip(free(self.device));
        runtime.shutdown().await;
        let counted = one.model_bytes + other.model_bytes;
        let mut seen = format!("{} MiB of models counted", counted >> 20);
        let mut is_true = one.model_bytes > 0 && other.model_bytes > 0;
        if let Some((before, after)) = taken {
            let taken = before.saturating_sub(after);
            seen = format!("{seen}, {} MiB less free on the device", taken >> 20);
            // Beside the models there are what is being computed and cuBLAS; a part of the language model is in the processor's memory.
            is_true &= taken >= one.model_bytes && taken <= counted + (1 << 30);
        }
        Ok(self.verdict(&one, is_true, &seen))
    }

    async fn budget(&self) -> Checked {
        let sizes = async |config: Config| -> Result<[u64; 2], Box<dyn Error>> {
            let runtime = self.team(config)?.start().await?;
            let sizes = [ENCODER, WRITER].map(|agent| worker(&runtime, agent));
            runtime.shutdown().await;
            let [one, other] = sizes;
            Ok([one?.model_bytes, other?.model_bytes])
        };
        let [one, other] = sizes(self.config()).await?;
        let mut config = self.config();
        config.runtime.memory_budget = Some(one.max(other) + one.min(other) / 4);
        let runtime = self.team(config)?.start().await?;
        let mut is_right = true;
        let mut alone = 0;
        for _ in 0..2 {
            is_right &= self.is_first(&runtime.ask::<Encode>(Order::Encode).await?);
            alone += usize::from(worker(&runtime, WRITER)?.state == "unloaded");
            runtime.ask::<Complete>(prompt("hello")).await?;
            alone += usize::from(worker(&runtime, ENCODER)?.state == "unloaded");
        }
        let worker = worker(&runtime, ENCODER)?;
        runtime.shutdown().await;
        let seen = format!("{alone} of 4 times one was alone");
        Ok(self.verdict(&worker, is_right && alone == 4, &seen))
    }

    async fn restart(&self) -> Checked {
        let runtime = self.team(self.config())?.start().await?;
        let vectors = runtime.ask::<Encode>(Order::PanicFirst).await?;
        let worker = worker(&runtime, ENCODER)?;
        runtime.shutdown().await;
        let is_right = self.is_first(&vectors);
        let seen = format!("right: {is_right}, restarts: {}", worker.restarts);
        Ok(self.verdict(&worker, is_right && worker.restarts == 1, &seen))
    }

    async fn swap(&self) -> Checked {
        let runtime = self.team(self.config())?.start().await?;
        let old = runtime.ask::<Encode>(Order::Encode).await?;
        runtime.swap(ENCODER, GROUP, self.source(1)).await?;
        let new = runtime.ask::<Encode>(Order::Encode).await?;
        let worker = worker(&runtime, ENCODER)?;
        runtime.shutdown().await;
        let is_right = self.is_first(&old) && apart(&self.expected[1], &new) <= TOLERANCE;
        let seen = format!("right: {is_right}, version {}", worker.model);
        Ok(self.verdict(&worker, is_right && !self.is_first(&new), &seen))
    }

    async fn absent(&self) -> Checked {
        let mut config = self.config();
        config.agent_mut(ENCODER).placement = vec!["cuda:97".to_owned(), self.device.to_string()];
        let runtime = self.team(config)?.start().await?;
        let vectors = runtime.ask::<Encode>(Order::Encode).await?;
        let worker = worker(&runtime, ENCODER)?;
        runtime.shutdown().await;
        let is_right = self.is_first(&vectors);
        Ok(self.verdict(&worker, is_right, &format!("right: {is_right}")))
    }

    /// A worker that loses the device goes on with the processor, and so does a task that was on it.
    pub(crate) async fn lost(&self, order: Order) -> Checked {
        let runtime = self.team(self.config())?.start().await?;
        runtime.ask::<Encode>(Order::Encode).await?;
        let before = worker(&runtime, ENCODER)?.device;
        let vectors = runtime.ask::<Encode>(order).await?;
        let after = worker(&runtime, ENCODER)?.device;
        runtime.shutdown().await;
        let is_right = self.is_first(&vectors);
        let seen = format!("from {before} to {after}, right: {is_right}");
        Ok(
            match is_right && before == self.device && after == DeviceName::Cpu {
                true => Verdict::Passed(seen),
                false => Verdict::Failed(seen),
            },
        )
    }
}

fn prompt(text: &str) -> GenerationInput {
    GenerationInput {
        max_tokens: Some(12),
        ..GenerationInput::prompt(text)
    }
}

fn worker(runtime: &Runtime, agent: &str) -> Result<WorkerStatus, Box<dyn Error>> {
    let agents = runtime.agents();
    let mut found = agents
        .into_iter()
        .filter(|state: &AgentState| state.name == agent);
    let worker = found
        .next()
        .and_then(|state| state.workers.into_iter().next());
    worker.ok_or_else(|| format!("expected a worker of `{agent}`, found none").into())
}

/// The free bytes of a device that has memory of its own.
fn free(device: DeviceName) -> Option<u64> {
    let name = device.to_string();
    let mut present = device::present().into_iter();
    Some(present.find(|device| device.name == name)?.free_bytes)
}
