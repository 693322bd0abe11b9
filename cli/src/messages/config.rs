//! What is wrong with a configuration.

use aimass_config::{ConfigError, Instead, Named, Place, Problem};
use aimass_locale::Text;

/// The most names that are listed.
const MOST_LISTED: usize = 20;

/// Why a configuration could not be had. Each line stands for itself.
pub(crate) fn config_error(error: &ConfigError) -> Text {
    let english = error.to_string();
    let chinese = match error {
        ConfigError::Read { path, source } => {
            format!("无法读取配置 {}：{source}", path.display())
        }
        ConfigError::Folder { path } => {
            format!("无法读取配置 {}：应为文件，却是文件夹", path.display())
        }
        ConfigError::TooLarge { origin, limit } => {
            format!("{origin}：配置至多 {limit} 字节，实际更多")
        }
        ConfigError::NotText { origin, line } => {
            format!("{origin}:{line}：应为 UTF-8 文本，却是其他字节")
        }
        ConfigError::Invalid { problems } => {
            let lines: Vec<String> = problems.iter().map(in_chinese).collect();
            lines.join("\n")
        }
        ConfigError::Write { source } => format!("无法将配置写成 TOML：{source}"),
        // An error that came later than this table is at least said.
        _ => english.clone(),
    };
    Text { english, chinese }
}

/// One thing that is wrong, or odd.
pub(crate) fn problem(problem: &Problem) -> Text {
    Text {
        english: problem.to_string(),
        chinese: in_chinese(problem),
    }
}

fn in_chinese(problem: &Problem) -> String {
    let place = match problem.place() {
        Place::Variable(name) => format!("环境变量 {name}"),
        Place::Code => "代码中的配置".to_owned(),
        line => line.to_string(),
    };
    match problem {
        Problem::Syntax { message, .. } => format!("{place}：不是有效的 TOML：{message}"),
        Problem::UnknownKey { key, nearest, .. } => {
            format!("{place}：未知的键 `{key}`{}", hint(nearest.as_deref()))
        }
        Problem::MissingKey { key, rule, .. } => {
            format!("{place}：缺少 `{key}`，应为：{}", rule.chinese)
        }
        Problem::BrokenRule {
            key, rule, found, ..
        } => format!("{place}：`{key}` 应为：{}；却是 {found}", rule.chinese),
        Problem::UnknownName {
            key,
            named,
            name,
            instead,
            ..
        } => format!(
            "{place}：{}（`{key}`）{}",
            nobody(*named, name),
            of(instead)
        ),
        Problem::Refused {
            key,
            message,
            found,
            ..
        } => format!("{place}：`{key}`：{message}，却是 {found}"),
        Problem::Moved { key, now, .. } => format!("{place}：`{key}` 有效，现在写作 `{now}`"),
        Problem::Idle { key, .. } => format!("{place}：`{key}` 对此智能体没有意义；请删除"),
        Problem::More { count, .. } => format!("另有 {count} 个问题未列出；请先改正这些"),
        other => other.to_string(),
    }
}

fn nobody(named: Named, name: &str) -> String {
    match named {
        Named::Agent => format!("没有名为 `{name}` 的智能体"),
        Named::Skill => format!("没有智能体提供 `{name}`"),
        Named::Rule => format!("没有智能体带来名为 `{name}` 的规则可供关闭"),
        Named::Kind => format!("团队中没有谁会写入 `{name}` 类的事实"),
        _ => format!("`{name}` 不代表任何东西"),
    }
}

fn of(instead: &Instead) -> String {
    match instead {
        Instead::Nearest(nearest) => hint(Some(nearest)),
        Instead::Known(known) if known.is_empty() => String::new(),
        Instead::Known(known) => {
            let listed = known.iter().take(MOST_LISTED);
            let listed: Vec<String> = listed.map(|name| format!("`{name}`")).collect();
            let more = if known.len() > MOST_LISTED {
                "……"
            } else {
                ""
            };
            format!("；现有 {}{more}", listed.join("、"))
        }
    }
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("，是否要写 `{nearest}`？"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aimass_config::Config;
    use aimass_locale::Locale;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_configuration_is_said_in_both_languages() {
        let text =
            "[agents.text]\nreplcas = 2\nreplicas = 0\nmax_wait = 3\n[[reactions]]\nname = 'a'";
        let error = Config::parse(text, "a.toml", &BTreeMap::new()).unwrap_err();
        let said = config_error(&error);
        assert_eq!(said.in_locale(Locale::English), error.to_string());
        let expected = "a.toml:2：未知的键 `agents.text.replcas`，是否要写 `replicas`？
a.toml:3：`agents.text.replicas` 应为：1 到 1024 的整数；却是 0
a.toml:4：`agents.text.max_wait` 应为：0s 到 3650d 的时长，如 \"250ms\" 或 \"10s\"；却是 3
a.toml:5：缺少 `reactions[0].kind`，应为：带版本的事实类型，如 \"file.text@1\"
a.toml:5：缺少 `reactions[0].skill`，应为：带智能体名的技能，如 \"text.embed\"";
        assert_eq!(said.in_locale(Locale::Chinese), expected);
    }
}
