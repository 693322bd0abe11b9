//! Real programs that the tests talk to: the machine's own, or built once into the cache by `observers/tests/tools.sh`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// One at a time: two would build the same.
static BUILDING: Mutex<()> = Mutex::new(());

/// Jaeger.
pub(crate) fn jaeger() -> PathBuf {
    tool("jaeger")
}

/// A program of Prometheus, itself or `promtool`.
pub(crate) fn of_prometheus(name: &str) -> PathBuf {
    tool(name)
}

fn tool(name: &str) -> PathBuf {
    let _building = BUILDING.lock();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools.sh");
    let mut command = Command::new(script);
    let output = command.arg(name).stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} did not run: {error}"));
    let status = output.status;
    assert!(status.success(), "{command:?} ended with {status}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}
