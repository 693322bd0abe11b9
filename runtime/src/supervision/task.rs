//! One task that a service has started, such as a connection of a node, and the end of it.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::core::task_link::{TaskEnded, TaskLink};

/// Looks after one task. The task goes on when this actor dies: another one takes it over.
pub(super) struct TaskActor;

impl Actor for TaskActor {
    type Msg = TaskEnded;
    type State = Arc<TaskLink>;
    type Arguments = Arc<TaskLink>;

    async fn pre_start(
        &self,
        myself: ActorRef<TaskEnded>,
        link: Arc<TaskLink>,
    ) -> Result<Arc<TaskLink>, ActorProcessingErr> {
        if let Some(end) = link.join(myself.clone()) {
            let _ = myself.cast(TaskEnded(end));
        }
        Ok(link)
    }

    async fn handle(
        &self,
        myself: ActorRef<TaskEnded>,
        TaskEnded(end): TaskEnded,
        _: &mut Arc<TaskLink>,
    ) -> Result<(), ActorProcessingErr> {
        end?;
        myself.stop(None);
        Ok(())
    }
}
