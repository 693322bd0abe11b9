//! A skill's input, as it is spelt on a command line.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aimass_runtime::SkillSpec;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::said::said;
use super::schema::{Kind, Schema};

/// The longest text that is read, in bytes: it fits into a frame however it has to be escaped.
const MAX_TEXT: u64 = 2 << 20;

/// The input of the skill: INPUT in its main field, and what was `--set`.
///
/// Standard input may have nothing to say for long, so it is read where that keeps nobody from hearing Ctrl-C.
pub(crate) async fn read(
    spec: SkillSpec,
    input: OsString,
    sets: Vec<String>,
) -> Result<Value, Failure> {
    let read = tokio::task::spawn_blocking(move || build(&spec, &input, &sets)).await;
    read.unwrap_or_else(|error| Err(Failure::bug(error.to_string())))
}

fn build(spec: &SkillSpec, input: &OsStr, sets: &[String]) -> Result<Value, Failure> {
    let root = spec.input.as_value();
    let schema = Schema::new(root);
    let Some(main) = &spec.main_field else {
        if let Some(set) = sets.first() {
            let name = &spec.name;
            return Err(Failure::usage(said!(
                "`{name}` takes its input as it is; leave out `--set {set}`",
                "`{name}` 直接采用其输入；请去掉 `--set {set}`"
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
    set_fields(spec, sets, &mut fields)?;
    Ok(Value::Object(fields))
}

/// The fields that were `--set`.
pub(crate) fn set_fields(
    spec: &SkillSpec,
    sets: &[String],
    fields: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let schema = Schema::new(spec.input.as_value());
    for set in sets {
        let (name, text) = set.split_once('=').ok_or_else(|| {
            Failure::usage(said!(
                "expected `--set KEY=VALUE`, got `--set {set}`",
                "应为 `--set 键=值`，得到 `--set {set}`"
            ))
        })?;
        let field = schema.field(name).ok_or_else(|| {
            let known = schema.fields().join("`, `");
            let skill = &spec.name;
            Failure::usage(said!(
                "`{skill}` has no field `{name}`; it has `{known}`",
                "`{skill}` 没有字段 `{name}`；它有 `{known}`"
            ))
        })?;
        fields.insert(name.to_owned(), set_value(field.kind(), name, text)?);
    }
    Ok(())
}

fn value(kind: Kind, input: &OsStr) -> Result<Value, Failure> {
    let text = match kind {
        Kind::Path => return path(Path::new(input)),
        _ if input == "-" => bounded(io::stdin().lock(), "standard input")?,
        Kind::Text | Kind::Texts | Kind::Json => text_or_file(input)?,
    };
    match kind {
        Kind::Json => serde_json::from_str(&text).map_err(|error| {
            Failure::bad_input(said!(
                "expected the input as JSON: {error}",
                "输入应为 JSON：{error}"
            ))
        }),
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
            Failure::usage(said!(
                "expected `{name}` as JSON, got `{text}`: {error}",
                "`{name}` 应为 JSON，得到 `{text}`：{error}"
            ))
        }),
    }
}

/// An absolute path: the node may have another current folder.
fn path(path: &Path) -> Result<Value, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| {
        let path = path.display();
        Failure::bad_input(said!(
            "cannot use the path {path}: {error}",
            "无法使用路径 {path}：{error}"
        ))
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
        return Err(Failure::bad_input(said!(
            "expected a text or a file, but {shown} is a folder; name a file, or use `-` and give the text on standard input",
            "应为文本或文件，而 {shown} 是文件夹；请指定文件，或用 `-` 并从标准输入给出文本"
        )));
    }
    let file = File::open(path).map_err(|error| cannot_read(&shown, &error))?;
    bounded(file, &shown.to_string())
}

/// Reads text; memory is bounded however much there is, and however much it grows meanwhile.
fn bounded(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot_read(&name, &error))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(Failure::bad_input(said!(
            "{name} has more than {MAX_TEXT} bytes; cut it into smaller texts",
            "{name} 超过 {MAX_TEXT} 字节；请分成较短的文本"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::bad_input(said!(
            "{name} is not UTF-8 text (byte {at}); convert it first",
            "{name} 不是 UTF-8 文本（第 {at} 字节）；请先转换"
        ))
    })
}

fn not_text(path: &Path) -> Failure {
    let path = path.display();
    Failure::bad_input(said!(
        "{path} is not UTF-8; rename it, or give the text itself",
        "{path} 不是 UTF-8；请重命名，或直接给出文本"
    ))
}

fn cannot_read(name: &dyn Display, error: &io::Error) -> Failure {
    Failure::bad_input(said!(
        "cannot read {name}: {error}",
        "无法读取 {name}：{error}"
    ))
}
