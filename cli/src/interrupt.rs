//! Ctrl-C: the first one lets what is under way come to its end, the second cuts it off. The system's wish for an end has a limit instead.

use std::future::{Future, poll_fn};
use std::process;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use aimass_locale::{Locale, text};

use super::failure::Failure;
use super::said::say;

/// Who asks for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The user, by Ctrl-C.
    Interrupt,
    /// The system, or whoever watches over the process.
    Terminate,
}

impl Wish {
    /// What a shell expects of a program that ended because of it.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// What asks the process to end, from the moment that it listens: nothing that comes between two waits is lost.
pub(crate) struct Interrupts {
    signals: Vec<(Signal, Wish)>,
    locale: Locale,
}

impl Interrupts {
    /// From now on Ctrl-C and the system's own wish for an end no longer end the process by themselves.
    ///
    /// To be called before the user is told that Ctrl-C has an effect.
    pub(crate) fn listen(locale: Locale) -> Result<Self, Failure> {
        let signals = vec![
            (signal(SignalKind::interrupt())?, Wish::Interrupt),
            (signal(SignalKind::terminate())?, Wish::Terminate),
        ];
        Ok(Self { signals, locale })
    }

    /// As [`Self::listen`], and nothing else that can be heard ends the process by itself either: for whoever has something to give back before.
    pub(crate) fn listen_to_all(locale: Locale) -> Result<Self, Failure> {
        let mut all = Self::listen(locale)?;
        for kind in [
            SignalKind::hangup(),
            SignalKind::quit(),
            SignalKind::alarm(),
            SignalKind::user_defined1(),
            SignalKind::user_defined2(),
        ] {
            all.signals.push((signal(kind)?, Wish::Terminate));
        }
        Ok(all)
    }

    /// Waits for Ctrl-C, or for the system to ask for an end.
    pub(crate) async fn asked(&mut self) -> Wish {
        poll_fn(|context| {
            for (signal, wish) in &mut self.signals {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*wish);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits for the work; after a first wish for an end it still does, after a second the process ends. A user can have that second wish at any
    /// time; the system has one, and is given an end within the limit.
    ///
    /// # Errors
    /// [`Wish::Terminate`], when the work was not done within the limit after it.
    pub(crate) async fn patiently<T>(
        &mut self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Wish> {
        tokio::pin!(work);
        let wish = tokio::select! {
            outcome = &mut work => return Ok(outcome),
            wish = self.asked() => wish,
        };
        self.say_that_it_ends();
        match wish {
            Wish::Interrupt => Ok(self.finish(work).await),
            Wish::Terminate => {
                let done = self.finish(tokio::time::timeout(limit, work)).await;
                done.map_err(|_| wish)
            }
        }
    }

    /// Tells the user that the first Ctrl-C was heard.
    pub(crate) fn say_that_it_ends(&self) {
        let said = text!(
            "finishing what is under way; Ctrl-C again cuts it off",
            "正在完成手头的工作；再按一次 Ctrl-C 则立即中断"
        );
        say(&said, self.locale);
    }

    /// Waits for the work, until another Ctrl-C ends the process.
    pub(crate) async fn finish<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            outcome = work => outcome,
            wish = self.asked() => {
                let said = text!(
                    "cut off; what was accepted for an episode goes on at the next start",
                    "已中断；任务集中已接受的工作在下次启动时继续"
                );
                say(&said, self.locale);
                process::exit(i32::from(wish.exit_code()))
            }
        }
    }
}
