//! Episodes as their callers see them: begun, waited for, reported.

use std::sync::{Arc, Weak};

use aimass_environment::{EnvironmentError, EpisodeId, EpisodeRecord, EpisodeStatus, Transaction};

use crate::error::TaskError;
use crate::observer::Record;
use crate::reactions::{
    Episode, EpisodeReport, Next, Root, RuleHost, RunningEpisode, go_on_when_quiet, read_inputs,
    report_at,
};
use crate::runtime::{Inner, Runtime, environment_error};

impl Runtime {
    /// Puts an episode's input into the environment and lets the team work on it until nothing is under way.
    ///
    /// It is durable: when the process dies, the next one finishes the work, and [`Self::report`] waits for it.
    ///
    /// # Errors
    /// [`TaskError::Environment`] when the store does not take the input.
    pub async fn run(&self, episode: Episode) -> Result<EpisodeReport, TaskError> {
        let running = self.begin_episode(episode).await?;
        let mut report = self.report(running.id).await?;
        report.refused = running.refused;
        Ok(report)
    }

    /// As [`Self::run`], without waiting for the end.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn begin_episode(&self, episode: Episode) -> Result<RunningEpisode, TaskError> {
        let Episode {
            id,
            namespace,
            paths,
            mut facts,
            trace,
        } = episode;
        let namespace = self.inner.tenant(namespace);
        let parent = trace.or_else(|| self.inner.current_span());
        let clock = &self.inner.clock;
        let begun_ns = clock.unix_nanos(clock.now());
        // Folders are walked and files looked at where blocking harms nobody.
        let kinds = self.inner.members().views.file_kinds().clone();
        let environment = self.inner.environment.clone();
        let read = move || read_inputs(&paths, &kinds, &|hash| environment.blob_path(hash));
        let read = tokio::task::spawn_blocking(read).await;
        let inputs = read.map_err(|error| TaskError::Bug {
            skill: "run".to_owned(),
            message: error.to_string(),
        })?;
        facts.extend(inputs.facts);
        let root = Root::new(parent, facts.len(), begun_ns);
        let transaction = Transaction {
            namespace: namespace.clone(),
            episode: Some(id),
            begins: vec![EpisodeRecord {
                namespace,
                about: root.about(),
                ..EpisodeRecord::new(id)
            }],
            facts: facts
                .into_iter()
                .map(|fact| (fact, root.provenance()))
                .collect(),
            ..Transaction::default()
        };
        let known = self
            .inner
            .environment
            .snapshot()
            .and_then(|snapshot| snapshot.episode(id));
        if known
            .map_err(|error| environment_error("run", &error))?
            .is_none()
        {
            let committed = self.inner.environment.commit(transaction).await;
            committed.map_err(|error| environment_error("run", &error))?;
        }
        Ok(RunningEpisode {
            id,
            refused: inputs.failures,
        })
    }

    /// Waits until nothing of the episode is under way, and gives what it came to.
    ///
    /// # Errors
    /// [`TaskError::Environment`] when there is no such episode, or the store cannot be read.
    pub async fn report(&self, episode: EpisodeId) -> Result<EpisodeReport, TaskError> {
        let at_store = |error| environment_error("run", &error);
        self.until_nothing_follows(episode).await?;
        // The environment knows a settlement before the observers hear of it.
        for core in &self.inner.members().cores {
            core.answered(episode).await;
        }
        let environment = &self.inner.environment;
        let status = environment.snapshot().and_then(|all| all.episode(episode));
        let status = status.map_err(at_store)?;
        let finish = Transaction {
            finishes: vec![episode],
            ..Transaction::default()
        };
        environment.commit(finish).await.map_err(at_store)?;
        let report = self.report_now(episode).map_err(at_store)?;
        if let Some(status) = status.filter(|status| !status.done) {
            self.tell_of_end(&status, &report);
        }
        Ok(report)
    }

    /// Waits until nothing of the episode is under way, and its round has had all its idle rules.
    async fn until_nothing_follows(&self, episode: EpisodeId) -> Result<(), TaskError> {
        let at_store = |error| environment_error("run", &error);
        let environment = &self.inner.environment;
        let host: Weak<dyn RuleHost> = Arc::<Inner>::downgrade(&self.inner);
        let mut watch = environment.watch_episode(episode).map_err(at_store)?;
        loop {
            let idle = watch.wait_for(|status| status.is_idle()).await;
            let idle = idle.map(|status| status.clone());
            let Ok(status) = idle else {
                // It was forgotten, unless the environment is gone.
                environment.check_open().map_err(at_store)?;
                return Err(at_store(EnvironmentError::UnknownEpisode { episode }));
            };
            let next = go_on_when_quiet(&host, environment, &status).await;
            match next.map_err(at_store)? {
                Next::Rule => {}
                Next::Nothing => return Ok(()),
                Next::Closing => {
                    return Err(TaskError::ShuttingDown {
                        skill: "run".to_owned(),
                    });
                }
            }
        }
    }

    fn tell_of_end(&self, status: &EpisodeStatus, report: &EpisodeReport) {
        let events = &self.inner.events;
        if !events.is_listening() {
            return;
        }
        let failures = report.failures.len() as u64;
        let now = self.inner.clock.unix_nanos(self.inner.clock.now());
        if let Some(finished) = Root::finished(status, failures, now) {
            events.emit(|| Record::Episode(finished));
        }
    }

    /// What the episode has come to at this moment, finished or not.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the store cannot be read.
    pub fn report_now(&self, episode: EpisodeId) -> Result<EpisodeReport, EnvironmentError> {
        let snapshot = self.inner.environment.snapshot()?;
        let members = self.inner.members();
        report_at(&snapshot, episode, &members.reactions, &members.idle_rules)
    }
}
