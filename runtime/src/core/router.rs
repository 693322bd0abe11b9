//! The router: which agent offers a skill.

use std::sync::Arc;

use aimass_locale::nearest;
use dashmap::DashMap;
use tokio::sync::oneshot;

use crate::core::call::Pending;
use crate::core::ticket::Ticket;
use crate::core::{AgentCore, CoreSkill, Place};
use crate::error::TaskError;
use crate::ledger::event::SkillId;

/// A table from a skill's name to who offers it.
#[derive(Default)]
pub(crate) struct Router {
    routes: DashMap<Arc<str>, Route>,
    /// Older names, which are found and never proposed.
    aliases: DashMap<Arc<str>, Route>,
}

/// Who offers a skill.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) core: Arc<AgentCore>,
    pub(crate) skill: SkillId,
}

impl Route {
    pub(crate) fn skill(&self) -> &CoreSkill {
        &self.core.skills[usize::from(self.skill.0)]
    }

    /// Hands a task to its agent, at its place if it has one.
    pub(crate) fn submit(&self, ticket: Arc<Ticket>, place: Option<Place>) -> Pending {
        let (reply, replies) = oneshot::channel();
        self.core.submit(ticket.clone(), reply, place);
        Pending::new(ticket, self.core.clone(), replies)
    }
}

impl Router {
    /// Adds a skill; gives the agent that offers one of that name already.
    pub(crate) fn add(&self, name: Arc<str>, route: Route) -> Option<Arc<str>> {
        let present = self.route(&name);
        if present.is_none() {
            self.routes.insert(name, route);
        }
        present.map(|present| present.core.name.clone())
    }

    /// Adds an older name of a skill; gives the agent that offers one of that name already.
    pub(crate) fn add_alias(&self, alias: &str, route: Route) -> Option<Arc<str>> {
        let present = self.route(alias);
        if present.is_none() {
            self.aliases.insert(alias.into(), route);
        }
        present.map(|present| present.core.name.clone())
    }

    /// Takes out the skills of an agent.
    pub(crate) fn remove(&self, core: &AgentCore) {
        self.routes
            .retain(|_, route| !std::ptr::eq(&*route.core, core));
    }

    /// Who offers the skill.
    ///
    /// # Errors
    /// [`TaskError::UnknownSkill`] with the nearest name that there is.
    pub(crate) fn find(&self, skill: &str) -> Result<Route, TaskError> {
        self.route(skill).ok_or_else(|| TaskError::UnknownSkill {
            skill: shorten(skill),
            nearest: self.nearest(skill),
        })
    }

    fn route(&self, name: &str) -> Option<Route> {
        let route = self.routes.get(name);
        let route = route.or_else(|| self.aliases.get(name));
        route.map(|route| route.clone())
    }

    fn nearest(&self, skill: &str) -> Option<String> {
        let names: Vec<Arc<str>> = self
            .routes
            .iter()
            .map(|route| route.key().clone())
            .collect();
        let (near, distance) = nearest(names.iter().map(|name| &**name), skill)?;
        (distance <= near.len() / 2).then(|| near.to_owned())
    }
}

fn shorten(name: &str) -> String {
    name.chars().take(200).collect()
}
