//! Functions of one number, in vectors: what stands alone in a graph, and what a convolution does to its sums.

use super::on_cpu::{exp, widest};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unary {
    Abs,
    Ceil,
    /// Between the two bounds, which are kept.
    Clip(f32, f32),
    Cos,
    /// `x` where it is positive, else `alpha * (e^x - 1)`.
    Elu(f32),
    Erf,
    Exp,
    Floor,
    /// `x / 2 * (1 + erf(x / sqrt 2))`
    Gelu,
    /// `max(0, min(1, alpha * x + beta))`
    HardSigmoid(f32, f32),
    /// `x * max(0, min(1, x / 6 + 1 / 2))`
    HardSwish,
    /// `x` where it is positive, else `alpha * x`.
    LeakyRelu(f32),
    Log,
    Negate,
    Reciprocal,
    Relu,
    /// To the nearest whole number, halves to the even one.
    Round,
    /// `1 / sqrt x`
    ReciprocalRoot,
    Sigmoid,
    Sign,
    Sin,
    /// `ln(1 + e^x)`
    Softplus,
    Square,
    SquareRoot,
    /// `x * sigmoid(x)`
    Swish,
    Tanh,
}

impl Unary {
    /// Puts the function's value in the place of each number.
    pub(crate) fn apply(self, values: &mut [f32]) {
        widest(
            #[inline(always)]
            || self.apply_inlined(values),
        );
    }

    /// As [`Self::apply`], inside a loop that is compiled for the widest vectors already.
    #[inline(always)]
    pub(super) fn apply_inlined(self, values: &mut [f32]) {
        match self {
            Self::Abs => each(values, f32::abs),
            Self::Ceil => each(values, f32::ceil),
            Self::Clip(least, most) => each(values, |x| clip(x, least, most)),
            Self::Cos => each(values, f32::cos),
            Self::Elu(alpha) => each(values, |x| if x > 0.0 { x } else { alpha * x.exp_m1() }),
            Self::Erf => each(values, erf),
            Self::Exp => each(values, f32::exp),
            Self::Floor => each(values, f32::floor),
            Self::Gelu => each(values, |x| {
                0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
            }),
            Self::HardSigmoid(alpha, beta) => {
                each(values, |x| clip(alpha.mul_add(x, beta), 0.0, 1.0));
            }
            Self::HardSwish => each(values, |x| x * clip(x.mul_add(1.0 / 6.0, 0.5), 0.0, 1.0)),
            Self::LeakyRelu(alpha) => each(values, |x| if x < 0.0 { alpha * x } else { x }),
            Self::Log => each(values, f32::ln),
            Self::Negate => each(values, |x| -x),
            Self::Reciprocal => each(values, |x| 1.0 / x),
            Self::Relu => each(values, |x| if x < 0.0 { 0.0 } else { x }),
            Self::Round => each(values, f32::round_ties_even),
            Self::ReciprocalRoot => each(values, |x| 1.0 / x.sqrt()),
            Self::Sigmoid => each(values, sigmoid),
            Self::Sign => each(values, |x| if x == 0.0 { 0.0 } else { x.signum() }),
            Self::Sin => each(values, f32::sin),
            Self::Softplus => each(values, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
            Self::Square => each(values, |x| x * x),
            Self::SquareRoot => each(values, f32::sqrt),
            Self::Swish => each(values, |x| x * sigmoid(x)),
            Self::Tanh => each(values, f32::tanh),
        }
    }
}

#[inline(always)]
fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    for value in values {
        *value = function(*value);
    }
}

/// Written so that a NaN stays one, and without branches.
#[inline(always)]
fn clip(x: f32, least: f32, most: f32) -> f32 {
    let x = if x < least { least } else { x };
    if x > most { most } else { x }
}

/// `1 / (1 + e^-x)`, by the power of a number that is not positive, which does not overflow.
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    let power = exp(-x.abs());
    let share = 1.0 / (1.0 + power);
    if x < 0.0 { power * share } else { share }
}

/// The error function, to 5e-7.
///
/// Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26, in f64.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let wide = f64::from(x.abs());
    let t = 1.0 / (1.0 + 0.327_591_1 * wide);
    let mut series = 1.061_405_429;
    for coefficient in [-1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592] {
        series = series * t + coefficient;
    }
    let value = 1.0 - series * t * (-wide * wide).exp();
    (value as f32).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::Unary;

    fn of(function: Unary, x: f32) -> f32 {
        let mut values = [x];
        function.apply(&mut values);
        values[0]
    }

    #[test]
    fn a_number_that_is_none_stays_so() {
        for function in [
            Unary::Clip(0.0, 6.0),
            Unary::HardSwish,
            Unary::LeakyRelu(0.1),
            Unary::Relu,
            Unary::Sigmoid,
            Unary::Swish,
            Unary::Tanh,
        ] {
            assert!(of(function, f32::NAN).is_nan(), "{function:?}");
        }
    }

    #[test]
    fn functions_reach_their_limits() {
        assert_eq!(of(Unary::Sigmoid, 1e4), 1.0);
        assert!(of(Unary::Sigmoid, -1e4) < 1e-37);
        assert_eq!(of(Unary::Round, 2.5), 2.0);
        assert_eq!(of(Unary::HardSwish, 3.0), 3.0);
        assert_eq!(of(Unary::HardSwish, -3.0), 0.0);
        assert_eq!(of(Unary::Softplus, 200.0), 200.0);
    }
}
