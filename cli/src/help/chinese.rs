//! The help of each command and argument in Chinese.

/// What there is: the command's path, the argument's name, the text. No name stands for the command itself, no path for every command.
const TEXTS: &[(&str, &str, &str)] = &[
    (
        "",
        "",
        "学习模型团队的运行时：受监督的智能体，共享一个持久的环境",
    ),
    (
        "",
        "home",
        "存储与套接字所在的文件夹 [默认：AIMASS_HOME，否则为平台的数据文件夹]",
    ),
    (
        "",
        "config",
        "配置文件 [默认：./aimass.toml，否则为主文件夹中的 aimass.toml（如果有）]",
    ),
    ("", "json", "标准输出上恰好一份 JSON 文档"),
    (
        "",
        "lang",
        "输出、报告和帮助的语言：`en` 或 `zh` [默认：按区域设置]",
    ),
    ("", "help", "显示帮助"),
    ("", "version", "显示版本"),
    ("help", "", "显示帮助，或某个命令的帮助"),
    ("start", "", "运行节点：同一主文件夹的其他命令随后使用它"),
    (
        "start",
        "metrics",
        "在此地址向 Prometheus 提供指标，如 `127.0.0.1:9464`；优先于 `observers.metrics`",
    ),
    (
        "run",
        "",
        "让团队处理文件，等到全部安静，然后打印所发现的内容和报告",
    ),
    (
        "run",
        "paths",
        "文件和文件夹；文件夹代表其下的所有文件 [默认：示例收件箱]",
    ),
    (
        "run",
        "resume",
        "不处理文件，而是继续先前开始的一次工作：先显示已有的发现，再等待其余的 [默认：最近开始而无人看到结果的那一次]",
    ),
    (
        "run",
        "namespace",
        "租户 [默认：配置中的 `environment.namespace`]",
    ),
    (
        "run",
        "details",
        "打印完整报告：摘要之后是每份输入的一节，以及各句所依据的事实",
    ),
    (
        "run",
        "report",
        "写一个页面：报告、时间线、事实和录音，一个不依赖其他文件的 HTML 文件",
    ),
    ("ask", "", "调用一项技能，并打印其输出"),
    (
        "ask",
        "skill",
        "技能，如 `text.language`；`aimass skills` 列出全部",
    ),
    (
        "ask",
        "input",
        "文本、文件路径，或 `-` 表示标准输入；若 `--set` 已给出全部则不需要",
    ),
    (
        "ask",
        "set",
        "输入的其他字段；可重复。列表以逗号分隔，或用 JSON：`[\"yes, please\", \"no\"]`",
    ),
    ("ask", "deadline", "超过这么多秒便不再等待"),
    (
        "ask",
        "namespace",
        "租户；搜索只在其事实中进行 [默认：配置中的 `environment.namespace`]",
    ),
    (
        "skills",
        "",
        "列出所有技能；加 `--json` 则包括输入和输出的模式（schema）",
    ),
    ("agents", "", "列出所有智能体及其状态"),
    (
        "agents",
        "tree",
        "打印监督树：运行时的服务、智能体及其工作器，以及它们的状态和重启次数",
    ),
    (
        "top",
        "",
        "观察此主文件夹的节点：智能体、队列、速率、延迟、重启和最近的任务集",
    ),
    ("top", "once", "打印一帧纯文本后结束"),
    ("top", "interval", "每隔多少秒看一次节点"),
    ("models", "", "列出、下载、校验、导入和删除模型"),
    ("models ls", "", "列出目录，以及其中哪些已在本机"),
    ("models pull", "", "下载模型，并用 sha256 校验"),
    ("models pull", "names", "它们在目录中的名称"),
    (
        "models verify",
        "",
        "重新读取一个模型的所有文件，与下载时的内容比较",
    ),
    ("models verify", "name", "它在目录中的名称"),
    ("models import", "", "把您自己的文件夹作为目录中的一个模型"),
    ("models import", "name", "它在目录中的名称"),
    ("models import", "from", "存放其文件的文件夹"),
    ("models rm", "", "从本机删除一个模型"),
    ("models rm", "name", "它在目录中的名称"),
    ("models path", "", "打印一个模型的文件夹"),
    ("models path", "name", "它在目录中的名称"),
    ("facts", "", "列出、查看、导出、导入和遗忘事实"),
    ("facts ls", "", "按到来的顺序列出事实"),
    ("facts ls", "kind", "仅此类型，不论版本：`file.text`"),
    ("facts ls", "episode", "仅此任务集"),
    ("facts ls", "namespace", "仅此租户"),
    ("facts ls", "key", "仅键以此开头的"),
    ("facts ls", "from", "仅从此修订号起"),
    ("facts ls", "to", "仅到此修订号止"),
    ("facts ls", "superseded", "也列出已被更新事实取代的事实"),
    ("facts show", "", "查看一条事实"),
    ("facts show", "revision", "它的修订号"),
    (
        "facts export",
        "",
        "把事实连同其任务集和数据块写成 JSON Lines",
    ),
    ("facts export", "kind", "仅此类型，不论版本：`file.text`"),
    ("facts export", "episode", "仅此任务集"),
    ("facts export", "namespace", "仅此租户"),
    ("facts export", "key", "仅键以此开头的"),
    ("facts export", "from", "仅从此修订号起"),
    ("facts export", "to", "仅到此修订号止"),
    ("facts export", "into", "文件；`-` 表示标准输出"),
    ("facts import", "", "追加 `export` 写出的内容"),
    ("facts import", "from", "文件；`-` 表示标准输入"),
    (
        "facts forget",
        "",
        "删除一个任务集：其事实、任务、死信和数据块",
    ),
    ("facts forget", "episode", "任务集"),
    ("dead-letters", "", "列出、查看、重新投递和删除被放弃的任务"),
    ("dead-letters ls", "", "列出它们，最早的在前"),
    ("dead-letters show", "", "查看其中一个，包括输入和原因"),
    ("dead-letters show", "task", "任务"),
    ("dead-letters redrive", "", "作为新任务再次投递"),
    ("dead-letters redrive", "task", "任务"),
    ("dead-letters rm", "", "删除一个不再需要的死信"),
    ("dead-letters rm", "task", "任务"),
    ("config", "", "检查、显示或新建配置"),
    ("config check", "", "说明配置是否有效；无效时指出错误之处"),
    ("config show", "", "显示生效的每个值，包括默认值和环境变量"),
    (
        "config init",
        "",
        "写一个文件，其中有每个键、其默认值和作用",
    ),
    ("doctor", "", "说明本机缺少什么，应输入什么"),
    (
        "completions",
        "",
        "打印 shell 的补全脚本：`aimass completions bash > 文件`",
    ),
    ("completions", "shell", "哪种 shell"),
    ("man", "", "打印手册页：`aimass man | man -l -`"),
    ("reference", "", "以 Markdown 打印命令、技能和配置的参考"),
];

/// The text of a command, or of one of its arguments.
pub(super) fn text(path: &str, argument: Option<&str>) -> Option<&'static str> {
    let find = |path: &str, name: &str| {
        let mut texts = TEXTS.iter();
        let found = texts.find(|(of, named, _)| (*of, *named) == (path, name));
        found.map(|(.., text)| *text)
    };
    match argument {
        None => find(path, ""),
        // What every command takes is said once.
        Some(name) => find(path, name).or_else(|| find("", name)),
    }
}

/// The commands and arguments that have a text.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXTS.iter().map(|(path, name, _)| (*path, *name))
}
