//! A machine for pickles that makes tensors and plain values only.
//!
//! Values lie in one list and name each other by their place in it, so a pickle cannot make more of them than it has instructions, whatever
//! it refers to how often.

mod reader;

use std::collections::HashMap;
use std::io::BufRead;

use reader::Reader;

/// Bytes of one pickle: it holds names and shapes; values lie elsewhere.
const MAX_BYTES: u64 = 16 << 20;
/// Values that one pickle may make: a tensor needs some twenty.
const MAX_VALUES: usize = 1 << 21;

/// Where a value lies.
pub(super) type Place = usize;

/// What a pickle made.
#[derive(Debug)]
pub(super) struct Made {
    values: Vec<Value>,
    pub(super) root: Place,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A number that is too large for an address or a size.
    Other,
    Text(String),
    Tuple(Vec<Place>),
    List(Vec<Place>),
    Dict(Vec<(Place, Place)>),
    Global(Global),
    Storage(Storage),
    Tensor(TensorParts),
}

/// What a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
}

/// The kind of the values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say themselves what they are")]
pub enum Kind {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

/// The memory that values lie in, as a pickle claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) elements: u64,
}

/// A tensor, as a pickle claims it.
#[derive(Debug, Clone)]
pub(super) struct TensorParts {
    pub(super) storage: Storage,
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    pub(super) strides: Vec<u64>,
}

impl Kind {
    /// Returns how many bytes a value takes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Returns whether its values are floating-point numbers.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::BF16)
    }
}

impl Global {
    fn named(module: &str, name: &str) -> Result<Self, String> {
        let storage = |kind| Ok(Self::Storage(kind));
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Ok(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Ok(Self::RebuildParameter),
            ("torch", "DoubleStorage") => storage(Kind::F64),
            ("torch", "FloatStorage") => storage(Kind::F32),
            ("torch", "HalfStorage") => storage(Kind::F16),
            ("torch", "BFloat16Storage") => storage(Kind::BF16),
            ("torch", "LongStorage") => storage(Kind::I64),
            ("torch", "IntStorage") => storage(Kind::I32),
            ("torch", "ShortStorage") => storage(Kind::I16),
            ("torch", "CharStorage") => storage(Kind::I8),
            ("torch", "ByteStorage") => storage(Kind::U8),
            ("torch", "BoolStorage") => storage(Kind::Bool),
            _ => {
                let name: String = format!("{module}.{name}").chars().take(100).collect();
                Err(format!("`{name}`, where only tensors are made"))
            }
        }
    }
}

impl Made {
    pub(super) fn value(&self, place: Place) -> &Value {
        self.values.get(place).unwrap_or(&Value::None)
    }
}

/// Runs the pickle that comes next.
pub(super) fn run(from: &mut impl BufRead) -> Result<Made, String> {
    let mut machine = Machine {
        from: Reader::new(from, MAX_BYTES),
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        if let Some(root) = machine.step()? {
            let values = machine.values;
            return Ok(Made { values, root });
        }
    }
}

struct Machine<'a, R> {
    from: Reader<'a, R>,
    values: Vec<Value>,
    stack: Vec<Place>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Place>,
}

