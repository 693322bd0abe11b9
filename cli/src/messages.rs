//! What could not be done, in both languages: inputs, tasks, configurations, models, teams. What the system says of it stays as it says it.

mod config;
mod models;
mod team;

use aimass_locale::{Text, text};
pub(crate) use config::{config_error, problem};
pub(crate) use models::model_error;
pub(crate) use team::{environment_error, runtime_error, start_error, transport_error};

use aimass_runtime::{InputFailure, InputProblem, TaskError};

/// What is wrong with an input, without its path.
pub(crate) fn input_failure(failure: &InputFailure) -> Text {
    let message = &failure.message;
    let chinese = match failure.problem {
        InputProblem::Missing => "没有这样的文件或文件夹；请检查路径".to_owned(),
        InputProblem::Forbidden => "没有读取它的权限；请用 `chmod` 更改权限".to_owned(),
        InputProblem::Empty => "文件是空的；应有内容".to_owned(),
        InputProblem::Special => "应为文件或文件夹，而它是设备或管道".to_owned(),
        InputProblem::Repeated => "与另一输入相同；只处理一次".to_owned(),
        InputProblem::LeftOut => format!("超出一次任务集的上限，未处理（{message}）"),
        InputProblem::Name => "名称不是 UTF-8；请重命名文件".to_owned(),
        _ => format!("无法读取（{message}）"),
    };
    Text {
        english: message.clone(),
        chinese,
    }
}

/// Why a task has no output.
pub(crate) fn task_error(error: &TaskError) -> Text {
    Text {
        english: error.to_string(),
        chinese: in_chinese(error),
    }
}

fn in_chinese(error: &TaskError) -> String {
    match error {
        TaskError::Overloaded {
            agent,
            queued,
            capacity,
            retry_after,
            ..
        } => format!(
            "智能体 `{agent}` 已满：{queued} 项任务，上限 {capacity}；请在 {retry_after:?} 后重试"
        ),
        TaskError::DeadlineExceeded { skill } => format!("`{skill}` 未在期限内答复"),
        TaskError::Cancelled { skill } => format!("对 `{skill}` 的调用已取消"),
        TaskError::Rejected { skill, message } => format!("`{skill}` 拒绝了输入：{message}"),
        TaskError::Unavailable { skill, message } => format!("`{skill}` 不可用：{message}"),
        TaskError::Failed {
            skill,
            attempts,
            message,
        } => format!("`{skill}` 尝试 {attempts} 次后失败：{message}"),
        TaskError::DeadLettered {
            skill,
            task,
            attempts,
            cause,
        } => format!("`{skill}` 尝试 {attempts} 次后被放弃，保留为死信 {task}：{cause}"),
        TaskError::Interrupted {
            skill,
            delivered,
            message,
        } => format!("`{skill}` 的流在 {delivered} 项之后中断：{message}"),
        TaskError::UnknownSkill { skill, nearest } => match nearest {
            Some(nearest) => format!("没有智能体提供 `{skill}`；是否要输入 `{nearest}`？"),
            None => format!("没有智能体提供 `{skill}`"),
        },
        TaskError::InvalidInput { skill, message } => {
            format!("`{skill}` 无法读取其输入：{message}")
        }
        TaskError::Cycle { path } => format!("流程调用了自身：{}", path.join(" -> ")),
        TaskError::ShuttingDown { skill } => format!("运行时正在关闭；`{skill}` 未完成"),
        TaskError::AgentFailed { agent, message } => {
            format!("智能体 `{agent}` 已失效，重启之前不提供服务：{message}")
        }
        TaskError::Environment { skill, message } => {
            format!("环境未接受 `{skill}` 的结果：{message}")
        }
        TaskError::Transport { message } => format!("节点没有答复：{message}"),
        TaskError::Bug { skill, message } => format!("这是 `{skill}` 中的程序错误：{message}"),
        // Such an error is its message, and an error that came later than this table is at least said.
        other => other.to_string(),
    }
}

/// The kind of an error, as [`TaskError::kind`] names it and an older or newer node may.
pub(crate) fn error_kind(kind: &str) -> Text {
    let chinese = match kind {
        "overloaded" => "已满",
        "deadline_exceeded" => "超过期限",
        "cancelled" => "已取消",
        "rejected" => "拒绝输入",
        "unavailable" => "不可用",
        "failed" => "失败",
        "dead_lettered" => "成为死信",
        "interrupted" => "中断",
        "unknown_skill" => "未知技能",
        "invalid_input" => "输入无效",
        "cycle" => "循环调用",
        "shutting_down" => "正在关闭",
        "agent_failed" => "智能体失效",
        "environment" => "环境错误",
        "transport" => "传输错误",
        "refused" => "被拒绝",
        "bug" => "程序错误",
        other => other,
    };
    Text {
        english: kind.replace('_', " "),
        chinese: chinese.to_owned(),
    }
}

/// The model of an agent is not on this machine, so that `skill` could not be done.
pub(crate) fn model_missing(skill: &str, model: &str) -> Text {
    text!(
        "`{skill}` is not available: its model `{model}` is not here; type `aimass models pull {model}`",
        "`{skill}` 不可用：本机没有它的模型 `{model}`；请输入 `aimass models pull {model}`"
    )
}
