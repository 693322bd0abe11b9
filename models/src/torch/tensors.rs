//! Tensors in a file, checked against their storages.

use std::collections::BTreeMap;

use super::pickle::{Kind, Made, Place, Storage, TensorParts, Value};

/// Dictionaries in dictionaries.
const MAX_DEPTH: usize = 8;
/// Entries of dictionaries that are looked at, however often they are referred to.
const MAX_ENTRIES: usize = 1 << 20;
/// Dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;

/// A tensor inside its storage, which is inside the file.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) kind: Kind,
    pub(super) shape: Vec<usize>,
    /// Elements between neighbours, of each dimension.
    strides: Vec<usize>,
    /// Elements of the storage before the first of ours.
    pub(super) offset: usize,
    /// Where the storage begins in the file.
    pub(super) start: u64,
}

impl Stored {
    /// Checks a tensor against its storage, which begins there.
    fn new(parts: &TensorParts, start: u64) -> Result<Self, String> {
        let TensorParts {
            storage,
            offset,
            shape,
            strides,
        } = parts;
        if shape.len() != strides.len() || shape.len() > MAX_DIMENSIONS {
            return Err(format!(
                "{} sides and {} strides",
                shape.len(),
                strides.len()
            ));
        }
        let sizes = |sizes: &[u64]| {
            let sizes = sizes.iter().map(|size| usize::try_from(*size));
            sizes.collect::<Result<Vec<usize>, _>>()
        };
        let too_large = |_| format!("the shape {shape:?}");
        let stored = Self {
            kind: storage.kind,
            shape: sizes(shape).map_err(too_large)?,
            strides: sizes(strides).map_err(too_large)?,
            offset: usize::try_from(*offset).map_err(too_large)?,
            start,
        };
        let elements = shape
            .iter()
            .try_fold(1_u64, |all, side| all.checked_mul(*side));
        let end = stored
            .checked_span()
            .and_then(|span| offset.checked_add(span));
        let fits = elements.is_some_and(|elements| elements <= storage.elements)
            && end.is_some_and(|end| end <= storage.elements);
        match fits {
            true => Ok(stored),
            false => Err(format!(
                "the shape {shape:?} with the strides {strides:?} from {offset} on in a storage of {} elements",
                storage.elements
            )),
        }
    }

    fn checked_span(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let sides = self.shape.iter().zip(&self.strides);
        let mut parts = sides.map(|(side, stride)| (side - 1).checked_mul(*stride));
        let last = parts.try_fold(0_usize, |all, part| all.checked_add(part?))?;
        u64::try_from(last.checked_add(1)?).ok()
    }

    /// Elements of the storage from the first to the last of ours.
    pub(super) fn span(&self) -> usize {
        let span = self
            .checked_span()
            .and_then(|span| usize::try_from(span).ok());
        span.unwrap_or(0)
    }

    /// Whether the elements lie in the order in which they are read.
    pub(super) fn is_in_order(&self) -> bool {
        let mut expected = 1;
        let mut sides = self.shape.iter().zip(&self.strides).rev();
        sides.all(|(side, stride)| {
            let fits = *side == 1 || *stride == expected;
            expected *= side;
            fits
        }) || self.shape.contains(&0)
    }

    /// Where each element lies, counted from the first.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        let count: usize = self.shape.iter().product();
        (0..count).map(|index| {
            let mut index = index;
            let sides = self.shape.iter().zip(&self.strides).rev();
            sides.fold(0, |place, (side, stride)| {
                let along = index % side;
                index /= side;
                place + along * stride
            })
        })
    }
}

/// The tensors that a pickle made, by their names.
pub(super) fn named(made: &Made) -> Result<BTreeMap<String, TensorParts>, String> {
    let mut found = BTreeMap::new();
    let mut left = MAX_ENTRIES;
    collect(made, made.root, "", MAX_DEPTH, &mut left, &mut found)?;
    match found.is_empty() {
        true => Err("no dictionary of tensors".to_owned()),
        false => Ok(found),
    }
}

fn collect(
    made: &Made,
    at: Place,
    prefix: &str,
    depth: usize,
    left: &mut usize,
    found: &mut BTreeMap<String, TensorParts>,
) -> Result<(), String> {
    let Value::Dict(entries) = made.value(at) else {
        return Ok(());
    };
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| format!("more than {MAX_DEPTH} dictionaries in each other"))?;
    for (key, value) in entries {
        *left = left
            .checked_sub(1)
            .ok_or_else(|| "more entries than there can be".to_owned())?;
        let Value::Text(key) = made.value(*key) else {
            continue;
        };
        let name = format!("{prefix}{key}");
        match made.value(*value) {
            Value::Dict(_) => collect(made, *value, &format!("{name}."), depth, left, found)?,
            Value::Tensor(parts) => {
                let before = found.insert(name.clone(), parts.clone());
                if before.is_some() {
                    return Err(format!("the tensor `{name}` twice"));
                }
            }
            // Numbers of steps, versions: not what is looked for.
            _ => {}
        }
    }
    Ok(())
}

/// Puts tensors where their storages are.
pub(super) fn placed(
    named: BTreeMap<String, TensorParts>,
    mut start: impl FnMut(&Storage) -> Result<u64, String>,
) -> Result<BTreeMap<String, Stored>, String> {
    let placed = named.into_iter().map(|(name, parts)| {
        let stored = start(&parts.storage).and_then(|start| Stored::new(&parts, start));
        match stored {
            Ok(stored) => Ok((name, stored)),
            Err(found) => Err(format!("in the tensor `{name}` {found}")),
        }
    });
    placed.collect()
}

/// The bytes of a storage, if there can be so many.
pub(super) fn storage_bytes(storage: &Storage) -> Option<u64> {
    storage.elements.checked_mul(storage.kind.bytes() as u64)
}
