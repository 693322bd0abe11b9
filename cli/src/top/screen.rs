//! The terminal: taken over, and given back however the program ends.

use std::io;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::{Notify, mpsc};

use super::overview;
use super::ui::Ui;

/// Events that may wait for a program that is busy.
const WAITING: usize = 64;

/// A terminal in our hands. Dropping it gives it back; a panic does so before it is reported.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    panics: Arc<Panics>,
}

/// Panics of any thread, at which the terminal was given back already.
#[derive(Default)]
pub(super) struct Panics {
    happened: AtomicBool,
    told: Notify,
}

impl Panics {
    /// Returns once there was one.
    pub(super) async fn first(&self) {
        self.told.notified().await;
    }
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// The system's, such as for a standard output that is no terminal. The terminal is as it was then.
    pub(super) fn open() -> io::Result<Self> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self {
                terminal,
                panics: hear_of_panics(),
            }),
            Err(error) => {
                // It may have come half of the way.
                let _ = ratatui::try_restore();
                Err(error)
            }
        }
    }

    /// Panics from now on: after one, the terminal is no longer ours.
    pub(super) fn panics(&self) -> Arc<Panics> {
        self.panics.clone()
    }

    /// Draws a frame, unless a panic has taken the terminal away.
    pub(super) fn draw(&mut self, ui: &Ui) -> io::Result<()> {
        if self.panics.happened.load(Ordering::Acquire) {
            return Ok(());
        }
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
        // Given back twice, it would write over what was said of the panic.
        if !self.panics.happened.load(Ordering::Acquire) {
            let _ = ratatui::try_restore();
        }
    }
}

fn hear_of_panics() -> Arc<Panics> {
    let panics = Arc::new(Panics::default());
    let (heard, report) = (panics.clone(), panic::take_hook());
    panic::set_hook(Box::new(move |why| {
        heard.happened.store(true, Ordering::Release);
        report(why);
        heard.told.notify_one();
    }));
    panics
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
