//! A skill's input, as it is spelt on a command line.

mod piped;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aimass_config::files::{NotAFile, open, text_of};
use aimass_locale::text;
use aimass_runtime::SkillSpec;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use super::Context;
use super::failure::Failure;
use super::schema::{Kind, Schema};
pub(crate) use piped::Piped;

/// The longest text that is read, in bytes: it fits into a frame however it has to be escaped.
const MAX_TEXT: u64 = 2 << 20;

/// The input of a skill.
pub(crate) struct Input {
    pub(crate) value: Value,
    /// What came through a pipe and is asked about as a file, for as long as that is needed.
    _files: Vec<NamedTempFile>,
}

/// The input of the skill: INPUT in its main field, and what was `--set`.
///
/// Standard input may have nothing to say for long, so it is read where that keeps nobody from hearing Ctrl-C.
pub(crate) async fn read(
    context: &Context,
    spec: SkillSpec,
    input: Option<OsString>,
    sets: Vec<String>,
) -> Result<Input, Failure> {
    let mut reader = Reader {
        folder: context.home.folder().to_owned(),
        files: Vec::new(),
    };
    let read = tokio::task::spawn_blocking(move || {
        let value = reader.build(&spec, input.as_deref(), &sets)?;
        Ok(Input {
            value,
            _files: reader.files,
        })
    });
    let read = read.await;
    read.unwrap_or_else(|error| Err(Failure::bug(error.to_string())))
}

/// The fields that were `--set` of a skill that takes no file.
pub(crate) fn set_fields(
    spec: &SkillSpec,
    sets: &[String],
    fields: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let mut reader = Reader {
        folder: PathBuf::new(),
        files: Vec::new(),
    };
    reader.set_fields(spec, sets, fields)
}

/// Reads what a command line names.
struct Reader {
    /// Where what comes through a pipe is kept.
    folder: PathBuf,
    files: Vec<NamedTempFile>,
}

impl Reader {
    fn build(
        &mut self,
        spec: &SkillSpec,
        input: Option<&OsStr>,
        sets: &[String],
    ) -> Result<Value, Failure> {
        let schema = Schema::new(spec.input.as_value());
        let name = &spec.name;
        let Some(main) = &spec.main_field else {
            if let Some(set) = sets.first() {
                return Err(Failure::usage(text!(
                    "`{name}` takes its input as it is; leave out `--set {set}`",
                    "`{name}` 直接采用其输入；请去掉 `--set {set}`"
                )));
            }
            return self.value(schema.kind(), input.unwrap_or_default());
        };
        let mut fields = Map::new();
        if let Some(input) = input {
            self.main_field(schema, main, input, &mut fields)?;
        }
        self.set_fields(spec, sets, &mut fields)?;
        if schema.requires(main) && !fields.contains_key(main) {
            return Err(Failure::usage(text!(
                "`{name}` needs `{main}`: `aimass ask {name} INPUT`",
                "`{name}` 需要 `{main}`：`aimass ask {name} 输入`"
            )));
        }
        Ok(Value::Object(fields))
    }

    fn main_field(
        &mut self,
        schema: Schema<'_>,
        main: &str,
        input: &OsStr,
        fields: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let kind = schema.field(main).map_or(Kind::Json, Schema::kind);
        let takes_a_path = schema
            .field("path")
            .is_some_and(|field| field.kind() != Kind::Json);
        let is_text = matches!(kind, Kind::Text | Kind::TextOrMore);
        let is_piped = Piped::of(input).is_some();
        if is_text && takes_a_path && !is_piped && Path::new(input).exists() {
            fields.insert("path".to_owned(), self.path(input)?);
        } else {
            fields.insert(main.to_owned(), self.value(kind, input)?);
        }
        Ok(())
    }

    fn set_fields(
        &mut self,
        spec: &SkillSpec,
        sets: &[String],
        fields: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let schema = Schema::new(spec.input.as_value());
        for set in sets {
            let (name, text) = set.split_once('=').ok_or_else(|| {
                Failure::usage(text!(
                    "expected `--set KEY=VALUE`, got `--set {set}`",
                    "应为 `--set 键=值`，得到 `--set {set}`"
                ))
            })?;
            let field = schema.field(name).ok_or_else(|| {
                let known = schema.fields().join("`, `");
                let skill = &spec.name;
                Failure::usage(text!(
                    "`{skill}` has no field `{name}`; it has `{known}`",
                    "`{skill}` 没有字段 `{name}`；它有 `{known}`"
                ))
            })?;
            let value = match field.kind() {
                Kind::Path => self.path(OsStr::new(text))?,
                kind => set_value(kind, name, text)?,
            };
            fields.insert(name.to_owned(), value);
        }
        Ok(())
    }

    fn value(&mut self, kind: Kind, input: &OsStr) -> Result<Value, Failure> {
        if kind == Kind::Path {
            return match Piped::of(input) {
                Some(piped) => self.kept(&piped),
                None => self.path(input),
            };
        }
        let text = match Piped::of(input) {
            Some(piped) => bounded(piped.open()?, piped.name())?,
            None => text_or_file(input)?,
        };
        match kind {
            Kind::Json => serde_json::from_str(&text).map_err(|error| {
                Failure::bad_input(text!(
                    "expected the input as JSON: {error}",
                    "输入应为 JSON：{error}"
                ))
            }),
            Kind::Texts | Kind::ExactTexts => Ok(Value::Array(vec![Value::String(text)])),
            Kind::Text | Kind::TextOrMore | Kind::Path => Ok(Value::String(text)),
        }
    }

