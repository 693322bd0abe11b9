//! The event log: every record as one line of JSON, in a file.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use aimass_config::files::{is_own_descriptor, open_to_append};
use aimass_runtime::{Observer, Record};

use crate::content::Content;

/// Appends every record to a file, one line of JSON each.
///
/// When the file would grow past its limit it is renamed to `NAME.old`, over the one before, and a new one begins: so the log
/// takes at most twice the limit. A disk that is full costs records, not agents; it is reported once, and once more when it is over.
///
/// A link goes on leading to the log, and a log keeps its mode. What is no plain file, such as `/dev/stderr` or a pipe, has no limit and keeps its name;
/// a pipe that is full costs records as a disk does.
///
/// What errors and panics say is left out, since it may quote what a task was given; [`Self::with_content`] writes it too.
#[derive(Debug)]
pub struct JsonLines {
    content: Content,
    path: PathBuf,
    file: BufWriter<File>,
    written: u64,
    /// None for what is no plain file.
    limit: Option<u64>,
    lost: u64,
}

impl JsonLines {
    /// Appends to the file at `path`, which is made when it is missing; it may grow to `limit` bytes.
    ///
    /// # Errors
    /// The operating system's answer when the file cannot be opened for appending.
    pub fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let file = open_to_append(path)?;
        let metadata = file.metadata()?;
        // What somebody led standard error to stays there.
        let begins_anew = metadata.is_file() && !is_own_descriptor(path);
        Ok(Self {
            content: Content::Hidden,
            path: match begins_anew {
                true => fs::canonicalize(path)?,
                false => path.to_owned(),
            },
            file: BufWriter::new(file),
            written: metadata.len(),
            limit: begins_anew.then_some(limit.max(1)),
            lost: 0,
        })
    }

    /// Writes also what errors and panics say: what `observers.content` asks for.
    pub fn with_content(mut self) -> Self {
        self.content = Content::Shown;
        self
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let grown = self.written + line.len() as u64;
        if self.written > 0 && self.limit.is_some_and(|limit| grown > limit) {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let mode = self.file.get_ref().metadata()?.permissions();
        let mut old = self.path.clone().into_os_string();
        old.push(".old");
        fs::rename(&self.path, old)?;
        let file = open_to_append(&self.path)?;
        file.set_permissions(mode)?;
        self.file = BufWriter::new(file);
        self.written = 0;
        Ok(())
    }

    fn note(&mut self, written: io::Result<()>) {
        let path = self.path.display();
        match written {
            Err(error) => {
                if self.lost == 0 {
                    tracing::warn!(%path, %error, "the event log cannot be written; records are lost until it can");
                }
                self.lost += 1;
            }
            Ok(()) if self.lost > 0 => {
                tracing::warn!(%path, lost = self.lost, "the event log is written again");
                self.lost = 0;
            }
            Ok(()) => {}
        }
    }
}

