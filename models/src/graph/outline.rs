//! What is known of a value before it is there: its type and its sides.

use candle_core::{DType, Result, Tensor, bail};

/// The sides of a value; those that only a run knows are `None`.
pub(super) type Sides = Vec<Option<usize>>;

/// More numbers no tensor may have.
pub(super) const COUNT_LIMIT: usize = (1 << 31) - 1;

/// Type and sides of a value. Numbers are f32, whole numbers i64, truth values and bytes u8: other types are widened when they are read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outline {
    pub(super) dtype: DType,
    /// `None` while even their number is unknown.
    pub(super) sides: Option<Sides>,
}

impl Outline {
    pub(super) fn unknown(dtype: DType) -> Self {
        Self { dtype, sides: None }
    }

    pub(super) fn new(dtype: DType, sides: Sides) -> Self {
        let sides = Some(sides);
        Self { dtype, sides }
    }

    pub(super) fn fixed(dtype: DType, sides: &[usize]) -> Self {
        Self::new(dtype, sides.iter().copied().map(Some).collect())
    }

    pub(super) fn of(tensor: &Tensor) -> Self {
        Self::fixed(tensor.dtype(), tensor.dims())
    }

    /// The sides, if all are known.
    pub(super) fn known(&self) -> Option<Vec<usize>> {
        self.sides.as_ref()?.iter().copied().collect()
    }

    /// The bytes of such a value; sides that are not known yet count as 1, and so do empty ones, since they are walked along too.
    ///
    /// # Errors
    /// If it has more numbers than a tensor may have.
    pub(super) fn bytes(&self) -> Result<usize> {
        let sides = self.sides.as_deref().unwrap_or(&[]);
        let mut longest = sides.iter().flatten().map(|side| (*side).max(1));
        match longest.try_fold(1usize, usize::checked_mul) {
            Some(count) if count <= COUNT_LIMIT => Ok(count * self.dtype.size_in_bytes()),
            _ => bail!(
                "a tensor of at most {COUNT_LIMIT} numbers was expected, got one of the sides {sides:?}"
            ),
        }
    }

    /// Whether a tensor is one of these.
    pub(super) fn admits(&self, tensor: &Tensor) -> bool {
        let Some(sides) = &self.sides else {
            return tensor.dtype() == self.dtype;
        };
        let mut pairs = sides.iter().zip(tensor.dims());
        tensor.dtype() == self.dtype
            && tensor.rank() == sides.len()
            && pairs.all(|(side, found)| side.is_none_or(|side| side == *found))
    }
}

/// What is known of a node's input: its outline, and the value itself where it is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) outline: &'a Outline,
    pub(super) value: Option<&'a Tensor>,
}

/// What is known of a node's inputs. Those that may be left out are `None` where they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs<'a>(pub(super) &'a [Option<Known<'a>>]);

impl<'a> Inputs<'a> {
    pub(super) fn get(&self, at: usize) -> Option<Known<'a>> {
        self.0.get(at).copied().flatten()
    }

    pub(super) fn outline(&self, at: usize) -> Result<&'a Outline> {
        match self.get(at) {
            Some(known) => Ok(known.outline),
            None => bail!("input {at} was expected, got none"),
        }
    }

    pub(super) fn dtype(&self, at: usize) -> Result<DType> {
        Ok(self.outline(at)?.dtype)
    }

    /// The outline of an input that must be of this type.
    pub(super) fn typed(&self, at: usize, dtype: DType) -> Result<&'a Outline> {
        let outline = self.outline(at)?;
        if outline.dtype != dtype {
            bail!(
                "input {at} of type {dtype:?} was expected, got {:?}",
                outline.dtype
            );
        }
        Ok(outline)
    }

    /// The whole numbers of an input, if they are there; an error if it must be there and is not.
    pub(super) fn integers(&self, at: usize) -> Result<Option<Vec<i64>>> {
        let Some(known) = self.get(at) else {
            bail!("input {at} was expected, got none");
        };
        if known.outline.dtype != DType::I64 {
            bail!(
                "input {at} of whole numbers was expected, got {:?}",
                known.outline.dtype
            );
        }
        known.value.map(integers).transpose()
    }
}

/// The values of a node's inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arguments<'a>(pub(super) &'a [Option<&'a Tensor>]);

impl<'a> Arguments<'a> {
    pub(super) fn get(&self, at: usize) -> Option<&'a Tensor> {
        self.0.get(at).copied().flatten()
    }

    pub(super) fn tensor(&self, at: usize) -> Result<&'a Tensor> {
        match self.get(at) {
            Some(tensor) => Ok(tensor),
            None => bail!("input {at} was expected, got none"),
        }
    }

    pub(super) fn integers(&self, at: usize) -> Result<Vec<i64>> {
        integers(self.tensor(at)?)
    }

    /// All inputs, none of which may be missing.
    pub(super) fn all(&self) -> Result<Vec<&'a Tensor>> {
        (0..self.0.len()).map(|at| self.tensor(at)).collect()
    }
}

/// The numbers of a tensor of whole numbers.
pub(super) fn integers(tensor: &Tensor) -> Result<Vec<i64>> {
    tensor.flatten_all()?.to_vec1()
}

/// An axis counted from the front; negative ones count from the back.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize> {
    let counted = if axis < 0 {
        axis.checked_add(rank as i64)
    } else {
        Some(axis)
    };
    match counted.and_then(|axis| usize::try_from(axis).ok()) {
        Some(counted) if counted < rank => Ok(counted),
        _ => bail!("an axis of {rank} was expected, got {axis}"),
    }
}

/// Axes counted from the front, each at most once.
pub(super) fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>> {
    let mut counted = Vec::with_capacity(axes.len().min(rank));
    for one in axes {
        let one = axis(*one, rank)?;
        if counted.contains(&one) {
            bail!("each axis once was expected, got {axes:?}");
        }
        counted.push(one);
    }
    Ok(counted)
}
