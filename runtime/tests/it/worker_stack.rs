//! What an agent costs: a worker touches little of its stack for tasks that need nothing special.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchSkill, Fault, Fresh, Recorder, Runtime, Skill, SkillSpec,
    StepContext, WorkerGroup,
};

/// Where the worker's stack is.
type Place = Arc<AtomicUsize>;

/// `shallow.place`: says where its stack is, and gives its input back.
#[derive(Clone)]
struct Locate(Place);

impl Skill for Locate {
    const NAME: &'static str = "shallow.place";
    type Input = u64;
    type Output = u64;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says where its stack is")
    }
}

impl BatchSkill for Locate {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<u64>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<u64, Fault>> {
        let here = 0_u8;
        let address = std::ptr::from_ref(std::hint::black_box(&here)).addr();
        self.0.store(address, Ordering::Release);
        inputs.iter().map(|input| Ok(**input)).collect()
    }
}

struct Shallow(Locate);

impl Agent for Shallow {
    fn name(&self) -> &str {
        "shallow"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("model", Fresh(|| ()));
        Ok(definition.group(group.skill(self.0.clone())))
    }
}

/// How many KiB of the mapping around `address` are in memory.
fn touched_kib(address: usize) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut is_it = false;
    for line in maps.lines() {
        let range = line
            .split_once(' ')
            .and_then(|(range, _)| range.split_once('-'));
        let number = |text| usize::from_str_radix(text, 16).ok();
        if let Some((from, to)) = range.and_then(|(from, to)| number(from).zip(number(to))) {
            is_it = (from..to).contains(&address);
        }
        if let Some(size) = line.strip_prefix("Anonymous:").filter(|_| is_it) {
            return size.trim().trim_end_matches(" kB").parse().unwrap();
        }
    }
    panic!("no mapping holds {address:#x}");
}

/// What is rare stays out of the functions that each task passes, or their frames would have room
/// for it, and each worker's stack.
#[tokio::test]
async fn a_worker_touches_little_of_its_stack() {
    let locate = Locate(Place::default());
    let builder = Runtime::builder(Config::default()).agent(Shallow(locate.clone()));
    let runtime = builder.observer(Recorder::default()).start().await.unwrap();
    for input in 0..100 {
        let output = runtime.ask::<Locate>(input).await;
        assert_eq!(output.unwrap(), input);
    }
    let touched = touched_kib(locate.0.load(Ordering::Acquire));
    runtime.shutdown().await;
    assert!(
        touched <= 16,
        "{touched} KiB of a worker's stack are in memory"
    );
}
