//! Hard-swish and swish, which many files have as their parts.

use super::{made_by, makers, number};
use crate::graph::builder::{Builder, ValueId};
use crate::graph::operation::{Binary, Operation};
use crate::kernels::Unary;

const SIXTH: f32 = 1.0 / 6.0;

pub(super) fn fuse(builder: &mut Builder) {
    let makers = makers(builder);
    for at in 0..builder.nodes.len() {
        let finder = Finder {
            builder,
            makers: &makers,
        };
        let [output] = builder.nodes[at].outputs[..] else {
            continue;
        };
        if let Some((function, input)) = finder.activation(output) {
            let node = &mut builder.nodes[at];
            node.operation = Operation::Unary(function);
            node.inputs = vec![Some(input)];
        }
    }
}

struct Finder<'a> {
    builder: &'a Builder,
    makers: &'a [Option<usize>],
}

impl Finder<'_> {
    fn activation(&self, id: ValueId) -> Option<(Unary, ValueId)> {
        // x * clip(x + 3, 0, 6) / 6, with the division at the end or before the product.
        if let Some(product) = self.sixth(id)
            && let Some((one, other)) = self.factors(product)
        {
            for (x, share) in [(one, other), (other, one)] {
                if self.shifted(share) == Some(x) {
                    return Some((Unary::HardSwish, x));
                }
            }
        }
        let (one, other) = self.factors(id)?;
        for (x, share) in [(one, other), (other, one)] {
            if self.sixth(share).and_then(|share| self.shifted(share)) == Some(x) {
                return Some((Unary::HardSwish, x));
            }
            match made_by(self.builder, self.makers, share) {
                Some((Operation::Unary(Unary::Sigmoid), [Some(input)])) if *input == x => {
                    return Some((Unary::Swish, x));
                }
                Some((Operation::Unary(Unary::HardSigmoid(alpha, beta)), [Some(input)]))
                    if *input == x && (alpha - SIXTH).abs() < 1e-6 && (beta - 0.5).abs() < 1e-6 =>
                {
                    return Some((Unary::HardSwish, x));
                }
                _ => {}
            }
        }
        None
    }

    fn factors(&self, id: ValueId) -> Option<(ValueId, ValueId)> {
        match made_by(self.builder, self.makers, id)? {
            (Operation::Binary(Binary::Multiply), [Some(one), Some(other)]) => Some((*one, *other)),
            _ => None,
        }
    }

    /// Of what this is the sixth.
    fn sixth(&self, id: ValueId) -> Option<ValueId> {
        match made_by(self.builder, self.makers, id)? {
            (Operation::Binary(Binary::Divide), [Some(one), Some(six)]) => {
                (number(self.builder, *six)? == 6.0).then_some(*one)
            }
            (Operation::Binary(Binary::Multiply), [Some(one), Some(other)]) => {
                let is_sixth = |id: ValueId| {
                    number(self.builder, id).is_some_and(|number| (number - SIXTH).abs() < 1e-6)
                };
                match (is_sixth(*one), is_sixth(*other)) {
                    (_, true) => Some(*one),
                    (true, _) => Some(*other),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Of what this is `clip(x + 3, 0, 6)`.
    fn shifted(&self, id: ValueId) -> Option<ValueId> {
        let (Operation::Unary(Unary::Clip(0.0, 6.0)), [Some(sum)]) =
            made_by(self.builder, self.makers, id)?
        else {
            return None;
        };
        let (Operation::Binary(Binary::Add), [Some(one), Some(other)]) =
            made_by(self.builder, self.makers, *sum)?
        else {
            return None;
        };
        match (number(self.builder, *one), number(self.builder, *other)) {
            (_, Some(3.0)) => Some(*one),
            (Some(3.0), _) => Some(*other),
            _ => None,
        }
    }
}
