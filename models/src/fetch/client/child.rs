//! A program that is run to its end, or ended.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;

/// Bytes of a line that are looked at. What these programs say is short, and another may stand in their place.
pub(super) const MAX_LINE: u64 = 4096;
/// Last words that are kept.
const MAX_COMPLAINTS: usize = 20;

/// How a program ended.
pub(super) struct Ran {
    pub(super) succeeded: bool,
    /// The last lines on standard error that hold something.
    pub(super) complaints: VecDeque<String>,
}

/// A child that does not outlive this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It is gone already, unless something went wrong here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program to its end; `heard` hears each line on standard output.
pub(super) fn run(mut command: Command, heard: &mut dyn FnMut(&str)) -> io::Result<Ran> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Running(command.spawn()?);
    let (said, complaints) = (child.0.stdout.take(), child.0.stderr.take());
    let complaints = thread::scope(|scope| {
        // Both are read at once, else it might wait for the reader of the other.
        let complaints = scope.spawn(|| last_lines(complaints));
        each_line(said, heard);
        complaints.join().unwrap_or_default()
    });
    Ok(Ran {
        succeeded: child.0.wait()?.success(),
        complaints,
    })
}

fn last_lines(from: Option<impl Read>) -> VecDeque<String> {
    let mut last = VecDeque::new();
    each_line(from, |line| {
        if line.is_empty() {
            return;
        }
        if last.len() == MAX_COMPLAINTS {
            last.pop_front();
        }
        last.push_back(line.to_owned());
    });
    last
}

/// Calls `heard` with each line, without the white space around it. What cannot be read any more has come to its end.
pub(super) fn each_line(from: Option<impl Read>, mut heard: impl FnMut(&str)) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => heard(String::from_utf8_lossy(&line).trim()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut longest = 0;
        each_line(Some(io::repeat(b'x').take(10 << 20)), |line| {
            longest = longest.max(line.len());
        });
        assert_eq!(longest as u64, MAX_LINE);
    }

    #[test]
    fn of_many_complaints_the_last_are_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "seq 1 1000 >&2; echo said; exit 3"]);
        let mut said = Vec::new();
        let ran = run(command, &mut |line| said.push(line.to_owned())).unwrap();
        assert!(!ran.succeeded);
        assert_eq!(said, ["said"]);
        assert_eq!(ran.complaints.len(), MAX_COMPLAINTS);
        assert_eq!(ran.complaints.back().unwrap(), "1000");
    }

    #[test]
    fn a_child_ends_with_whoever_runs_it() {
        let mut command = Command::new("sh");
        // Waits for a line that never comes.
        command.args(["-c", "echo $$; read never"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Running(command.spawn().unwrap());
        let stdin = child.0.stdin.take();
        let mut said = BufReader::new(child.0.stdout.take().unwrap());
        let mut id = String::new();
        said.read_line(&mut id).unwrap();
        drop(child);
        // Its end of the pipe is closed, though nobody wrote into the other one.
        assert_eq!(said.read_line(&mut id).unwrap(), 0);
        drop(stdin);
    }
}
