//! The terminal: taken over, and given back however the program ends.

use std::io;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc;

use super::overview;
use super::ui::Ui;

/// Events that may wait for a program that is busy.
const WAITING: usize = 64;

/// A terminal in our hands. Dropping it gives it back; a panic does so before it is reported.
pub(super) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// The system's, such as for a standard output that is no terminal. The terminal is as it was then.
    pub(super) fn open() -> io::Result<Self> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                // It may have come half of the way.
                let _ = ratatui::try_restore();
                Err(error)
            }
        }
    }

    pub(super) fn draw(&mut self, ui: &Ui) -> io::Result<()> {
        let draw = |frame: &mut ratatui::Frame<'_>| {
            overview::draw(ui, frame.area(), frame.buffer_mut());
        };
        self.terminal.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = self.terminal.show_cursor();
        let _ = ratatui::try_restore();
    }
}

/// What comes from the terminal, read by a thread of its own because reading it blocks. It ends with the process.
pub(super) fn events() -> io::Result<mpsc::Receiver<io::Result<Event>>> {
    let (sender, events) = mpsc::channel(WAITING);
    let read = move || {
        loop {
            let event = event::read();
            let ended = event.is_err();
            if sender.blocking_send(event).is_err() || ended {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("aimass-terminal".to_owned())
        .spawn(read)?;
    Ok(events)
}
