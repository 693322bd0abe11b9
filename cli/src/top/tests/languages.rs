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
    expect![[r#""#]].assert_eq(&overview::plain(&ui, 80));
}

#[test]
fn a_waterfall_and_the_help_in_chinese() {
    let mut ui = Ui::new(sample::failing(), Palette::Plain, Locale::Chinese);
    ui.on_key(KeyEvent::from(KeyCode::Enter));
    expect![[r#""#]].assert_eq(&frame(&ui, (80, 16)));
    ui.on_key(KeyEvent::from(KeyCode::Char('?')));
    expect![[r#""#]].assert_eq(&frame(&ui, (80, 24)));
}
