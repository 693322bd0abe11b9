//! What could not be done with models.

use aimass_locale::Text;
use aimass_models::ModelError;

/// Why models could not be had, read or run.
pub(crate) fn model_error(error: &ModelError) -> Text {
    Text {
        english: error.to_string(),
        chinese: in_chinese(error),
    }
}

/// What was expected and found, and the advice, stay as the library says them.
fn in_chinese(error: &ModelError) -> String {
    match error {
        ModelError::File {
            operation,
            path,
            source,
            advice,
        } => {
            let (operation, path) = (verb(operation), path.display());
            format!("无法{operation} `{path}`：{source}；{advice}")
        }
        ModelError::Format {
            path,
            expected,
            found,
            advice,
        } => {
            let path = path.display();
            format!("`{path}` 应为 {expected}，却是 {found}；{advice}")
        }
        ModelError::Input {
            operation,
            expected,
            found,
            advice,
        }
        | ModelError::Unavailable {
            operation,
            expected,
            found,
            advice,
        } => {
            let operation = verb(operation);
            format!("无法{operation}：应为 {expected}，却是 {found}；{advice}")
        }
        ModelError::NoSource { name, refusals } => {
            let refusals = refusals.iter().map(|refusal| {
                let why = in_chinese(&refusal.error);
                format!("{}：{why}", refusal.from)
            });
            let refusals: Vec<String> = refusals.collect();
            format!(
                "无法获取模型：`{name}` 的来源都没有给出它：{}；请修复其中之一，或用 `aimass models import` 导入文件夹",
                refusals.join("；")
            )
        }
        ModelError::Device {
            name,
            expected,
            found,
            advice,
        } => format!("无法打开设备 `{name}`：应为 {expected}，却是 {found}；{advice}"),
        ModelError::Compute { operation, source } => {
            format!("无法{}：{source}", verb(operation))
        }
        // An error that came later than this table is at least said.
        other => other.to_string(),
    }
}

/// What was attempted.
fn verb(operation: &str) -> String {
    let chinese = match operation {
        "read" => "读取",
        "write" => "写入",
        "lock" => "锁定",
        "find a model" => "找到模型",
        "fetch a model" => "获取模型",
        "fetch a package" => "获取软件包",
        "fetch a file from the model hub" => "从模型库获取文件",
        "encode a text" | "encode token ids" => "编码文本",
        "cut a text into tokens" => "切分文本",
        "encode speech" | "decode speech" | "recognize speech" => "识别语音",
        "look for speech" => "检测语音",
        "resample audio" | "mix audio to one channel" => "转换音频",
        "write a text on" => "续写文本",
        other => return format!("完成操作（{other}）"),
    };
    chinese.to_owned()
}

#[cfg(test)]
mod tests {
    use aimass_models::Refusal;

    use super::*;

    #[test]
    fn a_model_that_no_source_gives_is_said_in_chinese() {
        let error = ModelError::NoSource {
            name: "minilm".to_owned(),
            refusals: vec![Refusal {
                from: "PyPI".to_owned(),
                error: ModelError::Unavailable {
                    operation: "fetch a package",
                    expected: "pip".to_owned(),
                    found: "no answer".to_owned(),
                    advice: "try again".to_owned(),
                },
            }],
        };
        let said = model_error(&error);
        assert_eq!(said.english, error.to_string());
        assert_eq!(
            said.chinese,
            "无法获取模型：`minilm` 的来源都没有给出它：PyPI：无法获取软件包：应为 pip，却是 no answer；try again；\
             请修复其中之一，或用 `aimass models import` 导入文件夹"
        );
    }
}
