//! An hour under kills: a recording is transcribed once in peace and once while the worker is killed every ten seconds. The transcripts must be the same.
//! `cargo run --release --example hour_under_kills [MINUTES [SECONDS]]`

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aimass::models::audio::{AudioFile, SAMPLE_RATE};
use aimass::models::{Silent, Store};
use aimass::speech::{
    AudioInput, DetectActivity, Recognize, Segment, SileroSource, Transcribe, TranscribeInput,
    Transcript, WhisperSource,
};
use aimass::{
    Agent, AgentDefinition, BatchIndex, Clock, Config, Fault, ModelSkill, Observer, Record,
    Runtime, Skill, SkillSpec, Step, StepContext, Time, WorkerGroup, cache_dir, model_store,
};

const MODELS: [&str; 2] = ["silero-vad", "whisper-base"];
/// The longest recording that the agent hears: a day.
const MOST_MINUTES: u32 = 24 * 60;
/// Workers that a window of the recording may bring down before it is given up.
const MOST_DEATHS: u32 = 10;
/// What the recording is made of: readers of novels and of playing cards, with other pauses each time.
const RECORDINGS: [&str; 6] = [
    "examples/inbox/reading.flac",
    "models/goldens/silero/speech.wav",
    "models/goldens/whisper/recordings/003.flac",
    "models/goldens/whisper/recordings/005.flac",
    "models/goldens/whisper/recordings/sense_and_sensibility_01_austen_64kb-0880.flac",
    "models/goldens/whisper/recordings/sense_and_sensibility_01_austen_64kb-0930.flac",
];

/// Kills a worker every so often. Clones share it.
#[derive(Clone)]
struct Reaper {
    every: Duration,
    /// When it strikes next, in nanoseconds of the runtime's clock.
    next: Arc<AtomicU64>,
    /// Whether a task has come to its end since it struck. On a machine so busy that no window is done between two kills, nothing would ever be.
    ended: Arc<AtomicBool>,
    kills: Arc<AtomicU64>,
}

impl Reaper {
    /// One that strikes every so often; none means never.
    fn new(every: Option<Duration>) -> Self {
        let first = every.map_or(Time::NEVER, |every| Time::default() + every);
        Self {
            every: every.unwrap_or_default(),
            next: Arc::new(AtomicU64::new(first.0)),
            ended: Arc::default(),
            kills: Arc::default(),
        }
    }

    /// Unwinds the worker's thread, if its time has come.
    fn pass(&self, now: Time) {
        let next = self.next.load(Ordering::SeqCst);
        if now.0 < next || !self.ended.load(Ordering::SeqCst) {
            return;
        }
        // Of the workers that pass at the same time, one dies.
        let later = (now + self.every).0;
        let exchanged = self
            .next
            .compare_exchange(next, later, Ordering::SeqCst, Ordering::SeqCst);
        if exchanged.is_err() {
            return;
        }
        self.ended.store(false, Ordering::SeqCst);
        self.kills.fetch_add(1, Ordering::SeqCst);
        // A panic like any other, but for its message on the terminal.
        std::panic::resume_unwind(Box::new("the reaper was here"));
    }
}

/// A skill of the speech agent, on a worker that the reaper knows.
struct Mortal<S>(S, Reaper);

impl<S: Skill> Skill for Mortal<S> {
    const NAME: &'static str = S::NAME;
    type Input = S::Input;
    type Output = S::Output;

    fn spec(&self) -> SkillSpec {
        self.0.spec()
    }

    fn input_bytes(&self, input: &S::Input) -> u64 {
        self.0.input_bytes(input)
    }
}

impl<S: ModelSkill> ModelSkill for Mortal<S> {
    type Model = S::Model;
    type Job = S::Job;

    fn begin(
        &self,
        model: &mut S::Model,
        inputs: Vec<Arc<S::Input>>,
        context: &mut StepContext<'_>,
    ) -> Result<S::Job, Fault> {
        self.0.begin(model, inputs, context)
    }

    fn join(
        &self,
        model: &mut S::Model,
        job: &mut S::Job,
        inputs: Vec<Arc<S::Input>>,
        context: &mut StepContext<'_>,
    ) -> Result<(), Vec<Arc<S::Input>>> {
        self.0.join(model, job, inputs, context)
    }

