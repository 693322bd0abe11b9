//! What the network remembers between two stretches of the same recording.

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// Values of the network's memory.
pub(super) const HIDDEN: usize = 128;
/// How many of the last samples the next frame hears again.
pub(super) const CONTEXT: usize = 64;

/// What the network remembers of a recording. Begin each recording with a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SileroState {
    /// The last output of the long short-term memory: 128 values.
    pub(super) hidden: Vec<f32>,
    /// Its cells: 128 values.
    pub(super) cell: Vec<f32>,
    /// The last 64 samples.
    pub(super) context: Vec<f32>,
}

impl Default for SileroState {
    fn default() -> Self {
        Self {
            hidden: vec![0.0; HIDDEN],
            cell: vec![0.0; HIDDEN],
            context: vec![0.0; CONTEXT],
        }
    }
}

impl SileroState {
    /// A state may come from outside, where anything can happen to it.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let parts = [
            ("hidden", &self.hidden, HIDDEN),
            ("cell", &self.cell, HIDDEN),
            ("context", &self.context, CONTEXT),
        ];
        for (name, values, expected) in parts {
            if values.len() != expected || !values.iter().all(|value| value.is_finite()) {
                return Err(ModelError::Input {
                    operation: "look for speech",
                    expected: format!("a state with {expected} finite numbers in `{name}`"),
                    found: format!("{} numbers", values.len()),
                    advice: "give back the state of the stretch before, or none at the beginning"
                        .to_owned(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_what_it_wrote_and_a_spoilt_one_is_refused() {
        let mut state = SileroState::default();
        state.cell[3] = 0.1;
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<SileroState>(&json).unwrap(), state);
        state.check().unwrap();
        state.cell[3] = f32::NAN;
        assert!(state.check().is_err());
        state.cell = vec![0.0; 5];
        let error = state.check().unwrap_err().to_string();
        assert!(error.contains("128 finite numbers in `cell`"), "{error}");
    }
}
