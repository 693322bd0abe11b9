//! Watching: looks at the node and keys of the user, until one of them ends it.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use aimass_observers::live::LiveView;
use ratatui::crossterm::event::Event;
use tokio::time::{MissedTickBehavior, interval};

use super::screen::{Screen, events};
use super::ui::{Next, Pace, Ui};
use crate::failure::{BUG, Failure};
use crate::interrupt::Interrupts;

/// A look at the node, under way.
pub(super) type Look<'a> = Pin<Box<dyn Future<Output = Result<LiveView, Failure>> + Send + 'a>>;

/// Shows what is looked at until the user or the system asks for an end.
///
/// # Errors
/// When the node ends, or the terminal; and after a panic, wherever it was, for the terminal is given back then.
pub(super) async fn run<'a>(
    look_again: impl Fn() -> Look<'a>,
    mut ui: Ui,
    pause: Duration,
    mut interrupts: Interrupts,
) -> Result<(), Failure> {
    let mut screen = Screen::open()?;
    let mut events = events()?;
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first one comes at once, and the first look was had already.
    ticks.tick().await;
    let mut look: Option<Look<'a>> = None;
    let panics = screen.panics();
    loop {
        screen.draw(&ui)?;
        tokio::select! {
            _ = interrupts.asked() => return Ok(()),
            () = panics.first() => return Err(Failure::already_said(BUG)),
            event = events.recv() => match event {
                Some(Ok(Event::Key(key))) => {
                    if ui.on_key(key) == Next::Quit {
                        return Ok(());
                    }
                }
                // A new size is seen when the next frame is drawn.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                // Its thread has said why.
                None => return Err(Failure::already_said(BUG)),
            },
            view = of(&mut look) => {
                look = None;
                let view = view?;
                if ui.pace == Pace::Live {
                    ui.show(view);
                }
            }
            _ = ticks.tick() => {
                if look.is_some() {
                    ui.silence = Some(ui.silence.unwrap_or_default() + pause);
                } else {
                    look = Some(look_again());
                }
            }
        }
    }
}

/// The look under way; never, where there is none.
async fn of(look: &mut Option<Look<'_>>) -> Result<LiveView, Failure> {
    match look {
        Some(look) => look.await,
        None => pending().await,
    }
}
