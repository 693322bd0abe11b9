//! What became of a durable task is found by its id: by another caller, and in another process.

use std::path::Path;

use aimass_runtime::{Environment, EnvironmentOptions, Runtime, TaskError, TaskId};

use crate::obedient::{Obedient, Obey, Order, tight};

async fn begin(folder: &Path, agent: &Obedient) -> Runtime {
    let config = tight();
    let options = EnvironmentOptions::from(&config.environment);
    let environment = Environment::open(folder, options).unwrap();
    let builder = Runtime::builder(config).agent(agent.clone());
    builder.environment(environment).start().await.unwrap()
}

/// Asks durably, and lets the task go on.
async fn detached(runtime: &Runtime, order: Order) -> TaskId {
    let asked = runtime.ask_durable::<Obey>(order).detach().await;
    asked.unwrap()
}

/// Waits until the task has an outcome.
async fn settled(runtime: &Runtime, task: TaskId) -> Result<u64, TaskError> {
    loop {
        if let Some(outcome) = runtime.outcome::<Obey>(task).unwrap() {
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_a_durable_task_is_found_by_its_id_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Obedient::default();
    let runtime = begin(folder.path(), &agent).await;
    let waits = detached(&runtime, Order::AtTheGate(3)).await;
    assert_eq!(runtime.outcome::<Obey>(waits), Ok(None), "it is under way");
    // While the worker waits, neither of them can have failed before it is let go.
    let refused = detached(&runtime, Order::Reject).await;
    let panics = detached(&runtime, Order::Panic).await;
    agent.gate.open();
    assert_eq!(settled(&runtime, waits).await, Ok(3));
    let check = async |runtime: &Runtime| {
        assert_eq!(settled(runtime, waits).await, Ok(3));
        let rejected = settled(runtime, refused).await;
        assert!(
            matches!(rejected, Err(TaskError::Rejected { .. })),
            "{rejected:?}"
        );
        let given_up = settled(runtime, panics).await;
        assert!(
            matches!(given_up, Err(TaskError::DeadLettered { .. })),
            "{given_up:?}"
        );
        let unknown = runtime.outcome::<Obey>(TaskId::random()).unwrap_err();
        assert!(unknown.to_string().contains("never one"), "{unknown}");
    };
    check(&runtime).await;
    assert_eq!(runtime.shutdown().await.environment, None);
    drop(runtime);

    let runtime = begin(folder.path(), &agent).await;
    check(&runtime).await;
    runtime.shutdown().await;
}
