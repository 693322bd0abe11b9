//! What the conformance suite does to a runtime, and asks of it, that no caller can.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use aimass_environment::{Fact, FactKind, TaskId};
use serde_json::Value;

use crate::core::group_runner::GroupRunner;
use crate::core::{AgentCore, Runner};
use crate::error::TaskError;
use crate::ledger::event::{Event, GroupId};
use crate::runtime::Runtime;
use crate::runtime::ask::JsonChunks;
use crate::skill::Delivery;
use crate::task::TaskOptions;
use crate::view::FactView;

impl Runtime {
    /// As [`Self::ask_json`], with the task handed over before this returns. Dropping the future cancels it.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`] and [`TaskError::InvalidInput`]; else the future gives what becomes of the task.
    pub fn call_json(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<impl Future<Output = Result<Value, TaskError>> + Send + use<>, TaskError> {
        let call = self.decode(skill, input, options)?;
        let pending = self.call(call)?;
        Ok(async move {
            let skill = pending.ticket.skill_name.to_string();
            let output = pending.await?.to_json();
            output.map_err(|message| TaskError::Bug { skill, message })
        })
    }

    /// Asks so that the task outlives this process, and nobody waits for it.
    ///
    /// # Errors
    /// As [`Ask::detach`](crate::Ask::detach).
    pub async fn detach_json(
        &self,
        skill: &str,
        input: Value,
        options: TaskOptions,
    ) -> Result<TaskId, TaskError> {
        let call = self.decode(skill, input, options)?;
        self.call_durable(call).await?.detach()
    }

    /// The names of the types of the items that a task sends, be they declared or not. What becomes of the task is not told.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`] and [`TaskError::InvalidInput`].
    pub async fn item_types(
        &self,
        skill: &str,
        input: Value,
        chunks: &[Value],
    ) -> Result<BTreeSet<&'static str>, TaskError> {
        let dyn_skill = self.inner.router.find(skill)?.skill().dyn_skill.clone();
        let call = self.decode(skill, input, TaskOptions::default())?;
        let takes_chunks = dyn_skill.spec().delivery == Delivery::ClientStreaming;
        let (sender, mut stream) = match takes_chunks {
            true => {
                let (sender, stream) = self.converse(call)?;
                (Some(JsonChunks::new(sender, dyn_skill)), stream)
            }
            false => (None, self.listen(call)?),
        };
        let sending = async move {
            let Some(sender) = sender else { return };
            for chunk in chunks {
                let _ = sender.send(chunk.clone()).await;
            }
        };
        let hearing = async {
            let mut types = BTreeSet::new();
            while let Some(item) = stream.next_item().await {
                types.insert(item.type_name());
            }
            types
        };
        let ((), types) = tokio::join!(sending, hearing);
        Ok(types)
    }

    /// The kinds of the facts that the skill's outputs become, as far as somebody brings a view of
    /// them.
    pub fn viewed_kinds(&self, skill: &str) -> BTreeSet<FactKind> {
        let members = self.inner.members();
        let reactions = members.reactions.iter();
        let reactions = reactions.filter(|rule| &*rule.skill == skill);
        let idle_rules = members.idle_rules.iter();
        let idle_rules = idle_rules.filter(|rule| &*rule.skill == skill);
        let produced = reactions.filter_map(|rule| rule.produces.clone());
        let produced = produced.chain(idle_rules.filter_map(|rule| rule.produces.clone()));
        let kinds = produced.chain(FactKind::new(skill, 1).ok());
        kinds.filter(|kind| members.views.has(kind)).collect()
    }

    /// As [`Views::of`](crate::Views::of), as the author's view makes it; none where its value has
    /// not the form that the view knows.
    ///
    /// # Errors
    /// What a panic of the view said.
    pub fn view_made(&self, fact: &Fact, subject: &str) -> Result<Option<FactView>, String> {
        self.inner.members().views.made(fact, subject)
    }

    /// Whether the skill is a flow; `false` when there is no such skill.
    pub fn is_flow(&self, skill: &str) -> bool {
        let route = self.inner.router.find(skill);
        route.is_ok_and(|route| {
            let group = usize::from(route.skill().group.0);
            matches!(route.core.groups[group].runner, Runner::Flow(_))
        })
    }

    /// Lets an agent take new versions of its models, whatever their sources say. Does nothing without an agent of that name.
    pub fn renew_models(&self, agent: &str) {
        for (core, group, runner) in self.models(agent) {
            runner.renew();
            core.tell(Event::Swap(group));
        }
    }

    /// Lets an agent give the memory of its models back. Does nothing without an agent of that name.
    pub fn unload_models(&self, agent: &str) {
        for (core, group, _) in self.models(agent) {
            core.unload(group);
        }
    }

    /// Returns once the agent holds no task, and all that it held are told of; at once without an agent of that name.
    pub async fn emptied(&self, agent: &str) {
        if let Some(core) = self.core(agent) {
            core.emptied().await;
        }
    }

    /// Returns once all threads and tasks have ended that this runtime has started. It does not keep the runtime.
    pub fn threads_ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let spawner = self.inner.spawner.clone();
        async move { spawner.ended().await }
    }

    fn core(&self, agent: &str) -> Option<Arc<AgentCore>> {
        self.inner.members().core(agent).cloned()
    }

    fn models(&self, agent: &str) -> Vec<(Arc<AgentCore>, GroupId, Arc<dyn GroupRunner>)> {
        let Some(core) = self.core(agent) else {
            return Vec::new();
        };
        let numbered = core.groups.iter().enumerate();
        let models = numbered.filter_map(|(at, group)| match &group.runner {
            Runner::Model(runner) => Some((core.clone(), GroupId(at as u16), runner.clone())),
            Runner::Flow(_) => None,
        });
        models.collect()
    }
}