impl<R: BufRead> Machine<'_, R> {
    /// Carries out one instruction; gives what was made at the last one.
    fn step(&mut self) -> Result<Option<Place>, String> {
        let instruction = self.from.byte()?;
        match instruction {
            0x80 => drop(self.from.byte()?),
            // Of a frame's length only those make use who read ahead.
            0x95 => drop(self.from.array::<8>()?),
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'N' => self.push(Value::None)?,
            0x88 | 0x89 => self.push(Value::Bool(instruction == 0x88))?,
            b'K' | b'M' | b'J' | 0x8a | b'G' => self.number(instruction)?,
            b'X' | b'T' | b'U' | 0x8c | 0x8d => self.text(instruction)?,
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b']' => self.push(Value::List(Vec::new()))?,
            b')' => self.push(Value::Tuple(Vec::new()))?,
            b't' => {
                let all = self.pop_to_mark()?;
                self.push(Value::Tuple(all))?;
            }
            0x85..=0x87 => {
                let first = self
                    .stack
                    .len()
                    .checked_sub(usize::from(instruction - 0x84));
                let first = first.filter(|first| *first >= self.floor());
                let all = self.stack.split_off(first.ok_or_else(too_few)?);
                self.push(Value::Tuple(all))?;
            }
            b's' | b'u' => self.set_items(instruction)?,
            b'a' | b'e' => self.append(instruction)?,
            b'q' | b'r' | 0x94 => self.memorize(instruction)?,
            b'h' | b'j' => self.recall(instruction)?,
            b'c' | 0x93 => self.global(instruction)?,
            b'Q' => self.persistent()?,
            b'R' => self.call()?,
            b'b' => self.build()?,
            other => {
                return Err(format!(
                    "the instruction 0x{other:02x}, where only tensors are made"
                ));
            }
        }
        Ok(None)
    }

    fn number(&mut self, instruction: u8) -> Result<(), String> {
        let number = match instruction {
            b'K' => i64::from(self.from.byte()?),
            b'M' => i64::from(u16::from_le_bytes(self.from.array()?)),
            b'J' => i64::from(i32::from_le_bytes(self.from.array()?)),
            b'G' => {
                self.from.array::<8>()?;
                return self.push(Value::Other);
            }
            _ => {
                let length = self.from.byte()?;
                let bytes = self.from.bytes(u64::from(length))?;
                if bytes.len() > 8 {
                    return self.push(Value::Other);
                }
                let fill = bytes
                    .last()
                    .map_or(0, |last| if last & 0x80 == 0 { 0 } else { 0xff });
                let mut whole = [fill; 8];
                whole[..bytes.len()].copy_from_slice(&bytes);
                i64::from_le_bytes(whole)
            }
        };
        self.push(Value::Int(number))
    }

    fn text(&mut self, instruction: u8) -> Result<(), String> {
        let length = match instruction {
            b'U' | 0x8c => u64::from(self.from.byte()?),
            b'X' | b'T' => u64::from(u32::from_le_bytes(self.from.array()?)),
            _ => u64::from_le_bytes(self.from.array()?),
        };
        let bytes = self.from.bytes(length)?;
        let text = String::from_utf8(bytes).map_err(|_| "a text that is not UTF-8".to_owned())?;
        self.push(Value::Text(text))
    }

    fn set_items(&mut self, instruction: u8) -> Result<(), String> {
        let items = match instruction {
            b'u' => self.pop_to_mark()?,
            _ => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![key, value]
            }
        };
        let target = self.top()?;
        let Some(Value::Dict(dict)) = self.values.get_mut(target) else {
            return Err("items for what is no dictionary".to_owned());
        };
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("a key without a value".to_owned());
        }
        dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    fn append(&mut self, instruction: u8) -> Result<(), String> {
        let items = match instruction {
            b'e' => self.pop_to_mark()?,
            _ => vec![self.pop()?],
        };
        let target = self.top()?;
        let Some(Value::List(list)) = self.values.get_mut(target) else {
            return Err("elements for what is no list".to_owned());
        };
        list.extend(items);
        Ok(())
    }

    fn memorize(&mut self, instruction: u8) -> Result<(), String> {
        let number = match instruction {
            b'q' => u64::from(self.from.byte()?),
            b'r' => u64::from(u32::from_le_bytes(self.from.array()?)),
            _ => self.memo.len() as u64,
        };
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, instruction: u8) -> Result<(), String> {
        let number = match instruction {
            b'h' => u64::from(self.from.byte()?),
            _ => u64::from(u32::from_le_bytes(self.from.array()?)),
        };
        let place = self.memo.get(&number).copied();
        self.stack
            .push(place.ok_or_else(|| format!("{number}, which was not memorised"))?);
        self.bound()
    }

    fn global(&mut self, instruction: u8) -> Result<(), String> {
        let (module, name) = match instruction {
            b'c' => (self.from.line()?, self.from.line()?),
            _ => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.at(module), self.at(name)) {
                    (Value::Text(module), Value::Text(name)) => (module.clone(), name.clone()),
                    _ => return Err("a name that is no text".to_owned()),
                }
            }
        };
        self.push(Value::Global(Global::named(&module, &name)?))
    }

    /// `("storage", TYPE, KEY, DEVICE, ELEMENTS)`: where values lie.
    fn persistent(&mut self) -> Result<(), String> {
        let place = self.pop()?;
        let parts = self.tuple(place)?;
        let parts: Vec<&Value> = parts.iter().map(|part| self.at(*part)).collect();
        let storage = match parts[..] {
            [
                Value::Text(what),
                Value::Global(Global::Storage(kind)),
                Value::Text(key),
                _,
                Value::Int(elements),
                ref rest @ ..,
            ] if what == "storage" && matches!(rest, [] | [Value::None]) => Storage {
                kind: *kind,
                key: key.clone(),
                elements: u64::try_from(*elements).map_err(|_| "a negative size".to_owned())?,
            },
            _ => return Err("a reference to something else than a storage".to_owned()),
        };
        self.push(Value::Storage(storage))
    }

    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let arguments = self.tuple(arguments)?.to_vec();
        let function = match self.at(function) {
            Value::Global(function) => *function,
            _ => return Err("a call of what is no function".to_owned()),
        };
        let first = arguments.first().copied();
        match (function, first) {
            (Global::OrderedDict, None) => self.push(Value::Dict(Vec::new())),
            (Global::OrderedDict, Some(items)) => {
                let dict = self.pairs(items)?;
                self.push(Value::Dict(dict))
            }
            (Global::RebuildTensor, _) => {
                let tensor = self.tensor(&arguments)?;
                self.push(Value::Tensor(tensor))
            }
            (Global::RebuildParameter, Some(tensor)) => {
                self.stack.push(tensor);
                Ok(())
            }
            _ => Err("a call that makes no tensor".to_owned()),
        }
    }

    /// A list of pairs, as Python 2 has the items of a dictionary.
    fn pairs(&self, items: Place) -> Result<Vec<(Place, Place)>, String> {
        let Value::List(items) = self.at(items) else {
            return Err("a dictionary of what is no list".to_owned());
        };
        let pair = |item: &Place| match self.at(*item) {
            Value::List(pair) | Value::Tuple(pair) => match pair[..] {
                [key, value] => Ok((key, value)),
                _ => Err("an item that is no pair".to_owned()),
            },
            _ => Err("an item that is no pair".to_owned()),
        };
        items.iter().map(pair).collect()
    }

    /// `(STORAGE, OFFSET, SHAPE, STRIDES, ...)`.
    fn tensor(&self, arguments: &[Place]) -> Result<TensorParts, String> {
        let [storage, offset, shape, strides, ..] = arguments else {
            return Err("a tensor of too few parts".to_owned());
        };
        let numbers = |place: &Place| {
            let parts = self.tuple(*place)?;
            let sizes = parts.iter().map(|part| self.size(*part));
            sizes.collect::<Result<Vec<u64>, String>>()
        };
        let Value::Storage(storage) = self.at(*storage) else {
            return Err("a tensor without a storage".to_owned());
        };
        Ok(TensorParts {
            storage: storage.clone(),
            offset: self.size(*offset)?,
            shape: numbers(shape)?,
            strides: numbers(strides)?,
        })
    }

    fn size(&self, place: Place) -> Result<u64, String> {
        let Value::Int(number) = self.at(place) else {
            return Err("a size that is no number".to_owned());
        };
        u64::try_from(*number).map_err(|_| format!("the size {number}"))
    }

    /// Attributes of a dictionary say nothing about tensors.
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        let target = self.top()?;
        match self.at(target) {
            Value::Dict(_) => Ok(()),
            _ => Err("a state for what is no dictionary".to_owned()),
        }
    }

    fn tuple(&self, place: Place) -> Result<&[Place], String> {
        match self.at(place) {
            Value::Tuple(parts) => Ok(parts),
            _ => Err("something else than a tuple".to_owned()),
        }
    }

    fn at(&self, place: Place) -> &Value {
        self.values.get(place).unwrap_or(&Value::None)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        self.stack.push(self.values.len());
        self.values.push(value);
        self.bound()
    }

    fn bound(&self) -> Result<(), String> {
        match self.values.len().max(self.stack.len()) > MAX_VALUES {
            true => Err(format!("more than {MAX_VALUES} values")),
            false => Ok(()),
        }
    }

    /// Below it lies what was there at the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Place, String> {
        let above = self.stack.get(self.floor()..).unwrap_or_default();
        above.last().copied().ok_or_else(too_few)
    }

    fn pop(&mut self) -> Result<Place, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.marks.pop().ok_or_else(too_few)?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }
}

fn too_few() -> String {
    "an instruction that needs more than there is".to_owned()
}
