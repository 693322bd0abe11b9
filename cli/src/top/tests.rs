//! Frames and keys, without a terminal.

mod frames;
mod keys;
mod languages;
mod panics;
mod picture;
mod sample;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::overview;
use super::ui::Ui;

/// What a terminal of that size would hold.
fn drawn(ui: &Ui, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| overview::draw(ui, frame.area(), frame.buffer_mut()))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// The same as lines of text.
fn frame(ui: &Ui, size: (u16, u16)) -> String {
    overview::lines_of(&drawn(ui, size))
}
