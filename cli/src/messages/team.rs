//! Why a team did not start, what a store did not do, and why a node was not reached.

use aimass::StartError;
use aimass_locale::Text;
use aimass_observers::OtlpError;
use aimass_runtime::{EnvironmentError, RuntimeError, TransportError};

use super::{config_error, model_error, task_error};

/// Why the team did not start.
pub(crate) fn start_error(error: &StartError) -> Text {
    match error {
        StartError::Models(error) => model_error(error),
        StartError::Runtime(error) => runtime_error(error),
        StartError::Otlp(error) => otlp_error(error),
        StartError::EventLog { path, source } => {
            let path = path.display();
            Text {
                english: error.to_string(),
                chinese: format!(
                    "无法打开事件日志 `{path}`：{source}；请改正 `observers.json_lines`"
                ),
            }
        }
        // An error that came later than this table is at least said.
        other => other.to_string().into(),
    }
}

fn otlp_error(error: &OtlpError) -> Text {
    let chinese = match error {
        OtlpError::Endpoint { endpoint, message } => format!(
            "应为收集器的地址，却是 `{endpoint}`；请改正 `observers.otlp.endpoint`：{message}"
        ),
        OtlpError::Header { name } => {
            format!("应为标头 `name: value`，却是 `{name}`；请改正 `observers.otlp.headers`")
        }
        OtlpError::Certificate { path, message } => {
            format!("无法从 `{path}` 读取证书：{message}；请改正 `observers.otlp.certificate`")
        }
        OtlpError::Thread(error) => format!("无法启动导出器：{error}"),
        other => other.to_string(),
    };
    Text {
        english: error.to_string(),
        chinese,
    }
}

/// Why the runtime did not start.
pub(crate) fn runtime_error(error: &RuntimeError) -> Text {
    let chinese = match error {
        RuntimeError::Config(error) => return config_error(error),
        RuntimeError::Environment(error) => return environment_error(error),
        RuntimeError::Agent { agent, fault } => format!("智能体 `{agent}` 无法启动：{fault}"),
        RuntimeError::Duplicate {
            name,
            first,
            second,
        } => format!("`{name}` 被提供两次：由智能体 `{first}` 和 `{second}`"),
        RuntimeError::ForeignSkill { agent, skill } => {
            format!("智能体 `{agent}` 提供 `{skill}`；技能名须以智能体名开头，如 `{agent}.embed`")
        }
        RuntimeError::Reaction(error) => {
            format!("有规则无法工作：{}", task_error(error).chinese)
        }
        RuntimeError::IdleRules(names) => {
            format!(
                "空闲规则 {} 相互等待；请去掉其中一个 `after`",
                names.join("、")
            )
        }
        RuntimeError::ReactionKind { name, error } => format!("规则 `{name}`：{error}"),
        RuntimeError::MemoryBudget {
            agent,
            group,
            bytes,
            budget,
        } => format!(
            "智能体 `{agent}` 的 `{group}` 组需要 {bytes} 字节，`runtime.memory_budget` 是 {budget}；请调高，或关闭该智能体"
        ),
        other => other.to_string(),
    };
    Text {
        english: error.to_string(),
        chinese,
    }
}

/// What a store did not do.
pub(crate) fn environment_error(error: &EnvironmentError) -> Text {
    let chinese = match error {
        EnvironmentError::InUse { dir: folder, pid } => {
            let folder = folder.display();
            let owner = pid.map_or_else(|| "另一进程".to_owned(), |pid| format!("进程 {pid}"));
            format!("存储 `{folder}` 正被{owner}使用；请停止该进程，或另选文件夹")
        }
        EnvironmentError::Files { path, source, .. } => {
            let path = path.display();
            format!("无法使用 `{path}`：{source}；请检查文件夹是否存在且可写")
        }
        EnvironmentError::Corrupt { dir: folder, found } => {
            let folder = folder.display();
            format!("存储已损坏（{found}）；请从副本恢复 `{folder}`，或移走它以重新开始")
        }
        EnvironmentError::DiskFull { needed, free } => {
            format!("磁盘已满：需要 {needed} 字节，剩余 {free} 字节；请腾出空间后重试")
        }
        EnvironmentError::Store { message, .. } => format!("存储失败：{message}"),
        EnvironmentError::AlreadySettled { task } => format!("任务 {task} 已经结束"),
        EnvironmentError::UnknownTask { task } => format!("这里没有任务 {task}"),
        EnvironmentError::UnknownEpisode { episode } => format!("这里没有任务集 {episode}"),
        EnvironmentError::UnknownDeadLetter { task } => format!("没有任务 {task} 的死信"),
        EnvironmentError::UnknownBlob { hash } => format!("这里没有数据块 {hash}；请先放入其内容"),
        EnvironmentError::DamagedBlob { hash } => {
            format!("数据块 {hash} 的文件内容已变；请重新放入，或从副本恢复存储")
        }
        EnvironmentError::PartOutOfOrder {
            upload,
            expected,
            found,
        } => {
            format!(
                "上传 {upload} 的下一部分应从字节 {expected} 开始，却从 {found} 开始；请按顺序发送，或重新上传"
            )
        }
        EnvironmentError::TooManyUploads { limit } => {
            format!("同时至多 {limit} 个上传；请结束其中一个，或一分钟后重试")
        }
        EnvironmentError::TooLarge { limit, found, .. } => {
            format!("至多 {limit} 字节，却有 {found} 字节")
        }
        EnvironmentError::Compacted { oldest } => {
            format!("日志从版本 {oldest} 开始；更早的已被压缩")
        }
        EnvironmentError::Import { line, message } => format!("导入的第 {line} 行：{message}"),
        EnvironmentError::Closed => "环境已关闭".to_owned(),
        other => other.to_string(),
    };
    Text {
        english: error.to_string(),
        chinese,
    }
}

/// Why a node was not reached.
pub(crate) fn transport_error(error: &TransportError) -> Text {
    let chinese = match error {
        TransportError::NoNode { path } => {
            let path = path.display();
            format!("没有节点在 {path} 上监听；请用 `aimass start` 启动")
        }
        TransportError::InUse { path } => {
            let path = path.display();
            format!("已有另一节点在 {path} 上监听；请使用它，或用 `--home` 另选主文件夹")
        }
        TransportError::NotASocket { path } => {
            format!("{} 不是套接字，却占了位置；请移走它", path.display())
        }
        TransportError::Io { path, source, .. } => {
            format!("无法使用 {}：{source}", path.display())
        }
        TransportError::Protocol { path, message } => {
            let path = path.display();
            format!(
                "无法与 {path} 上的节点通信：{message}；请停止它，再用此版本的 `aimass start` 启动"
            )
        }
        other => other.to_string(),
    };
    Text {
        english: error.to_string(),
        chinese,
    }
}
