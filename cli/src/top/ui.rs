//! What is on the screen, and what keys do to it. Knows no terminal.

use std::time::Duration;

use aimass_locale::Locale;
use aimass_observers::live::{LiveView, Work};
use aimass_runtime::{EpisodeId, TraceId};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::palette::Palette;

/// Rows that a page is, for the keys that move by one.
const PAGE_ROWS: usize = 10;

/// Everything that a frame is drawn from.
pub(super) struct Ui {
    pub(super) view: LiveView,
    pub(super) palette: Palette,
    pub(super) locale: Locale,
    pub(super) page: Page,
    pub(super) focus: Focus,
    pub(super) pace: Pace,
    /// For how long the node has left a question unanswered, if it is more than one look.
    pub(super) silence: Option<Duration>,
    cursors: [usize; Focus::ALL.len()],
    /// The episode or call that the cursor is on; none while it follows the newest.
    chosen: Option<WorkKey>,
}

/// What fills the screen.
pub(super) enum Page {
    Overview,
    /// One episode or call, kept even when the node has forgotten it.
    Waterfall {
        work: Box<Work>,
        cursor: usize,
    },
    Help,
}

/// The panel that the cursor is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Skills,
    Workers,
    Episodes,
    Happenings,
}

impl Focus {
    pub(super) const ALL: [Self; 4] = [
        Self::Skills,
        Self::Workers,
        Self::Episodes,
        Self::Happenings,
    ];
}

/// Whether what the node says is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Live,
    Paused,
}

/// What comes after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Quit,
}

type WorkKey = (Option<EpisodeId>, TraceId);

fn key_of(work: &Work) -> WorkKey {
    (work.episode, work.trace)
}

impl Ui {
    pub(super) fn new(view: LiveView, palette: Palette, locale: Locale) -> Self {
        Self {
            view,
            palette,
            locale,
            page: Page::Overview,
            focus: Focus::Episodes,
            pace: Pace::Live,
            silence: None,
            cursors: [0; Focus::ALL.len()],
            chosen: None,
        }
    }

    /// The episodes, and after them the calls.
    pub(super) fn works(&self) -> impl Iterator<Item = &Work> {
        self.view.episodes.iter().chain(&self.view.calls)
    }

    /// Where the cursor is in that panel.
    pub(super) fn cursor(&self, panel: Focus) -> usize {
        self.cursors[panel as usize]
    }

    /// Shows what the node says now. The cursor stays with the episode that it is on.
    pub(super) fn show(&mut self, view: LiveView) {
        self.view = view;
        self.silence = None;
        let followed = self.chosen;
        let at = followed.and_then(|chosen| self.works().position(|work| key_of(work) == chosen));
        if let Some(at) = at {
            self.cursors[Focus::Episodes as usize] = at;
        }
        for panel in Focus::ALL {
            self.put(panel, self.cursor(panel));
        }
        if let Page::Waterfall { work, .. } = &mut self.page {
            let all = self.view.episodes.iter().chain(&self.view.calls);
            if let Some(now) = all.into_iter().find(|one| key_of(one) == key_of(work)) {
                **work = now.clone();
            }
        }
    }

    pub(super) fn on_key(&mut self, key: KeyEvent) -> Next {
        if key.kind == KeyEventKind::Release {
            return Next::Stay;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Next::Quit,
            KeyCode::Char(_) if control => {}
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Esc if matches!(self.page, Page::Overview) => return Next::Quit,
            KeyCode::Char('p' | ' ') => {
                self.pace = match self.pace {
                    Pace::Live => Pace::Paused,
                    Pace::Paused => Pace::Live,
                };
            }
            code => self.turn(code),
        }
        Next::Stay
    }

    fn turn(&mut self, code: KeyCode) {
        match (&self.page, code) {
            (Page::Help, _) => self.page = Page::Overview,
            (_, KeyCode::Char('?' | 'h')) => self.page = Page::Help,
            (Page::Waterfall { .. }, KeyCode::Esc | KeyCode::Backspace | KeyCode::Enter) => {
                self.page = Page::Overview;
            }
            (Page::Overview, KeyCode::Tab | KeyCode::Right) => self.move_focus(1),
            (Page::Overview, KeyCode::BackTab | KeyCode::Left) => {
                self.move_focus(Focus::ALL.len() - 1);
            }
            (Page::Overview, KeyCode::Enter) if self.focus == Focus::Episodes => self.open(),
            _ => self.move_cursor(code),
        }
    }

    fn move_focus(&mut self, by: usize) {
        self.focus = Focus::ALL[(self.focus as usize + by) % Focus::ALL.len()];
    }

    fn open(&mut self) {
        let work = self.works().nth(self.cursor(Focus::Episodes)).cloned();
        if let Some(work) = work {
            self.page = Page::Waterfall {
                work: Box::new(work),
                cursor: 0,
            };
        }
    }

    fn move_cursor(&mut self, code: KeyCode) {
        let from = match &self.page {
            Page::Waterfall { cursor, .. } => *cursor,
            _ => self.cursor(self.focus),
        };
        let to = match code {
            KeyCode::Up | KeyCode::Char('k') => from.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => from + 1,
            KeyCode::PageUp => from.saturating_sub(PAGE_ROWS),
            KeyCode::PageDown => from + PAGE_ROWS,
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX,
            _ => return,
        };
        match &mut self.page {
            Page::Waterfall { work, cursor } => *cursor = to.min(last(work.spans.len())),
            _ => self.put(self.focus, to),
        }
    }

    /// Puts a panel's cursor there, or at its end.
    fn put(&mut self, panel: Focus, at: usize) {
        let length = match panel {
            Focus::Skills => self
                .view
                .agents
                .iter()
                .map(|agent| 1 + agent.skills.len())
                .sum(),
            Focus::Workers => self
                .view
                .agents
                .iter()
                .map(|agent| agent.workers.len())
                .sum(),
            Focus::Episodes => self.works().count(),
            Focus::Happenings => self.view.happenings.len(),
        };
        let at = at.min(last(length));
        self.cursors[panel as usize] = at;
        if panel == Focus::Episodes {
            let followed = |at: &usize| *at > 0;
            self.chosen = Some(at)
                .filter(followed)
                .and_then(|at| self.works().nth(at).map(key_of));
        }
    }
}

fn last(length: usize) -> usize {
    length.saturating_sub(1)
}