impl Observer for JsonLines {
    fn observe(&mut self, record: &Record) {
        let record = match self.content {
            Content::Shown => Cow::Borrowed(record),
            Content::Hidden => record.without_words(),
        };
        let written = serde_json::to_vec(&*record)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.write(&line)
            });
        self.note(written);
    }

    fn flush(&mut self) {
        let flushed = self.file.flush();
        if flushed.is_err() {
            self.note(flushed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::Command;

    use aimass_runtime::{
        AgentChanged, Epoch, Namespace, Note, Priority, Record, ServiceChange, ServiceChanged,
        SpanId, TaskFinished, TaskId, TaskNote, TaskOutcome, TraceId, Usage, WorkerChange,
        WorkerChanged, WorkerId,
    };
    use serde_json::{Value, json};

    use super::*;

    fn record(agent: &str) -> Record {
        Record::Agent(AgentChanged {
            agent: agent.into(),
            at_ns: 7,
            failed: None,
        })
    }

    #[test]
    fn every_record_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        for agent in ["text", "line\nbreak"] {
            let mut log = JsonLines::open(&path, 1 << 20).unwrap();
            log.observe(&record(agent));
            log.flush();
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let expected =
            |agent: &str| json!({"record": "agent", "agent": agent, "at_ns": 7, "failed": null});
        assert_eq!(lines, [expected("text"), expected("line\nbreak")]);
    }

    fn finished() -> TaskFinished {
        TaskFinished {
            task: TaskId::from_u128(1),
            namespace: Namespace::default(),
            agent: "text".into(),
            skill: "text.embed".into(),
            episode: None,
            rule: None,
            cause: None,
            redrive_of: Some(TaskId::from_u128(9)),
            trace: TraceId::from_u128(2),
            span: SpanId::from_u64(3),
            parent: Some(SpanId::from_u64(4)),
            caller: None,
            earlier_attempt: None,
            sampled: true,
            priority: Priority::Background,
            runs: 2,
            steps: 5,
            model_ns: 70,
            usage: Usage {
                input_tokens: 11,
                output_tokens: 12,
            },
            place: None,
            input_bytes: 6,
            items: 0,
            accepted_ns: 100,
            started_ns: Some(110),
            first_item_ns: None,
            finished_ns: Some(190),
            settled_ns: 200,
            outcome: TaskOutcome::Error {
                error: "rejected".to_owned(),
                message: "expected a text,\ngot none".to_owned(),
            },
        }
    }

    #[test]
    fn the_record_of_a_task_has_all_its_fields() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let log = JsonLines::open(&path, 1 << 20).unwrap();
        let mut log = log.with_content();
        log.observe(&Record::Task(Box::new(finished())));
        log.flush();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "record": "task",
            "task": "00000000000000000000000000000001",
            "namespace": "default",
            "agent": "text",
            "skill": "text.embed",
            "episode": null,
            "rule": null,
            "cause": null,
            "redrive_of": "00000000000000000000000000000009",
            "trace": "00000000000000000000000000000002",
            "span": "0000000000000003",
            "parent": "0000000000000004",
            "caller": null,
            "earlier_attempt": null,
            "sampled": true,
            "priority": "background",
            "runs": 2,
            "steps": 5,
            "model_ns": 70,
            "usage": {"input_tokens": 11, "output_tokens": 12},
            "place": null,
            "input_bytes": 6,
            "items": 0,
            "accepted_ns": 100,
            "started_ns": 110,
            "first_item_ns": null,
            "finished_ns": 190,
            "settled_ns": 200,
            "outcome": {
                "kind": "error",
                "error": "rejected",
                "message": "expected a text,\ngot none",
            },
        });
        assert_eq!(line, expected);
    }

    /// One of each record that has words which may quote what a task was given.
    fn quoting(secret: &str) -> Vec<Record> {
        let secret = || secret.to_owned();
        let worker = |change| {
            Record::Worker(WorkerChanged {
                agent: "text".into(),
                worker: WorkerId(0),
                epoch: Epoch(1),
                at_ns: 7,
                change,
            })
        };
        let letter = TaskNote {
            agent: "text".into(),
            task: TaskId::from_u128(1),
            at_ns: 7,
            note: Note::DeadLettered { cause: secret() },
        };
        let mut task = finished();
        task.outcome = TaskOutcome::Error {
            error: "rejected".to_owned(),
            message: secret(),
        };
        vec![
            Record::Task(Box::new(task)),
            worker(WorkerChange::Panicked { message: secret() }),
            worker(WorkerChange::LoadFailed { message: secret() }),
            worker(WorkerChange::TakenDown { cause: secret() }),
            Record::Note(letter),
            Record::Agent(AgentChanged {
                agent: "text".into(),
                at_ns: 7,
                failed: Some(secret()),
            }),
            Record::Service(ServiceChanged {
                service: "reactions".into(),
                at_ns: 7,
                change: ServiceChange::GivenUp { cause: secret() },
            }),
        ]
    }

    #[test]
    fn what_errors_and_panics_say_is_written_only_with_content() {
        let folder = tempfile::tempdir().unwrap();
        let text = |name: &str, content: Content| {
            let path = folder.path().join(name);
            let mut log = JsonLines::open(&path, 1 << 20).unwrap();
            if content == Content::Shown {
                log = log.with_content();
            }
            let records = quoting("my password is 1234");
            records.iter().for_each(|record| log.observe(record));
            log.flush();
            fs::read_to_string(&path).unwrap()
        };
        let shown = text("shown", Content::Shown);
        assert_eq!(shown.matches("password").count(), 7, "{shown}");
        let hidden = text("hidden", Content::Hidden);
        assert!(!hidden.contains("password"), "{hidden}");
        // That it happened is still told, by its kind.
        for kept in ["rejected", "panicked", "load_failed", "dead_lettered"] {
            assert!(hidden.contains(kept), "{kept}: {hidden}");
        }
        assert_eq!(hidden.lines().count(), 7);
    }

    #[test]
    fn the_log_takes_at_most_twice_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = JsonLines::open(&path, 500).unwrap();
        for _ in 0..100 {
            log.observe(&record("text"));
        }
        log.flush();
        let sizes: Vec<u64> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), 2);
        assert!(
            sizes.iter().all(|size| *size <= 500 && *size > 0),
            "{sizes:?}"
        );
    }

    #[test]
    fn a_log_keeps_its_name_its_mode_and_the_links_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (log, link) = (folder.path().join("log"), folder.path().join("link"));
        fs::write(&log, "").unwrap();
        fs::set_permissions(&log, Permissions::from_mode(0o600)).unwrap();
        symlink("log", &link).unwrap();
        let mut lines = JsonLines::open(&link, 1).unwrap();
        for _ in 0..3 {
            lines.observe(&record("text"));
        }
        lines.flush();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        for name in ["log", "log.old"] {
            let metadata = fs::metadata(folder.path().join(name)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
            assert!(metadata.len() > 0, "{name}");
        }
    }

    #[test]
    fn a_pipe_or_a_device_as_a_log_stays_what_it_is_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        assert!(JsonLines::open(&pipe, 1).is_err(), "nobody reads it");
        // Holds it open for reading, and reads nothing.
        let held = aimass_config::files::open_at_once(&pipe).unwrap();
        let mut lines = JsonLines::open(&pipe, 1).unwrap();
        for _ in 0..10_000 {
            lines.observe(&record("text"));
        }
        lines.flush();
        assert!(lines.lost > 0, "a pipe has room for some kilobytes");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        drop(held);
        let mut lines = JsonLines::open(Path::new("/dev/null"), 1).unwrap();
        for _ in 0..3 {
            lines.observe(&record("text"));
        }
        lines.flush();
        assert_eq!((lines.lost, lines.limit), (0, None));
    }

    #[test]
    fn a_full_disk_costs_records_and_nothing_else() {
        let Ok(mut log) = JsonLines::open(Path::new("/dev/full"), u64::MAX) else {
            return;
        };
        for _ in 0..1000 {
            log.observe(&record("text"));
        }
        log.flush();
        assert!(log.lost > 0);
    }
}
