//! The words of the page, in each language.

use aimass_locale::Locale;

/// The words of the page.
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) episode: &'static str,
    pub(crate) inputs: &'static str,
    pub(crate) facts: &'static str,
    pub(crate) tasks: &'static str,
    pub(crate) failures: &'static str,
    pub(crate) length: &'static str,
    pub(crate) report: &'static str,
    pub(crate) report_note: &'static str,
    pub(crate) by_model: &'static str,
    pub(crate) by_model_note: &'static str,
    pub(crate) references: &'static str,
    pub(crate) each_input: &'static str,
    pub(crate) no_report: &'static str,
    pub(crate) timeline: &'static str,
    pub(crate) timeline_note: &'static str,
    pub(crate) asked_by: &'static str,
    pub(crate) quiet: &'static str,
    pub(crate) left_out: &'static str,
    pub(crate) recordings: &'static str,
    pub(crate) recordings_note: &'static str,
    pub(crate) linked: &'static str,
    pub(crate) silent: &'static str,
    pub(crate) play: &'static str,
    pub(crate) details: &'static str,
    pub(crate) details_note: &'static str,
    pub(crate) rows_left_out: &'static str,
    pub(crate) fact: &'static str,
    pub(crate) when: &'static str,
    pub(crate) who: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) finding: &'static str,
    pub(crate) whole: &'static str,
    pub(crate) trace: &'static str,
    pub(crate) made_by: &'static str,
    pub(crate) you: &'static str,
}

impl Words {
    /// The words in that language.
    pub(crate) fn of(locale: Locale) -> Self {
        let choose = |english, chinese| locale.choose(english, chinese);
        Self {
            title: choose("An episode", "一个任务集"),
            episode: choose("Episode", "任务集"),
            inputs: choose("inputs", "份输入"),
            facts: choose("Facts", "事实"),
            tasks: choose("tasks", "项任务"),
            failures: choose("Failures", "失败"),
            length: choose("from first task to last", "从首项任务到末项任务"),
            report: choose("Report", "报告"),
            report_note: choose(
                "Every sentence names the facts that it rests on.",
                "每句话都注明所依据的事实。",
            ),
            by_model: choose("model", "模型"),
            by_model_note: choose(
                "A language model wrote this sentence. It was held against its source: each number and name in it is there.",
                "此句由语言模型撰写，并已与来源核对：其中的每个数字和名称都出自来源。",
            ),
            references: choose("References", "引用"),
            each_input: choose("Each input", "逐份输入"),
            no_report: choose("No report was written.", "没有生成报告。"),
            timeline: choose("Timeline", "时间线"),
            timeline_note: choose(
                "Who did what when. A task stands below the one that asked for it or whose fact it reacts to, and further in; pale is waiting for a worker.",
                "谁在何时做了什么。由其他任务发起、或对其事实作出反应的任务列在其下并向内缩进；浅色表示等待工作线程。",
            ),
            asked_by: choose("asked by ", "发起者："),
            quiet: choose("the team, when all was quiet", "团队（全部安静之后）"),
            left_out: choose(
                "tasks more are not shown; the trace has them all.",
                "项任务未显示；完整内容见追踪记录。",
            ),
            recordings: choose("Recordings", "录音"),
            recordings_note: choose(
                "A passage plays from where it begins.",
                "点击任一段落即从该处播放。",
            ),
            linked: choose(
                "This recording is too large to be a part of the page; it plays from its own file as long as that is in its place.",
                "此录音过大，未嵌入页面；只要原文件仍在原处，即可播放。",
            ),
            silent: choose("Nobody speaks in it.", "其中无人说话。"),
            play: choose("Play from", "播放起点"),
            details: choose("Details", "详情"),
            details_note: choose("What was found, at length.", "发现内容的完整展示。"),
            rows_left_out: choose("more rows are not shown.", "行未显示。"),
            fact: choose("Fact", "事实"),
            when: choose("Time", "时间"),
            who: choose("Who", "来源"),
            about: choose("About", "对象"),
            kind: choose("Kind", "类型"),
            finding: choose("What", "内容"),
            whole: choose("the whole fact", "完整事实"),
            trace: choose("Trace in Jaeger", "在 Jaeger 中查看追踪"),
            made_by: choose("Made by AI Mass", "由 AI Mass 生成"),
            you: choose("you", "用户"),
        }
    }
}
