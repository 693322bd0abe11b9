//! An observer that keeps all records in memory, for tests.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::observer::{Observer, Record, TaskFinished};

/// Keeps all records in memory. Cloning it shares them: give one clone to the runtime and read the other.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    records: Arc<Mutex<Vec<Record>>>,
}

impl Recorder {
    /// All records so far. Ask the runtime to flush its observers first.
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().clone()
    }

    /// The records of tasks that ended so far.
    pub fn tasks(&self) -> Vec<TaskFinished> {
        let of_task = |record: &Record| match record {
            Record::Task(task) => Some((**task).clone()),
            _ => None,
        };
        self.records.lock().iter().filter_map(of_task).collect()
    }
}

impl Observer for Recorder {
    fn observe(&mut self, record: &Record) {
        self.records.lock().push(record.clone());
    }
}
