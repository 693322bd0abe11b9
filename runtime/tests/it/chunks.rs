//! Chunks over a fault: an attempt that takes the place of a lost one hears them from the first on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aimass_config::Config;
use aimass_runtime::{
    Agent, AgentDefinition, BatchIndex, Chunk, ClientStreaming, Fault, FlowContext, FlowSkill,
    Fresh, ModelSkill, Runtime, ServerStreaming, Skill, SkillSpec, Step, StepContext, TaskError,
    WorkerGroup,
};

/// The chunk at which a listener panics, once.
const UNLUCKY: u32 = 13;

/// Adds up chunks in silence.
#[derive(Clone, Default)]
struct Listen(Arc<AtomicBool>);

impl Listen {
    fn recv(&self, chunk: u32) -> u32 {
        assert!(
            chunk != UNLUCKY || self.0.swap(true, Ordering::SeqCst),
            "an unlucky chunk"
        );
        chunk
    }
}

impl Skill for Listen {
    const NAME: &'static str = "ear.listen";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Adds up chunks in silence")
            .sends::<Self>()
            .takes::<Self>()
    }
}

impl ServerStreaming for Listen {
    type Item = u32;
}

impl ClientStreaming for Listen {
    type Chunk = u32;
}

impl ModelSkill for Listen {
    type Model = ();
    type Job = Vec<u32>;

    fn begin(
        &self,
        (): &mut (),
        inputs: Vec<Arc<u32>>,
        _: &mut StepContext<'_>,
    ) -> Result<Vec<u32>, Fault> {
        Ok(inputs.iter().map(|start| **start).collect())
    }

    fn step(
        &self,
        (): &mut (),
        sums: &mut Vec<u32>,
        context: &mut StepContext<'_>,
    ) -> Result<Step<u32>, Fault> {
        match context.next_chunk::<u32>(BatchIndex(0))? {
            Chunk::Pending => Ok(Step::Waiting),
            Chunk::End => Ok(Step::Finished),
            Chunk::Item(chunk) => {
                sums[0] += self.recv(chunk);
                Ok(Step::Continue)
            }
        }
    }

    fn finish(
        &self,
        (): &mut (),
        sums: Vec<u32>,
        _: &mut StepContext<'_>,
    ) -> Vec<(BatchIndex, Result<u32, Fault>)> {
        vec![(BatchIndex(0), Ok(sums[0]))]
    }
}

/// The same as a flow.
#[derive(Clone, Default)]
struct Follow(Listen);

impl Skill for Follow {
    const NAME: &'static str = "ear.follow";
    type Input = u32;
    type Output = u32;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Adds up chunks in silence")
            .sends::<Self>()
            .takes::<Self>()
    }
}

impl ServerStreaming for Follow {
    type Item = u32;
}

impl ClientStreaming for Follow {
    type Chunk = u32;
}

impl FlowSkill for Follow {
    async fn run(&self, input: Arc<u32>, context: FlowContext) -> Result<u32, Fault> {
        let mut sum = *input;
        while let Some(chunk) = context.next_chunk::<u32>().await? {
            sum += self.0.recv(chunk);
        }
        Ok(sum)
    }
}

struct Ear;

impl Agent for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    fn define(&self, definition: AgentDefinition) -> Result<AgentDefinition, Fault> {
        let group = WorkerGroup::new("model", Fresh(|| ())).skill(Listen::default());
        Ok(definition.group(group).flow(Follow::default()))
    }
}

async fn runtime() -> Runtime {
    let builder = Runtime::builder(Config::default()).agent(Ear);
    builder.start().await.unwrap()
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_live_stream_loses_none_of_its_chunks() {
    let runtime = runtime().await;
    let (chunks, sums) = runtime.open::<Listen>(100).unwrap();
    for chunk in [1, 2, UNLUCKY, 4] {
        chunks.send(chunk).await.unwrap();
    }
    drop(chunks);
    assert_eq!(sums.output().await.unwrap(), 120);

    let (chunks, sums) = runtime.open::<Follow>(100).unwrap();
    for chunk in [1, 2, UNLUCKY, 4] {
        chunks.send(chunk).await.unwrap();
    }
    drop(chunks);
    assert_eq!(sums.output().await.unwrap(), 120);
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_panic_after_more_chunks_than_are_kept_interrupts_the_stream() {
    let runtime = runtime().await;
    let (chunks, sums) = runtime.open::<Listen>(0).unwrap();
    let sending = async move {
        for _ in 0..1000 {
            chunks.send(1).await?;
        }
        chunks.send(UNLUCKY).await
    };
    let (_, ended) = tokio::join!(sending, sums.output());
    let error = ended.unwrap_err();
    assert!(matches!(error, TaskError::Interrupted { .. }), "{error}");
    runtime.shutdown().await;
}