    fn step(
        &self,
        model: &mut S::Model,
        job: &mut S::Job,
        context: &mut StepContext<'_>,
    ) -> Result<Step<S::Output>, Fault> {
        self.1.pass(context.now());
        let step = self.0.step(model, job, context)?;
        if matches!(step, Step::Settled(_) | Step::Finished) {
            self.1.ended.store(true, Ordering::SeqCst);
        }
        Ok(step)
    }

    fn finish(
        &self,
        model: &mut S::Model,
        job: S::Job,
        context: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<S::Output, Fault>)> {
        self.0.finish(model, job, context)
    }
}

/// The speech agent's transcription, with workers that the reaper knows.
struct MortalAgent(Store, Reaper);

impl Agent for MortalAgent {
    fn name(&self) -> &str {
        "speech"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let [activity, whisper] = MODELS;
        let activity = WorkerGroup::new(activity, SileroSource::new(self.0.clone(), "silero-vad")?);
        let whisper = WorkerGroup::new(whisper, WhisperSource::new(self.0.clone(), whisper)?);
        let recognize = Mortal(Recognize, self.1.clone());
        Ok(definition
            .group(activity.skill(Mortal(DetectActivity, self.1.clone())))
            .group(whisper.skill(recognize))
            .flow(Transcribe))
    }
}

/// Counts tasks by how often they were begun.
#[derive(Clone, Default)]
struct Begun {
    once: Arc<AtomicU64>,
    again: Arc<AtomicU64>,
}

impl Observer for Begun {
    fn observe(&mut self, record: &Record) {
        let Record::Task(task) = record else {
            return;
        };
        let count = if task.runs > 1 {
            &self.again
        } else {
            &self.once
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// What came of a hearing, and what it cost.
struct Heard {
    transcript: Transcript,
    seconds: f64,
    kills: u64,
    restarts: u64,
    tasks: u64,
    begun_again: u64,
    peak: String,
}

/// Transcribes the recording with workers that die as the reaper says.
async fn hear(
    store: &Store,
    path: &Path,
    every: Option<Duration>,
) -> Result<Heard, Box<dyn Error>> {
    forget_peak();
    let (clock, reaper, begun) = (Clock::start(), Reaper::new(every), Begun::default());
    let mut config = Config::default();
    // That nothing is lost is shown here; after how many deaths a window is given up is another matter.
    config.defaults.max_attempts = MOST_DEATHS;
    let runtime = Runtime::builder(config)
        .agent(MortalAgent(store.clone(), reaper.clone()))
        .observer(begun.clone())
        .start()
        .await?;
    // One hypothesis is quicker than the usual five, and an hour is long.
    let input = TranscribeInput {
        beam_size: Some(1),
        ..TranscribeInput::of(AudioInput::path(path))
    };
    let mut stream = runtime.stream::<Transcribe>(input)?;
    let mut sent: Vec<Segment> = Vec::new();
    while let Some(segment) = stream.next().await {
        sent.push(segment?);
    }
    let transcript = stream.output().await?;
    let seconds = clock.now().since(Time::default()).as_secs_f64();
    if sent != transcript.segments {
        return Err("the segments that were sent are not those of the transcript".into());
    }
    runtime.flush_observers().await;
    let agents = runtime.agents();
    let workers = agents.iter().flat_map(|agent| &agent.workers);
    let heard = Heard {
        transcript,
        seconds,
        kills: reaper.kills.load(Ordering::SeqCst),
        restarts: workers.map(|worker| worker.restarts).sum(),
        tasks: begun.once.load(Ordering::SeqCst) + begun.again.load(Ordering::SeqCst),
        begun_again: begun.again.load(Ordering::SeqCst),
        peak: peak(),
    };
    runtime.shutdown().await;
    Ok(heard)
}

/// Where two transcripts differ first; none if nowhere.
fn difference(peace: &Transcript, killed: &Transcript) -> Option<String> {
    if peace == killed {
        return None;
    }
    let mut pairs = peace.segments.iter().zip(&killed.segments);
    Some(match pairs.find(|(one, other)| one != other) {
        Some((one, other)) => format!("in peace {one:?}, under kills {other:?}"),
        None => format!(
            "{} segments in peace, {} under kills",
            peace.segments.len(),
            killed.segments.len()
        ),
    })
}

/// Writes a recording of so many minutes, in 16 bits; never more of it in memory than its parts.
fn record(path: &Path, minutes: u32) -> Result<(), Box<dyn Error>> {
    let parts: Vec<Vec<f32>> = RECORDINGS
        .into_iter()
        .map(samples)
        .collect::<Result<_, _>>()?;
    let length = minutes * 60 * SAMPLE_RATE;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&wav_header(length))?;
    // Numbers that look like chance and are the same in each run.
    let mut chance = 1_u64;
    let mut below = |most: usize| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (chance >> 33) as usize % most
    };
    let mut left = length as usize;
    while left > 0 {
        // From a breath to three seconds, within which a window may close or not.
        let pause = SAMPLE_RATE as usize / 4 + below(3 * SAMPLE_RATE as usize);
        let part = &parts[below(parts.len())];
        let samples = part.iter().copied().chain(std::iter::repeat_n(0.0, pause));
        for sample in samples.take(left) {
            file.write_all(&((sample * 32_767.0) as i16).to_le_bytes())?;
        }
        left = left.saturating_sub(part.len() + pause);
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

fn samples(name: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut file = AudioFile::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name))?;
    let mut samples = Vec::new();
    while let Some(block) = file.next_block()? {
        samples.extend(block);
    }
    Ok(samples)
}

/// The header of a wav file with so many samples of 16 bits, in one channel.
fn wav_header(samples: u32) -> Vec<u8> {
    let bytes = 2 * samples;
    let mut header = [b"RIFF", &(36 + bytes).to_le_bytes()[..], b"WAVEfmt "].concat();
    header.extend(16_u32.to_le_bytes());
    header.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    header.extend(
        [SAMPLE_RATE, 2 * SAMPLE_RATE]
            .map(u32::to_le_bytes)
            .concat(),
    );
    header.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    header.extend([&b"data"[..], &bytes.to_le_bytes()].concat());
    header
}

/// The most memory that the process has had since [`forget_peak`], where Linux tells it.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    match kib.and_then(|kib| kib.parse::<u64>().ok()) {
        Some(kib) => format!("{} MiB", kib / 1024),
        None => "unknown".to_owned(),
    }
}

