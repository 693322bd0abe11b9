//! Steady memory: how long the whole team takes to start, and what memory it takes before and after many mixed tasks. It ends with 1 when the memory
//! has grown by more than a bound. Linux only: it reads `/proc`.
//! `cargo run --release --example steady_memory [TASKS]`, after `aimass models pull minilm silero-vad whisper-base smollm2 ssd-mobilenet-v2
//! efficientnet-lite0 mtcnn pp-ocr-v4`.

#![expect(clippy::print_stdout, reason = "it tells what it has measured")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use aimass::generation::{Chat, Complete, GenerationInput};
use aimass::image::{
    Describe, DescribeInput, Detect as DetectObjects, DetectInput as ObjectsInput,
};
use aimass::speech::{AudioInput, Detect, DetectInput, Transcribe, TranscribeInput};
use aimass::text::{Classify, ClassifyInput, Embed, Labels, Language, TextInput};
use aimass::{Clock, Config, Runtime, TaskError, cache_dir};

const USUAL_TASKS: u64 = 10_000;
/// Tasks under way at once.
const CALLERS: u64 = 4;
/// What is kept of conversations. That grows up to its bound by intention, so the bound is one that some 200 of the tasks fill.
const KEPT_CONVERSATIONS: u32 = 16 << 20;
/// How much more memory may be resident after all tasks than after the first tenth of them. The allocator's free pieces and what is kept of conversations
/// come and go by some MiB; of 10,000 tasks, a leak of 2 KiB in each comes to more.
const BOUND: u64 = 16 << 20;
const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/models/goldens/silero/speech.wav"
);
const PHOTOGRAPH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/inbox/astronaut.jpg");

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["start"] => block_on(start()),
        ["work", tasks] => block_on(work(tasks.parse()?)),
        [] => measure(USUAL_TASKS),
        [tasks] => measure(tasks.parse()?),
        _ => Err("expected nothing, or how many tasks".into()),
    }
}

fn block_on(
    work: impl Future<Output = Result<ExitCode, Box<dyn Error>>>,
) -> Result<ExitCode, Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

/// Starts processes that do what is measured and nothing else.
fn measure(tasks: u64) -> Result<ExitCode, Box<dyn Error>> {
    let size = forget_models()?;
    println!(
        "start-up, {} of models; cold: the system was told to forget them (`posix_fadvise`)",
        mebibytes(size)
    );
    for temperature in ["cold", "warm"] {
        let clock = Clock::start();
        let begun = clock.now();
        let mut process = again(&["start"])?;
        let said = process.stdout.take().ok_or("a pipe for its output")?;
        print!("  {temperature}:");
        for line in BufReader::new(said).lines() {
            let seconds = clock.now().since(begun).as_secs_f64();
            print!(" {} after {seconds:.2} s;", line?);
        }
        println!();
        if !process.wait()?.success() {
            return Err("the process that was to start did not".into());
        }
    }
    let worked = Command::new(std::env::current_exe()?)
        .args(["work", &tasks.to_string()])
        .envs(ONE_THREAD)
        .status()?;
    Ok(match worked.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// As the program itself has it: workers compute side by side, each in its own thread.
const ONE_THREAD: [(&str, &str); 2] = [("RAYON_NUM_THREADS", "1"), ("CANDLE_NUM_THREADS", "1")];

fn again(arguments: &[&str]) -> Result<Child, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).envs(ONE_THREAD);
    Ok(command.stdout(Stdio::piped()).spawn()?)
}

/// Tells the system that the models' files need not stay in its memory; it need not listen. Gives how many bytes they have.
fn forget_models() -> Result<u64, Box<dyn Error>> {
    let mut bytes = 0;
    let cache = cache_dir().unwrap_or_else(|| PathBuf::from("."));
    let mut folders = vec![cache];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let file = File::open(entry.path())?;
            forget(&file)?;
            bytes += file.metadata()?.len();
        }
    }
    Ok(bytes)
}

#[cfg(target_os = "linux")]
fn forget(file: &File) -> Result<(), Box<dyn Error>> {
    // Only what is on the disk can be forgotten.
    file.sync_all()?;
    Ok(rustix::fs::fadvise(
        file,
        0,
        None,
        rustix::fs::Advice::DontNeed,
    )?)
}

#[cfg(not(target_os = "linux"))]
fn forget(_: &File) -> Result<(), Box<dyn Error>> {
    Err("expected Linux, whose `/proc` and `posix_fadvise` this needs".into())
}

/// The team with its store in `folder`.
async fn team(folder: &Path) -> Result<Runtime, Box<dyn Error>> {
    let mut config = Config::default();
    let generation = config.agent_mut("generation");
    generation.settings.set("cache_bytes", KEPT_CONVERSATIONS);
    Ok(aimass::team(config)?.store(folder)?.start().await?)
}

/// One answer by each model, all asked at once: the first task of each loads it.
async fn wake(runtime: &Runtime) -> Result<(), TaskError> {
    let generating = GenerationInput {
        max_tokens: Some(1),
        ..GenerationInput::prompt("Good morning")
    };
    tokio::try_join!(
        runtime.ask::<Embed>(TextInput::text("Good morning")),
        runtime.ask::<Detect>(DetectInput::of(AudioInput::path(RECORDING))),
        runtime.ask::<Transcribe>(recording()),
        // All models of the image agent but the optional one.
        runtime.ask::<Describe>(DescribeInput::path(PHOTOGRAPH)),
        runtime.ask::<Complete>(generating),
    )?;
    Ok(())
}