    /// An absolute path: the node may have another current folder. What this process alone has open becomes a file.
    fn path(&mut self, input: &OsStr) -> Result<Value, Failure> {
        if let Some(piped) = Piped::of(input).filter(|piped| *piped != Piped::Dash) {
            return self.kept(&piped);
        }
        let path = Path::new(input);
        let absolute = std::path::absolute(path).map_err(|error| {
            let path = path.display();
            Failure::bad_input(text!(
                "cannot use the path {path}: {error}",
                "无法使用路径 {path}：{error}"
            ))
        })?;
        as_text(&absolute)
    }

    fn kept(&mut self, piped: &Piped) -> Result<Value, Failure> {
        let file = piped.keep_in(&self.folder)?;
        let path = as_text(file.path())?;
        self.files.push(file);
        Ok(path)
    }
}

fn set_value(kind: Kind, name: &str, text: &str) -> Result<Value, Failure> {
    let json = || {
        serde_json::from_str(text).map_err(|error| {
            let list = Value::from(vec![text]);
            Failure::usage(match kind {
                Kind::Json => text!(
                    "expected `{name}` as JSON, got `{text}`: {error}",
                    "`{name}` 应为 JSON，得到 `{text}`：{error}"
                ),
                // It may have been meant as it stands.
                _ => text!(
                    "expected `{name}` as JSON, which its beginning says, got `{text}`: {error}; as a text it is `{list}`",
                    "`{name}` 的开头表示 JSON，得到 `{text}`：{error}；若为文本，请写 `{list}`"
                ),
            })
        })
    };
    let texts = |exact: fn(&str) -> &str| {
        let texts = text.split(',').map(|text| Value::from(exact(text)));
        Ok(Value::Array(texts.collect()))
    };
    match kind {
        Kind::Text | Kind::Path => Ok(Value::from(text)),
        Kind::Json => json(),
        _ if text.starts_with(['[', '{']) => json(),
        Kind::TextOrMore => Ok(Value::from(text)),
        Kind::Texts => texts(str::trim),
        Kind::ExactTexts => texts(|text| text),
    }
}

fn as_text(path: &Path) -> Result<Value, Failure> {
    match path.to_str() {
        Some(path) => Ok(Value::from(path)),
        None => Err(not_text(path)),
    }
}

/// The text of the file of that name where there is one, else the name itself.
fn text_or_file(input: &OsStr) -> Result<String, Failure> {
    let path = Path::new(input);
    // A long text is no path: the system says so by refusing it.
    if path.metadata().is_err() {
        return input
            .to_str()
            .map(str::to_owned)
            .ok_or_else(|| not_text(path));
    }
    let shown = path.display();
    match open(path) {
        Ok((file, _)) => bounded(file, &shown.to_string()),
        Err(NotAFile::Refused(error)) => Err(cannot_read(&shown, &error)),
        Err(NotAFile::Special(kind)) => Err(Failure::bad_input(text!(
            "expected a text or a file, but {shown} is {kind}; name a file, or use `-` and give the text on standard input",
            "应为文本或文件，而 {shown} 不是文件（{kind}）；请指定文件，或用 `-` 并从标准输入给出文本"
        ))),
    }
}

/// Reads text; memory is bounded however much there is, and however much it grows meanwhile.
fn bounded(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot_read(&name, &error))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(Failure::bad_input(text!(
            "{name} has more than {MAX_TEXT} bytes; cut it into smaller texts",
            "{name} 超过 {MAX_TEXT} 字节；请分成较短的文本"
        )));
    }
    text_of(bytes).map_err(|error| {
        Failure::bad_input(text!(
            "cannot read {name}: {error}; convert it first, as `iconv` does",
            "无法读取 {name}：{error}；请先转换，例如用 `iconv`"
        ))
    })
}

fn not_text(path: &Path) -> Failure {
    let path = path.display();
    Failure::bad_input(text!(
        "{path} is not UTF-8; rename it, or give the text itself",
        "{path} 不是 UTF-8；请重命名，或直接给出文本"
    ))
}

fn cannot_read(name: &dyn Display, error: &io::Error) -> Failure {
    Failure::bad_input(text!(
        "cannot read {name}: {error}",
        "无法读取 {name}：{error}"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(kind: Kind, text: &str) -> Value {
        set_value(kind, "field", text).unwrap()
    }

    #[test]
    fn a_list_has_commas_or_is_json() {
        assert_eq!(set(Kind::Texts, "yes, no"), json!(["yes", "no"]));
        let json = r#"["yes, please", "no"]"#;
        for kind in [Kind::Texts, Kind::ExactTexts, Kind::TextOrMore, Kind::Json] {
            assert_eq!(set(kind, json), json!(["yes, please", "no"]));
        }
        assert_eq!(set(Kind::TextOrMore, "a, b"), json!("a, b"));
        assert_eq!(set(Kind::Text, "[a"), json!("[a"));
    }

    #[test]
    fn white_space_stays_where_it_counts() {
        assert_eq!(set(Kind::ExactTexts, "\n"), json!(["\n"]));
        assert_eq!(
            set(Kind::ExactTexts, "\nUser:, Bot:"),
            json!(["\nUser:", " Bot:"])
        );
        assert_eq!(set(Kind::ExactTexts, r#"["\n"]"#), json!(["\n"]));
    }

    #[test]
    fn what_begins_as_json_and_is_none_is_refused_with_how_to_mean_it() {
        let refused = set_value(Kind::ExactTexts, "stop", "[INST]").unwrap_err();
        assert!(refused.line().english.contains(r#"it is `["[INST]"]`"#));
    }
}
