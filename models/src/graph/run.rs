//! The run of a graph.

use candle_core::Tensor;

use super::Graph;
use super::builder::{Node, TENSOR_LIMIT};
use super::outline::{Arguments, Inputs, Known, Outline};
use crate::ModelError;
use crate::weights::tensor_bytes;

/// More bytes the values of a run may not have at once, its inputs and constants left out.
const LIVE_LIMIT: usize = 4 << 30;
const OPERATION: &str = "run a graph";

impl Graph {
    /// Runs the graph. `inputs` are those of [`Self::inputs`], in any order, in the processor's memory; returns the
    /// outputs in the order of [`Self::outputs`].
    ///
    /// # Errors
    /// [`ModelError::Input`] if an input is missing, unknown, of another type or other sides, or if a value would be
    /// too large; [`ModelError::Compute`] if candle fails.
    pub fn run(&self, inputs: &[(&str, Tensor)]) -> Result<Vec<Tensor>, ModelError> {
        let mut values: Vec<Option<Tensor>> = vec![None; self.values.len()];
        self.take_inputs(inputs, &mut values)?;
        let mut live = 0usize;
        for (node, released) in self.nodes.iter().zip(&self.released) {
            let outputs = self.run_node(node, &values, live)?;
            for (id, output) in node.outputs.iter().zip(outputs) {
                live += tensor_bytes(&output);
                values[*id] = Some(output);
            }
            for id in released {
                // Constants are not among the values.
                if let Some(tensor) = values[*id].take() {
                    live = live.saturating_sub(tensor_bytes(&tensor));
                }
            }
        }
        let outputs = self.output_ids.iter().map(|id| {
            let value = values[*id].as_ref().or(self.values[*id].constant.as_ref());
            value
                .cloned()
                .ok_or_else(|| self.refuse("a value for each output", "none"))
        });
        outputs.collect()
    }

    fn take_inputs(
        &self,
        given: &[(&str, Tensor)],
        values: &mut [Option<Tensor>],
    ) -> Result<(), ModelError> {
        if let Some((name, _)) = given
            .iter()
            .find(|(name, _)| self.inputs.iter().all(|port| port.name != *name))
        {
            let names: Vec<&str> = self.inputs.iter().map(|port| &*port.name).collect();
            return Err(self.refuse(format!("the inputs {names:?}"), format!("`{name}`")));
        }
        for (port, id) in self.inputs.iter().zip(&self.input_ids) {
            let expected = &self.values[*id].outline;
            let found = given.iter().find(|(name, _)| *name == port.name);
            let Some((_, tensor)) = found else {
                return Err(self.refuse(format!("the input `{}`", port.name), "none"));
            };
            if !expected.admits(tensor) || !tensor.device().is_cpu() {
                let expected = format!(
                    "the input `{}` of type {:?} and the sides {:?} in the processor's memory",
                    port.name, port.dtype, port.sides
                );
                return Err(self.refuse(
                    expected,
                    format!("{:?} {:?}", tensor.dtype(), tensor.dims()),
                ));
            }
            Outline::of(tensor)
                .bytes()
                .map_err(|error| self.refuse("inputs that are not too large", error.to_string()))?;
            values[*id] = Some(tensor.clone());
        }
        Ok(())
    }

    fn run_node(
        &self,
        node: &Node,
        values: &[Option<Tensor>],
        live: usize,
    ) -> Result<Vec<Tensor>, ModelError> {
        let refuse = |error: &dyn std::fmt::Display| {
            self.refuse(
                format!("inputs that node {} can take", node.name),
                error.to_string(),
            )
        };
        let value = |id: usize| values[id].as_ref().or(self.values[id].constant.as_ref());
        let mut arguments = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            let argument = match input {
                Some(id) => Some(value(*id).ok_or_else(|| refuse(&"a value that is not there"))?),
                None => None,
            };
            arguments.push(argument);
        }
        let outlines: Vec<Outline> = arguments
            .iter()
            .flatten()
            .map(|tensor| Outline::of(tensor))
            .collect();
        let mut outlines = outlines.iter();
        let known: Vec<Option<Known<'_>>> = arguments
            .iter()
            .map(|argument| {
                let value = (*argument)?;
                let outline = outlines.next()?;
                Some(Known {
                    outline,
                    value: Some(value),
                })
            })
            .collect();
        let inferred = node
            .operation
            .infer(Inputs(&known))
            .map_err(|error| refuse(&error))?;
        let mut bytes = live;
        for outline in &inferred {
            let these = outline.bytes().map_err(|error| refuse(&error))?;
            bytes = bytes.saturating_add(these);
            if these > TENSOR_LIMIT || bytes > LIVE_LIMIT {
                return Err(refuse(&format!(
                    "a value of {these} bytes beside {live} others"
                )));
            }
        }
        node.operation
            .run(Arguments(&arguments), &inferred)
            .map_err(ModelError::compute(OPERATION))
    }

    fn refuse(&self, expected: impl Into<String>, found: impl Into<String>) -> ModelError {
        ModelError::Input {
            operation: OPERATION,
            expected: expected.into(),
            found: found.into(),
            advice: format!("give what `{}` takes", self.path.display()),
        }
    }
}
