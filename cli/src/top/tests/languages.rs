//! Frames in both languages.

use aimass_locale::Locale;
use expect_test::expect;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::{frame, sample};
use crate::top::overview;
use crate::top::palette::Palette;
use crate::top::ui::Ui;
use crate::top::words::width;

const LOCALES: [Locale; 2] = [Locale::English, Locale::Chinese];
const PAGES: [Option<KeyCode>; 3] = [None, Some(KeyCode::Enter), Some(KeyCode::Char('?'))];

#[test]
fn no_size_is_too_small_and_none_is_left() {
    let views = || {
        [
            sample::empty(),
            sample::failing(),
            sample::named("音声", "音声.文字起こし"),
        ]
    };
    for (locale, page) in LOCALES
        .into_iter()
        .flat_map(|one| PAGES.map(|page| (one, page)))
    {
        for view in views() {
            let mut ui = Ui::new(view, Palette::Colours, locale);
            page.map(|key| ui.on_key(KeyEvent::from(key)));
            for columns in (1..40).chain([60, 79, 109, 110, 250]) {
                for rows in [1, 2, 3, 4, 7, 12, 60] {
                    let lines = frame(&ui, (columns, rows));
                    assert_eq!(lines.lines().count(), usize::from(rows));
                    let widest = lines.lines().map(width).max();
                    assert!(widest <= Some(columns.into()), "{columns}x{rows}:\n{lines}");
                }
            }
        }
    }
}

#[test]
fn a_frame_in_chinese() {
    let ui = Ui::new(sample::failing(), Palette::Plain, Locale::Chinese);
    expect![[r#"
        aimass 0.1.0  已运行 13 min  214 任务/s  12.0 错误/s  312 MB  4096 个事件丢失
        ─ 智能体 ──────────────── /s /s 60 ─ 最近一分 ─ 错误 ── p50 ── p95 ── p99 等待95
        text  已放弃：6 restarts within 60 s, the last because of: cannot read model.sa…
          text.classify         0.75  0.38                 0 3.2 ms 9.7 ms  36 ms 1.2 ms
          text.embed             210   105 ▁▂▃▃▄▅▆▇██     17 3.2 ms 9.7 ms  36 ms 1.2 ms
          text.language         3.10  1.55    ▃▄▄▆███      0 3.2 ms 9.7 ms  36 ms 1.2 ms
          text.search              0     0                 0      -      -      -      -
        speech  没有任务
          speech.transcribe        0     0                 0      -      -      -      -
        ─ 最近的任务集和调用 ───────────────────────────────────────────────────────────
           2 s  任务集 3f2a9c41  6 项任务，1 项失败，7 条事实，40 ms
                text.language            ░██                                      3.0 ms
                text.embed               ░░███████████████████                     21 ms
                  text.classify                               ░░░░█████████████    17 ms
                ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                还有 2 项任务
          40 s  任务集 3f2a9c41  6 项任务，1 项失败，7 条事实，40 ms
                text.language            ░██                                      3.0 ms
                text.embed               ░░███████████████████                     21 ms
                  text.classify                               ░░░░█████████████    17 ms
                ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                还有 2 项任务
           1 s  ✗ text.embed             ░                                          0 µs
           2 s  ✗ text.language          ░                                          0 µs
        ─ 事件 ─────────────────────────────────────────────────────────────────────────
           3 s  text   已放弃        6 restarts within 60 s, the last because of: canno…
           3 s  text   加载失败      6 次  worker 0: cannot read model.safetensors: no …
           4 s  text   成为死信      2 次  panicked 3 times: index out of bounds
          70 s  speech 已换版本      worker 0: whisper-tiny.en@41ad8c
        ─ 工作线程 ─────────────────────────────────────────────────────────────────────
        text encoder 0    已失效  cpu  all-MiniLM-L6-v2@53aa51172d14            1 次重启
        text encoder 1    已失效  cpu  all-MiniLM-L6-v2@53aa51172d14
        text language 2   已失效  cpu  all-MiniLM-L6-v2@53aa51172d14
        speech whisper 0  未加载  cpu  all-MiniLM-L6-v2@53aa51172d14
    "#]]
    .assert_eq(&overview::plain(&ui, 80));
}

#[test]
fn a_waterfall_and_the_help_in_chinese() {
    let mut ui = Ui::new(sample::failing(), Palette::Plain, Locale::Chinese);
    ui.on_key(KeyEvent::from(KeyCode::Enter));
    expect![[r#"
        aimass 0.1.0  已运行 13 min  214 任务/s  12.0 错误/s  312 MB  4096 个事件丢失
        任务集 3f2a9c41000000000000000000000002  6 项任务，1 项失败，7 条事实，40 ms
        追踪 4bf92f35000000000000000000000002  2 s 前
                                   0                      20 ms             40 ms
        text.language              ░███                                           3.0 ms
        text.embed                 ░░███████████████████████                       21 ms
          text.classify                                    ░░░░████████████████    17 ms
            text.embed                                          ░░████            4.0 ms
        ✗ speech.transcribe          ░░░░░░░░░░░█████████████████████████████████  38 ms
        text.language                 ░█                                          1.0 ms




        任务 00000000000000000000000000000001  等待 1.0 ms  工作线程 0
        Esc 返回   ↑↓ 移动   p 暂停   ? 帮助   q 退出
    "#]]
    .assert_eq(&frame(&ui, (80, 16)));
    ui.on_key(KeyEvent::from(KeyCode::Char('?')));
    expect![[r#"
        aimass 0.1.0  已运行 13 min  214 任务/s  12.0 错误/s  312 MB  4096 个事件丢失
        按键
          q, Esc, Ctrl-C    退出
          Tab, ← →          转到另一面板
          ↑ ↓, j k          在面板内移动；也可用 Page Up、Page Down、Home、End
          Enter             打开任务集或调用；Esc 返回
          p, 空格           暂停，继续
          ?                 本页

        数字
          /s, /s 10, /s 60  每秒结束的任务：最近 1、10 和 60 秒
          最近一分          同上，画成曲线，最新的在右
          错误              启动以来没有输出的任务
          p50, p95, p99     最近一分钟 50 %、95 %、99 % 的任务至多用了这么久
          等待50, 等待95    以及等待工作线程至多这么久
          ░ █ ✗             等待，运行，失败

        这些都由节点保存，所以第一眼就能看到。
        `aimass top --once` 打印一帧，`aimass top --json` 打印全部数字。




        按任意键返回   q 退出
    "#]]
    .assert_eq(&frame(&ui, (80, 24)));
}