/// Says when the runtime is there, and when each model has given an answer.
async fn start() -> Result<ExitCode, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let runtime = team(folder.path()).await?;
    println!("ready");
    wake(&runtime).await?;
    let read = number_of("/proc/self/io", "read_bytes:")?;
    println!("all answered, {} read from the disk,", mebibytes(read));
    runtime.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

async fn work(tasks: u64) -> Result<ExitCode, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let runtime = team(folder.path()).await?;
    println!("memory (resident, the most that ever was)");
    tell_memory("at start")?;
    wake(&runtime).await?;
    tell_memory("all models loaded")?;
    let clock = Clock::start();
    let begun = clock.now();
    let mut after_tenths = Vec::new();
    for tenth in 0..10 {
        let of = tasks * tenth / 10..tasks * (tenth + 1) / 10;
        let caller =
            |caller: u64| call(&runtime, of.clone().filter(move |n| n % CALLERS == caller));
        tokio::try_join!(caller(0), caller(1), caller(2), caller(3))?;
        after_tenths.push(tell_memory(&format!("after {} tasks", of.end))?);
    }
    let seconds = clock.now().since(begun).as_secs_f64();
    let restarts = runtime
        .agents()
        .iter()
        .flat_map(|agent| &agent.workers)
        .map(|worker| worker.restarts)
        .sum::<u64>();
    runtime.shutdown().await;
    let (first, last) = (after_tenths[0], after_tenths[9]);
    let growth = last.saturating_sub(first);
    println!(
        "{tasks} tasks in {seconds:.0} s, {restarts} workers restarted; grown by {} since the first tenth, {} are allowed",
        mebibytes(growth),
        mebibytes(BOUND)
    );
    Ok(match growth > BOUND {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

async fn call(runtime: &Runtime, numbers: impl Iterator<Item = u64>) -> Result<(), TaskError> {
    for number in numbers {
        task(runtime, number).await?;
    }
    Ok(())
}

/// One of the mixed tasks. Of 1,000 there are 530 `text.embed`, 210 `text.language`, 160 `text.classify`, 40 `speech.detect`, 48 of generation, 8 `image.detect`,
/// 2 `image.describe` and 2 `speech.transcribe`.
async fn task(runtime: &Runtime, number: u64) -> Result<(), TaskError> {
    if number.is_multiple_of(500) {
        return runtime.ask::<Transcribe>(recording()).await.map(drop);
    }
    if number % 500 == 250 {
        let input = DescribeInput::path(PHOTOGRAPH);
        return runtime.ask::<Describe>(input).await.map(drop);
    }
    let text = text(number);
    match number % 100 {
        50 => {
            let input = ObjectsInput::path(PHOTOGRAPH);
            runtime.ask::<DetectObjects>(input).await.map(drop)
        }
        ..5 => generate(runtime, number, text).await,
        5..9 => {
            let input = DetectInput::of(AudioInput::path(RECORDING));
            runtime.ask::<Detect>(input).await.map(drop)
        }
        9..30 => {
            let input = TextInput::text(&text);
            runtime.ask::<Language>(input).await.map(drop)
        }
        30..46 => {
            let input = ClassifyInput {
                text: Some(text),
                path: None,
                labels: Labels::Commas("complaint, invoice, invitation".to_owned()),
            };
            runtime.ask::<Classify>(input).await.map(drop)
        }
        _ => runtime.ask::<Embed>(TextInput::text(&text)).await.map(drop),
    }
}

async fn generate(runtime: &Runtime, number: u64, text: String) -> Result<(), TaskError> {
    let input = GenerationInput {
        max_tokens: Some(1 + number as u32 % 8),
        temperature: Some(0.8),
        seed: Some(number),
        ..GenerationInput::prompt(text)
    };
    match number % 2 {
        0 => runtime.ask::<Complete>(input).await.map(drop),
        _ => runtime.ask::<Chat>(input).await.map(drop),
    }
}

fn recording() -> TranscribeInput {
    TranscribeInput {
        beam_size: Some(1),
        ..TranscribeInput::of(AudioInput::path(RECORDING))
    }
}

/// Up to 120 words, other ones for each number.
fn text(number: u64) -> String {
    const WORDS: [&str; 16] = [
        "the parcel",
        "came",
        "two weeks",
        "late",
        "and",
        "a cup",
        "was broken",
        "in the harbour",
        "an invoice",
        "over",
        "forty euros",
        "please",
        "return",
        "my money",
        "by Tuesday",
        "again",
    ];
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    // Most texts are short.
    let more = if number.is_multiple_of(10) { 60 } else { 12 };
    let words = 4 + next(more);
    let words: Vec<&str> = (0..words).map(|_| WORDS[next(16) as usize]).collect();
    format!("{}: {}.", number, words.join(" "))
}

/// Says how much memory there is, and gives what is resident.
fn tell_memory(when: &str) -> Result<u64, Box<dyn Error>> {
    let status = "/proc/self/status";
    let [resident, most] = ["VmRSS:", "VmHWM:"].map(|name| number_of(status, name));
    let [resident, most] = [resident? << 10, most? << 10];
    println!("  {when}: {}, {}", mebibytes(resident), mebibytes(most));
    Ok(resident)
}

/// The number behind a name in one of the files by which Linux tells of a process.
fn number_of(file: &str, name: &str) -> Result<u64, Box<dyn Error>> {
    let content = fs::read_to_string(file)?;
    let line = content.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .ok_or_else(|| format!("expected `{name}` in {file}"))?
        .parse()?)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