fn forget_peak() {
    // Where this is refused, the second peak is that of both hearings: no less than its own.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let minutes: u32 = arguments.next().map_or(Ok(60), |text| text.parse())?;
    if !(1..=MOST_MINUTES).contains(&minutes) {
        return Err(format!("expected 1 to {MOST_MINUTES} minutes, got {minutes}").into());
    }
    let every: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let config = Config::default();
    let cache = cache_dir().unwrap_or_else(|| PathBuf::from("."));
    let store = model_store(&config.models, &cache)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hour.wav");
    for model in MODELS {
        store.pull(model, &mut Silent)?;
    }
    record(&path, minutes)?;

    let peace = hear(&store, &path, None).await?;
    let words = peace.transcript.text.split_whitespace().count();
    let segments = peace.transcript.segments.len();
    say(&format!(
        "{minutes} min of audio: {segments} segments, {words} words"
    ))?;
    let (seconds, tasks, memory) = (peace.seconds, peace.tasks, &peace.peak);
    say(&format!(
        "in peace: {seconds:.1} s, {tasks} tasks, peak memory {memory}"
    ))?;
    let killed = hear(&store, &path, Some(Duration::from_secs(every))).await?;
    let (seconds, tasks, memory) = (killed.seconds, killed.tasks, &killed.peak);
    say(&format!(
        "killed every {every} s: {seconds:.1} s, {tasks} tasks, peak memory {memory}; {} kills, {} restarts, {} tasks begun again",
        killed.kills, killed.restarts, killed.begun_again
    ))?;
    if killed.kills == 0 {
        say("no worker was killed: ask for more minutes, or fewer seconds")?;
        return Ok(ExitCode::FAILURE);
    }
    if let Some(difference) = difference(&peace.transcript, &killed.transcript) {
        say(&format!("the transcripts differ: {difference}"))?;
        return Ok(ExitCode::FAILURE);
    }
    say("the same transcript, each segment once")?;
    Ok(ExitCode::SUCCESS)
}
