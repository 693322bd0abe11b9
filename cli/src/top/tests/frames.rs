//! What is on the screen, in several sizes.

use aimass_locale::Locale;
use expect_test::{Expect, expect};
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::{Color, Modifier};

use super::{drawn, frame, sample};
use crate::top::overview;
use crate::top::palette::Palette;
use crate::top::ui::Ui;
use aimass_observers::live::LiveView;

#[expect(
    clippy::needless_pass_by_value,
    reason = "a snapshot is written where it is checked"
)]
fn check(view: LiveView, size: (u16, u16), keys: &[KeyCode], expected: Expect) {
    let mut ui = Ui::new(view, Palette::Colours, Locale::English);
    for key in keys {
        ui.on_key(KeyEvent::from(*key));
    }
    expected.assert_eq(&frame(&ui, size));
}

const SMALL: (u16, u16) = (80, 24);

#[test]
fn empty() {
    check(
        sample::empty(),
        SMALL,
        &[],
        expect![[r#"
            aimass 0.1.0  up 0 s  0 tasks/s  0 errors/s  31 MB  0 events dropped
            ─ agents ──────────────── /s /s 60 ─ last min errors ── p50 ── p95 ── p99 wait95
              there is no agent
            ─ last episodes and calls ──────────────────────────────────────────────────────
              none yet; `aimass run PATH` and `aimass ask SKILL INPUT` make some
            ─ happenings ───────────────────────────────────────────────────────────────────
              none: no worker panicked, and no task was given up
            ─ workers ──────────────────────────────────────────────────────────────────────
              no agent has a worker that holds a model














            q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help
        "#]],
    );
}

#[test]
fn busy() {
    check(
        sample::busy(),
        SMALL,
        &[],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped
            ─ agents 1-6 of 7 ─────── /s /s 60 ─ last min errors ── p50 ── p95 ── p99 wait95
            text  8 tasks, 3 waiting, 12 kB, 1 restart, 1 retry
              text.classify         0.75  0.38                 0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.embed             210   105 ▁▂▃▃▄▅▆▇██     17 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.language         3.10  1.55    ▃▄▄▆███      0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.search              0     0                 0      -      -      -      -
            speech  nothing to do
            ─ last episodes and calls 1-6 of 14 ────────────────────────────────────────────
               2 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms
                    text.language            ░██                                      3.0 ms
                    text.embed               ░░███████████████████                     21 ms
                      text.classify                               ░░░░█████████████    17 ms
                    ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                    and 2 tasks more
            ─ happenings ───────────────────────────────────────────────────────────────────
               9 s  text   restarted     worker 0
               9 s  text   panicked      worker 0: index out of bounds: the len is 384
            ─ workers ──────────────────────────────────────────────────────────────────────
            text encoder 0    busy      cpu  all-MiniLM-L6-v2@53aa51172d14  1 restart  91 MB
            text encoder 1    idle      cpu  all-MiniLM-L6-v2@53aa51172d14             91 MB
            text language 2   idle      cpu  all-MiniLM-L6-v2@53aa51172d14             91 MB
            speech whisper 0  unloaded  cpu  all-MiniLM-L6-v2@53aa51172d14
            q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help
        "#]],
    );
}

#[test]
fn busy_on_a_large_terminal() {
    check(
        sample::busy(),
        (120, 40),
        &[],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped  91 MB of models  12.3k tasks, 17 failed
            ─ agents ──────────────────────── /s  /s 10  /s 60 ──────────── last min  errors ─── p50 ─── p95 ─── p99  wait50  wait95
            text  8 tasks, 3 waiting, 12 kB, 1 restart, 1 retry
              text.classify                 0.75   0.68   0.38                             0  3.2 ms  9.7 ms   36 ms  410 µs  1.2 ms
              text.embed                     210    189    105  ▁▁▁▂▂▃▃▄▄▄▅▅▆▆▆▇▇███      17  3.2 ms  9.7 ms   36 ms  410 µs  1.2 ms
              text.language                 3.10   2.79   1.55        ▂▄▄▄▄▄▄▇▇▇▇▇▇█       0  3.2 ms  9.7 ms   36 ms  410 µs  1.2 ms
              text.search                      0      0      0                             0       -       -       -       -       -
            speech  nothing to do
              speech.transcribe                0      0      0                             0       -       -       -       -       -
            ─ last episodes and calls ────────────────────────────────────────  ─ happenings ───────────────────────────────────────
               2 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms            9 s  text   restarted     worker 0
                    text.language       ███                             3.0 ms     9 s  text   panicked      worker 0: index out of…
                    text.embed          ░████████████████                21 ms  ─ workers ──────────────────────────────────────────
                      text.classify                     ░░░███████████   17 ms  text encoder 0    busy      all-MiniLM-L…  1 restart
                    ✗ speech.transcribe  ░░░░░░░░██████████████████████  38 ms  text encoder 1    idle      all-MiniLM-L…
                    and 2 tasks more                                            text language 2   idle      all-MiniLM-L…
              40 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms         speech whisper 0  unloaded  all-MiniLM-L…
                    text.language       ███                             3.0 ms
                    text.embed          ░████████████████                21 ms
                      text.classify                     ░░░███████████   17 ms
                    ✗ speech.transcribe  ░░░░░░░░██████████████████████  38 ms
                    and 2 tasks more
               now  text.embed          ░░░░░░░░░░█████████████████████ 3.0 ms
               1 s  text.embed          ░░░░░░█████████████████████████ 5.0 ms















            q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help
        "#]],
    );
}

#[test]
fn an_agent_that_was_given_up() {
    check(
        sample::failing(),
        SMALL,
        &[],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  12.0 errors/s  312 MB  4096 events droppe…
            ─ agents 1-6 of 7 ─────── /s /s 60 ─ last min errors ── p50 ── p95 ── p99 wait95
            text  given up: 6 restarts within 60 s, the last because of: cannot read model.…
              text.classify         0.75  0.38                 0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.embed             210   105 ▁▂▃▃▄▅▆▇██     17 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.language         3.10  1.55    ▃▄▄▆███      0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.search              0     0                 0      -      -      -      -
            speech  nothing to do
            ─ last episodes and calls 1-6 of 14 ────────────────────────────────────────────
               2 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms
                    text.language            ░██                                      3.0 ms
                    text.embed               ░░███████████████████                     21 ms
                      text.classify                               ░░░░█████████████    17 ms
                    ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                    and 2 tasks more
            ─ happenings 1-3 of 4 ──────────────────────────────────────────────────────────
               3 s  text   given up      6 restarts within 60 s, the last because of: canno…
               3 s  text   load failed   6 times  worker 0: cannot read model.safetensors: …
               4 s  text   dead-lettered 2 times  panicked 3 times: index out of bounds
            ─ workers 1-3 of 4 ─────────────────────────────────────────────────────────────
            text encoder 0    failed    cpu  all-MiniLM-L6-v2@53aa51172d14         1 restart
            text encoder 1    failed    cpu  all-MiniLM-L6-v2@53aa51172d14
            text language 2   failed    cpu  all-MiniLM-L6-v2@53aa51172d14
            q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help
        "#]],
    );
}

#[test]
fn an_agent_that_was_given_up_on_a_large_terminal() {
    check(
        sample::failing(),
        (120, 40),
        &[],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  12.0 errors/s  312 MB  4096 events dropped  91 MB of models  12.3k tasks, 17 fail…
            ─ agents ──────────────────────── /s  /s 10  /s 60 ──────────── last min  errors ─── p50 ─── p95 ─── p99  wait50  wait95
            text  given up: 6 restarts within 60 s, the last because of: cannot read model.safetensors: no such file  8 tasks, 3 wa…
              text.classify                 0.75   0.68   0.38                             0  3.2 ms  9.7 ms   36 ms  410 µs  1.2 ms
              text.embed                     210    189    105  ▁▁▁▂▂▃▃▄▄▄▅▅▆▆▆▇▇███      17  3.2 ms  9.7 ms   36 ms  410 µs  1.2 ms
              text.language                 3.10   2.79   1.55        ▂▄▄▄▄▄▄▇▇▇▇▇▇█       0  3.2 ms  9.7 ms   36 ms  410 µs  1.2 ms
              text.search                      0      0      0                             0       -       -       -       -       -
            speech  nothing to do
              speech.transcribe                0      0      0                             0       -       -       -       -       -
            ─ last episodes and calls ────────────────────────────────────────  ─ happenings ───────────────────────────────────────
               2 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms            3 s  text   given up      6 restarts within 60 s…
                    text.language       ███                             3.0 ms     3 s  text   load failed   6 times  worker 0: can…
                    text.embed          ░████████████████                21 ms     4 s  text   dead-lettered 2 times  panicked 3 ti…
                      text.classify                     ░░░███████████   17 ms    70 s  speech swapped       worker 0: whisper-tiny…
                    ✗ speech.transcribe  ░░░░░░░░██████████████████████  38 ms  ─ workers ──────────────────────────────────────────
                    and 2 tasks more                                            text encoder 0    failed    all-MiniLM-L…  1 restart
              40 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms         text encoder 1    failed    all-MiniLM-L…
                    text.language       ███                             3.0 ms  text language 2   failed    all-MiniLM-L…
                    text.embed          ░████████████████                21 ms  speech whisper 0  unloaded  all-MiniLM-L…
                      text.classify                     ░░░███████████   17 ms
                    ✗ speech.transcribe  ░░░░░░░░██████████████████████  38 ms
                    and 2 tasks more
               1 s  ✗ text.embed        ░                                 0 µs
               2 s  ✗ text.language     ░                                 0 µs















            q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help
        "#]],
    );
}

#[test]
fn long_names() {
    let name = "a.name.that.is.much.longer.than.any.column.and.then.some.more";
    check(
        sample::named(name, name),
        SMALL,
        &[],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped
            ─ agents 1-6 of 7 ─────── /s /s 60 ─ last min errors ── p50 ── p95 ── p99 wait95
            a.name.that.is.much.longer.than.any.column.and.then.some.more  8 tasks, 3 waiti…
              a.name.that.is.much…  0.75  0.38                 0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.embed             210   105 ▁▂▃▃▄▅▆▇██     17 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.language         3.10  1.55    ▃▄▄▆███      0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.search              0     0                 0      -      -      -      -
            speech  nothing to do
            ─ last episodes and calls 1-6 of 14 ────────────────────────────────────────────
               2 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms
                    a.name.that.is.much.lon… ░██                                      3.0 ms
                    text.embed               ░░███████████████████                     21 ms
                      text.classify                               ░░░░█████████████    17 ms
                    ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                    and 2 tasks more
            ─ happenings ───────────────────────────────────────────────────────────────────
               9 s  a.name.that.is.much… restarted     worker 0
               9 s  text                 panicked      worker 0: index out of bounds: the l…
            ─ workers ──────────────────────────────────────────────────────────────────────
            a.name.that.is.much.longe…  busy      cpu  a.name.that.is.muc…  1 restart  91 MB
            a.name.that.is.much.longe…  idle      cpu  all-MiniLM-L6-v2@5…             91 MB
            a.name.that.is.much.longe…  idle      cpu  all-MiniLM-L6-v2@5…             91 MB
            speech whisper 0            unloaded  cpu  all-MiniLM-L6-v2@5…
            q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help
        "#]],
    );
}

#[test]
fn wide_characters() {
    check(
        sample::named("音声", "音声.文字起こしと翻訳と要約と分類"),
        SMALL,
        &[],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped
            ─ agents 1-6 of 7 ─────── /s /s 60 ─ last min errors ── p50 ── p95 ── p99 wait95
            音声  8 tasks, 3 waiting, 12 kB, 1 restart, 1 retry
              音声.文字起こしと翻…  0.75  0.38                 0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.embed             210   105 ▁▂▃▃▄▅▆▇██     17 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.language         3.10  1.55    ▃▄▄▆███      0 3.2 ms 9.7 ms  36 ms 1.2 ms
              text.search              0     0                 0      -      -      -      -
            speech  nothing to do
            ─ last episodes and calls 1-6 of 14 ────────────────────────────────────────────
               2 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms
                    音声.文字起こしと翻訳と… ░██                                      3.0 ms
                    text.embed               ░░███████████████████                     21 ms
                      text.classify                               ░░░░█████████████    17 ms
                    ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                    and 2 tasks more
            ─ happenings ───────────────────────────────────────────────────────────────────
               9 s  音声   restarted     worker 0
               9 s  text   panicked      worker 0: index out of bounds: the len is 384
            ─ workers ──────────────────────────────────────────────────────────────────────
            音声 音声 0       busy      cpu  音声.文字起こしと翻訳と要約…   1 restart  91 MB
            音声 encoder 1    idle      cpu  all-MiniLM-L6-v2@53aa51172d14             91 MB
            音声 language 2   idle      cpu  all-MiniLM-L6-v2@53aa51172d14             91 MB
            speech whisper 0  unloaded  cpu  all-MiniLM-L6-v2@53aa51172d14
            q end   ↑↓ move   Tab panel   Enter waterfall   p pause   ? help
        "#]],
    );
}

#[test]
fn a_waterfall() {
    check(
        sample::busy(),
        SMALL,
        &[KeyCode::Enter, KeyCode::End],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped
            episode 3f2a9c41000000000000000000000002  6 tasks, 1 failed, 7 facts, 40 ms
            trace 4bf92f35000000000000000000000002  2 s ago
                                       0                      20 ms             40 ms
            text.language              ░███                                           3.0 ms
            text.embed                 ░░███████████████████████                       21 ms
              text.classify                                    ░░░░████████████████    17 ms
                text.embed                                          ░░████            4.0 ms
            ✗ speech.transcribe          ░░░░░░░░░░░█████████████████████████████████  38 ms
            text.language                 ░█                                          1.0 ms












            task 00000000000000000000000000000006  waited 1.0 ms  worker 0
            Esc back   ↑↓ move   p pause   ? help   q end
        "#]],
    );
}

#[test]
fn a_waterfall_on_a_large_terminal() {
    check(
        sample::busy(),
        (120, 24),
        &[KeyCode::Enter],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped  91 MB of models  12.3k tasks, 17 failed
            episode 3f2a9c41000000000000000000000002  6 tasks, 1 failed, 7 facts, 40 ms
            trace 4bf92f35000000000000000000000002  2 s ago
                                                 0                           20 ms                   40 ms
            text.language                        ░████                                                     3.0 ms
            text.embed                           ░░████████████████████████████                             21 ms
              text.classify                                                   ░░░░░░████████████████████    17 ms
                text.embed                                                            ░█████               4.0 ms
            ✗ speech.transcribe                    ░░░░░░░░░░░░░░░████████████████████████████████████████  38 ms dead lettered
            text.language                            ░█                                                    1.0 ms












            task 00000000000000000000000000000001  waited 1.0 ms  worker 0
            Esc back   ↑↓ move   p pause   ? help   q end
        "#]],
    );
}

#[test]
fn help() {
    check(
        sample::busy(),
        SMALL,
        &[KeyCode::Char('?')],
        expect![[r#"
            aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped
            keys
              q, Esc, Ctrl-C    end
              Tab, ← →          go to another panel
              ↑ ↓, j k          move in a panel; Page Up, Page Down, Home, End too
              Enter             open an episode or call; Esc goes back
              p, Space          pause, and go on
              ?                 this page

            figures
              /s, /s 10, /s 60  tasks that ended, a second: over the last 1, 10 and 60 s
              last min          the same as a curve, the newest at the right
              errors            tasks without an output since the start
              p50, p95, p99     half, 95 %, 99 % of the last minute took at most this
              wait50, wait95    and waited at most this for a worker
              ░ █ ✗             waiting, running, failed

            The node keeps all of this, so it is there from the first look on.
            `aimass top --once` prints one frame, `aimass top --json` all figures.




            any key goes back   q end
        "#]],
    );
}

#[test]
fn a_plain_frame_has_all_rows() {
    let ui = Ui::new(sample::busy(), Palette::Plain, Locale::English);
    expect![[r#"
        aimass 0.1.0  up 13 min  214 tasks/s  0 errors/s  312 MB  0 events dropped
        ─ agents ──────────────── /s /s 60 ─ last min errors ── p50 ── p95 ── p99 wait95
        text  8 tasks, 3 waiting, 12 kB, 1 restart, 1 retry
          text.classify         0.75  0.38                 0 3.2 ms 9.7 ms  36 ms 1.2 ms
          text.embed             210   105 ▁▂▃▃▄▅▆▇██     17 3.2 ms 9.7 ms  36 ms 1.2 ms
          text.language         3.10  1.55    ▃▄▄▆███      0 3.2 ms 9.7 ms  36 ms 1.2 ms
          text.search              0     0                 0      -      -      -      -
        speech  nothing to do
          speech.transcribe        0     0                 0      -      -      -      -
        ─ last episodes and calls ──────────────────────────────────────────────────────
           2 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms
                text.language            ░██                                      3.0 ms
                text.embed               ░░███████████████████                     21 ms
                  text.classify                               ░░░░█████████████    17 ms
                ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                and 2 tasks more
          40 s  episode 3f2a9c41  6 tasks, 1 failed, 7 facts, 40 ms
                text.language            ░██                                      3.0 ms
                text.embed               ░░███████████████████                     21 ms
                  text.classify                               ░░░░█████████████    17 ms
                ✗ speech.transcribe        ░░░░░░░░░░████████████████████████████  38 ms
                and 2 tasks more
           now  text.embed               ░░░░░░░░░░░░░███████████████████████████ 3.0 ms
           1 s  text.embed               ░░░░░░░░████████████████████████████████ 5.0 ms
        ─ happenings ───────────────────────────────────────────────────────────────────
           9 s  text   restarted     worker 0
           9 s  text   panicked      worker 0: index out of bounds: the len is 384
        ─ workers ──────────────────────────────────────────────────────────────────────
        text encoder 0    busy      cpu  all-MiniLM-L6-v2@53aa51172d14  1 restart  91 MB
        text encoder 1    idle      cpu  all-MiniLM-L6-v2@53aa51172d14             91 MB
        text language 2   idle      cpu  all-MiniLM-L6-v2@53aa51172d14             91 MB
        speech whisper 0  unloaded  cpu  all-MiniLM-L6-v2@53aa51172d14
    "#]]
    .assert_eq(&overview::plain(&ui, 80));
}

#[test]
fn without_colours_there_are_weights_and_words() {
    let ui = Ui::new(sample::failing(), Palette::Monochrome, Locale::English);
    let cells = drawn(&ui, SMALL);
    let coloured = cells
        .content()
        .iter()
        .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
    assert_eq!(coloured.count(), 0);
    assert!(
        cells
            .content()
            .iter()
            .any(|cell| cell.modifier.contains(Modifier::REVERSED))
    );
    let lines = overview::lines_of(&cells);
    for words in ["given up: 6 restarts", "✗ speech.transcribe", "failed"] {
        assert!(lines.contains(words), "{words} is not in\n{lines}");
    }
    let in_colours = drawn(
        &Ui::new(sample::failing(), Palette::Colours, Locale::English),
        SMALL,
    );
    assert!(
        in_colours
            .content()
            .iter()
            .any(|cell| cell.fg == Color::Red)
    );
    assert_eq!(overview::lines_of(&in_colours), lines);
}
