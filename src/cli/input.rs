//! A skill's input, as it is spelt on a command line.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aimass_runtime::SkillSpec;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::schema::{Kind, Schema};

/// The longest text that is read, in bytes: it fits into a frame however it has to be escaped.
const MAX_TEXT: u64 = 2 << 20;

/// The input of the skill: INPUT in its main field, and what was `--set`.
pub(crate) fn build(spec: &SkillSpec, input: &OsStr, sets: &[String]) -> Result<Value, Failure> {
    let root = spec.input.as_value();
    let schema = Schema::new(root);
    let Some(main) = &spec.main_field else {
        if let Some(set) = sets.first() {
            return Err(Failure::usage(format!(
                "`{}` takes its input as it is; leave out `--set {set}`",
                spec.name
            )));
        }
        return value(schema.kind(), input);
    };
    let kind = schema.field(main).map_or(Kind::Json, Schema::kind);
    let mut fields = Map::new();
    let takes_a_path = schema
        .field("path")
        .is_some_and(|field| field.kind() != Kind::Json);
    if kind == Kind::Text && takes_a_path && input != "-" && Path::new(input).exists() {
        fields.insert("path".to_owned(), path(Path::new(input))?);
    } else {
        fields.insert(main.clone(), value(kind, input)?);
    }
    for set in sets {
        let (name, text) = set.split_once('=').ok_or_else(|| {
            Failure::usage(format!("expected `--set KEY=VALUE`, got `--set {set}`"))
        })?;
        let field = schema.field(name).ok_or_else(|| {
            let known = schema.fields().join("`, `");
            Failure::usage(format!(
                "`{}` has no field `{name}`; it has `{known}`",
                spec.name
            ))
        })?;
        fields.insert(name.to_owned(), set_value(field.kind(), name, text)?);
    }
    Ok(Value::Object(fields))
}

fn value(kind: Kind, input: &OsStr) -> Result<Value, Failure> {
    let text = match kind {
        Kind::Path => return path(Path::new(input)),
        _ if input == "-" => bounded(io::stdin().lock(), "standard input")?,
        Kind::Text | Kind::Texts | Kind::Json => text_or_file(input)?,
    };
    match kind {
        Kind::Json => serde_json::from_str(&text)
            .map_err(|error| Failure::bad_input(format!("expected the input as JSON: {error}"))),
        Kind::Texts => Ok(Value::Array(vec![Value::String(text)])),
        Kind::Text | Kind::Path => Ok(Value::String(text)),
    }
}

fn set_value(kind: Kind, name: &str, text: &str) -> Result<Value, Failure> {
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Path => path(Path::new(text)),
        Kind::Texts => {
            let texts = text
                .split(',')
                .map(|text| Value::String(text.trim().to_owned()));
            Ok(Value::Array(texts.collect()))
        }
        Kind::Json => serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!("expected `{name}` as JSON, got `{text}`: {error}"))
        }),
    }
}

/// An absolute path: the node may have another current folder.
fn path(path: &Path) -> Result<Value, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| {
        Failure::bad_input(format!("cannot use the path {}: {error}", path.display()))
    })?;
    match absolute.into_os_string().into_string() {
        Ok(path) => Ok(Value::String(path)),
        Err(_) => Err(not_text(path)),
    }
}

/// The text of the file of that name where there is one, else the name itself.
fn text_or_file(input: &OsStr) -> Result<String, Failure> {
    let path = Path::new(input);
    // A long text is no path: the system says so by refusing it.
    let Ok(metadata) = path.metadata() else {
        return input
            .to_str()
            .map(str::to_owned)
            .ok_or_else(|| not_text(path));
    };
    let shown = path.display();
    if metadata.is_dir() {
        return Err(Failure::bad_input(format!(
            "expected a text or a file, but {shown} is a folder; name a file, or use `-` and give the text on standard input"
        )));
    }
    let file = File::open(path)
        .map_err(|error| Failure::bad_input(format!("cannot read {shown}: {error}")))?;
    bounded(file, &shown.to_string())
}

/// Reads text; memory is bounded however much there is, and however much it grows meanwhile.
fn bounded(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::bad_input(format!("cannot read {name}: {error}")))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(Failure::bad_input(format!(
            "{name} has more than {MAX_TEXT} bytes; cut it into smaller texts"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::bad_input(format!(
            "{name} is not UTF-8 text (byte {at}); convert it first"
        ))
    })
}

fn not_text(path: &Path) -> Failure {
    Failure::bad_input(format!(
        "{} is not UTF-8; rename it, or give the text itself",
        path.display()
    ))
}
