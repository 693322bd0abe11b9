//! A panic while the terminal is taken over, in a real one: it is given back, and what was wrong can be read.
//!
//! The test starts itself once more, inside a terminal of the kernel's own.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::thread;
use std::time::Duration;

use aimass_locale::Locale;
use pty_process::blocking::{Command, open};

use super::sample;
use crate::failure::{BUG, UNAVAILABLE, report_panics};
use crate::interrupt::Interrupts;
use crate::top::palette::Palette;
use crate::top::session::{self, Look};
use crate::top::ui::Ui;

/// Tells the inner run of this test where it is to panic.
const PLACE: &str = "AIMASS_TEST_PANIC";
const TEST: &str = "top::tests::panics::a_panic_gives_the_terminal_back_and_is_said";
/// What a script of the terminal's shell says at its end.
const ENDED: &str = "the script ends";

fn look() -> Look<'static> {
    match env::var(PLACE).as_deref() {
        Ok("look") => Box::pin(async { panic!("as told") }),
        _ => Box::pin(async {
            thread::spawn(|| panic!("as told")).join().unwrap_err();
            Ok(sample::busy())
        }),
    }
}

/// As the program does it, but for what is looked at.
fn watch() -> u8 {
    report_panics(Locale::English);
    let watched = catch_unwind(AssertUnwindSafe(|| {
        crate::block_on(async {
            let interrupts = Interrupts::listen_to_all(Locale::English)?;
            let ui = Ui::new(sample::busy(), Palette::Colours, Locale::English);
            session::run(look, ui, Duration::from_millis(100), interrupts).await
        })
    }));
    match watched {
        Ok(Ok(())) => 0,
        Ok(Err(failure)) if failure.line().is_empty() => BUG,
        Ok(Err(_)) => UNAVAILABLE,
        Err(_) => BUG,
    }
}

/// Watches in a terminal of its own; gives the screen as it is left, and the settings of the terminal before and after.
fn in_a_terminal(place: &str) -> (vt100::Parser, [String; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let script = format!(
        "stty -g > before\n\"$0\" --exact {TEST} --nocapture\necho \"ended with $?\"\nstty -g > after\necho {ENDED}\nexec cat\n"
    );
    let (pty, inside) = open().unwrap();
    pty.resize(pty_process::Size::new(24, 100)).unwrap();
    let mut shell = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(env::current_exe().unwrap())
        .current_dir(folder.path())
        .env("TERM", "xterm-256color")
        .env(PLACE, place)
        .env_remove("RUST_BACKTRACE")
        .spawn(inside)
        .unwrap();
    let mut output = File::from(pty.as_fd().try_clone_to_owned().unwrap());
    let rows = 24_u16.try_into().unwrap();
    let mut screen = vt100::Parser::new(rows, 100_u16.try_into().unwrap(), 0);
    let mut some = [0; 4096];
    while !screen.screen().contents().contains(ENDED) {
        let read = output.read(&mut some).unwrap();
        screen.process(&some[..read]);
    }
    let settings = ["before", "after"].map(|name| fs::read_to_string(path(name)).unwrap());
    shell.kill().unwrap();
    shell.wait().unwrap();
    (screen, settings)
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_said() {
    if env::var_os(PLACE).is_some() {
        exit(i32::from(watch()));
    }
    for place in ["look", "another thread"] {
        let (screen, [before, after]) = in_a_terminal(place);
        let screen = screen.screen();
        let text = screen.contents();
        assert!(!screen.alternate_screen(), "{place}: {text}");
        assert!(!screen.hide_cursor(), "{place}: {text}");
        assert_eq!(after, before, "{place}: {text}");
        assert!(text.contains("this is a bug: as told"), "{place}: {text}");
        assert!(text.contains("ended with 70"), "{place}: {text}");
        assert!(!text.contains("last episodes"), "{place}: {text}");
    }
}
