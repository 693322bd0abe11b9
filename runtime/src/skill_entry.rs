//! Skills with their types erased: what the router and the workers hold.

use std::sync::Arc;

use crate::agent::WorkerGroup;
use crate::model::ModelSource;
use crate::skill::{FlowSkill, ModelSkill, Skill, SkillSpec};

/// A model skill whose input, output and job types are erased; only the model's type is left.
pub(crate) struct SkillEntry<M> {
    pub(crate) spec: SkillSpec,
    _model: std::marker::PhantomData<fn(&mut M)>,
}

impl<M: 'static> SkillEntry<M> {
    pub(crate) fn new<K: ModelSkill<Model = M>>(skill: K) -> Self {
        Self {
            spec: Skill::spec(&skill),
            _model: std::marker::PhantomData,
        }
    }
}

/// A worker group whose model type is erased.
pub(crate) struct GroupEntry {
    pub(crate) name: String,
    pub(crate) specs: Vec<SkillSpec>,
}

impl GroupEntry {
    pub(crate) fn new<S: ModelSource>(group: WorkerGroup<S>) -> Self {
        let WorkerGroup {
            name,
            source,
            skills,
        } = group;
        drop::<Arc<S>>(source);
        Self {
            name,
            specs: skills.into_iter().map(|skill| skill.spec).collect(),
        }
    }
}

/// A flow whose types are erased.
pub(crate) struct FlowEntry {
    pub(crate) spec: SkillSpec,
}

impl FlowEntry {
    pub(crate) fn new<F: FlowSkill>(flow: F) -> Self {
        Self { spec: flow.spec() }
    }
}
