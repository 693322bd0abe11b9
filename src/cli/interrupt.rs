//! Ctrl-C: the first one lets what is under way come to its end, the second cuts it off.

use std::future::Future;
use std::process;

use aimass_config::Locale;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;
use super::said::said;

/// What a shell expects of a program that Ctrl-C ended.
const CUT_OFF: i32 = 130;

/// What asks the process to end, from the moment that it listens: nothing that comes between two waits is lost.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    locale: Locale,
}

impl Interrupts {
    /// From now on Ctrl-C and the system's own wish for an end no longer end the process by themselves.
    ///
    /// To be called before the user is told that Ctrl-C has an effect.
    pub(crate) fn listen(locale: Locale) -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            locale,
        })
    }

    /// Waits for Ctrl-C, or for the system to ask for an end.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for the work; after a first Ctrl-C it still does, after a second the process ends.
    pub(crate) async fn patiently<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            outcome = &mut work => return outcome,
            () = self.asked() => {}
        }
        self.say_that_it_ends();
        self.finish(work).await
    }

    /// Tells the user that the first Ctrl-C was heard.
    pub(crate) fn say_that_it_ends(&self) {
        let said = said!(
            "finishing what is under way; Ctrl-C again cuts it off",
            "正在完成手头的工作；再按一次 Ctrl-C 则立即中断"
        );
        said.say(self.locale);
    }

    /// Waits for the work, until another Ctrl-C ends the process.
    pub(crate) async fn finish<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            outcome = work => outcome,
            () = self.asked() => {
                let said = said!(
                    "cut off; what was accepted for an episode goes on at the next start",
                    "已中断；任务集中已接受的工作在下次启动时继续"
                );
                said.say(self.locale);
                process::exit(CUT_OFF)
            }
        }
    }
}
