//! What keys do.

use aimass_locale::Locale;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::frame;
use super::sample;
use crate::top::palette::Palette;
use crate::top::ui::{Focus, Next, Pace, Page, Ui};

const SIZE: (u16, u16) = (80, 24);

fn ui() -> Ui {
    Ui::new(sample::busy(), Palette::Colours, Locale::English)
}

fn press(ui: &mut Ui, codes: &[KeyCode]) -> Next {
    let press = |next, code: &KeyCode| {
        assert_eq!(next, Next::Stay, "it had ended before {code}");
        ui.on_key(KeyEvent::new(*code, KeyModifiers::NONE))
    };
    codes.iter().fold(Next::Stay, press)
}

#[test]
fn q_and_control_c_end_it_on_every_page_and_escape_on_the_first() {
    for before in [vec![], vec![KeyCode::Enter], vec![KeyCode::Char('?')]] {
        let mut one = ui();
        press(&mut one, &before);
        assert_eq!(press(&mut one, &[KeyCode::Char('q')]), Next::Quit);
        let mut other = ui();
        press(&mut other, &before);
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(other.on_key(control_c), Next::Quit);
    }
    assert_eq!(press(&mut ui(), &[KeyCode::Esc]), Next::Quit);
    assert_eq!(press(&mut ui(), &[KeyCode::Char('c')]), Next::Stay);
    let mut deep = ui();
    assert_eq!(
        press(&mut deep, &[KeyCode::Enter, KeyCode::Esc]),
        Next::Stay
    );
    assert!(matches!(deep.page, Page::Overview));
}

#[test]
fn enter_opens_the_episode_that_the_cursor_is_on() {
    let mut ui = ui();
    press(&mut ui, &[KeyCode::Down, KeyCode::Enter]);
    let shown = frame(&ui, SIZE);
    let episode = ui.view.episodes[1].episode.unwrap().to_string();
    assert!(shown.contains(&episode), "{shown}");
    assert!(
        shown.contains(&ui.view.episodes[1].trace.to_string()),
        "{shown}"
    );
    // It stays, however many others come, and when the node has forgotten it.
    let mut later = sample::busy();
    later.episodes.clear();
    ui.show(later);
    assert!(frame(&ui, SIZE).contains(&episode));
    press(&mut ui, &[KeyCode::Enter]);
    assert!(!frame(&ui, SIZE).contains(&episode));
}

#[test]
fn enter_does_nothing_elsewhere_or_where_nothing_is() {
    let mut ui = ui();
    press(&mut ui, &[KeyCode::Tab, KeyCode::Enter]);
    assert!(matches!(ui.page, Page::Overview));
    let mut ui = Ui::new(sample::empty(), Palette::Colours, Locale::English);
    press(
        &mut ui,
        &[KeyCode::Enter, KeyCode::Down, KeyCode::End, KeyCode::Enter],
    );
    assert!(matches!(ui.page, Page::Overview));
}

#[test]
fn the_cursor_follows_the_newest_until_it_is_put_on_another() {
    let mut ui = ui();
    let mut newer = sample::busy();
    let mut newest = newer.episodes[0].clone();
    newest.episode = Some(aimass_runtime::EpisodeId::from_u128(1));
    newer.episodes.insert(0, newest);
    ui.show(newer.clone());
    assert_eq!(ui.cursor(Focus::Episodes), 0);
    let mut other = self::ui();
    press(&mut other, &[KeyCode::Char('j')]);
    other.show(newer);
    assert_eq!(other.cursor(Focus::Episodes), 2, "one was put before it");
    other.show(sample::empty());
    assert_eq!(other.cursor(Focus::Episodes), 0);
}

#[test]
fn the_focus_goes_round_and_the_cursor_stays_inside() {
    let mut ui = ui();
    assert_eq!(ui.focus, Focus::Episodes);
    let mut seen = Vec::new();
    for _ in Focus::ALL {
        press(
            &mut ui,
            &[KeyCode::Tab, KeyCode::End, KeyCode::PageDown, KeyCode::Down],
        );
        seen.push((ui.focus, ui.cursor(ui.focus)));
    }
    assert_eq!(
        seen,
        [
            (Focus::Happenings, 1),
            (Focus::Skills, 6),
            (Focus::Workers, 3),
            (Focus::Episodes, 3),
        ]
    );
    press(&mut ui, &[KeyCode::Home, KeyCode::Up, KeyCode::BackTab]);
    assert_eq!((ui.cursor(Focus::Episodes), ui.focus), (0, Focus::Workers));
}

#[test]
fn p_pauses_and_says_so() {
    let mut ui = ui();
    press(&mut ui, &[KeyCode::Char('p')]);
    assert_eq!(ui.pace, Pace::Paused);
    assert!(frame(&ui, SIZE).contains("PAUSED"));
    press(&mut ui, &[KeyCode::Char('p')]);
    assert!(!frame(&ui, SIZE).contains("PAUSED"));
}

#[test]
fn a_node_that_does_not_answer_is_told_of() {
    let mut ui = ui();
    ui.silence = Some(std::time::Duration::from_secs(3));
    assert!(frame(&ui, SIZE).contains("no answer for 3.0 s"));
    ui.show(sample::busy());
    assert!(!frame(&ui, SIZE).contains("no answer"));
}
