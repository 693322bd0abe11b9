//! Checks a device: each network with random weights in its real shape against the processor, and what the runtime does with devices.
//! `cargo run --example device_check -- [--device cuda:0] [--small]`. It needs no models and no network, prints a table, and ends with 1 where
//! something is not as it must be. docs/devices.md says how it is built for a machine with a GPU.

#![expect(clippy::print_stdout, reason = "it tells what it has found")]

mod gguf;
mod networks;
mod onnx;
mod probe;
mod random;
mod report;
mod shapes;
mod team;
mod tensors;

use std::error::Error;
use std::process::{Command, ExitCode};

use aimass::models::device;
use aimass::{Clock, DeviceName};

use probe::Order;
use report::{Report, Verdict};
use shapes::{REAL, SMALL, Shapes};
use team::Stage;

/// What is to be done.
struct Arguments {
    device: DeviceName,
    shapes: Shapes,
    part: Part,
}

/// Which part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// The device is broken for this process, and nothing else is done in it.
    Break,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = arguments()?;
    // Said at once where it is not there.
    let opened = device::open(&arguments.device.to_string())?;
    let clock = Clock::start();
    let begun = clock.now();
    let mut report = Report::begin(&arguments.device.to_string());
    if arguments.part == Part::All {
        networks::compare(&arguments.shapes, &opened, &mut report)?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let stage = Stage::new(&arguments.shapes, arguments.device)?;
    runtime.block_on(async {
        if arguments.part == Part::All {
            stage.check(&mut report).await;
            report.checked(
                "a device that fails all work of its process",
                break_device(&arguments),
            );
            return;
        }
        let broken = stage.lost(Order::BreakDeviceFirst).await;
        let failed = |error: Box<dyn Error>| Verdict::Failed(error.to_string());
        report.checked(
            "the broken device: the fallback answers",
            broken.unwrap_or_else(failed),
        );
    });
    drop(stage);
    let seconds = clock.now().since(begun).as_secs_f64();
    println!("{} failed; {seconds:.0} s", report.failed());
    Ok(match report.failed() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Breaks the device in a process of its own, since nothing helps that process any more but another device.
fn break_device(arguments: &Arguments) -> Verdict {
    if !matches!(arguments.device, DeviceName::Cuda(_)) {
        return Verdict::LeftOut("only CUDA has such errors".to_owned());
    }
    let process = std::env::current_exe().and_then(|program| {
        let device = arguments.device.to_string();
        Command::new(program)
            .args(["--device", &device, "--break"])
            .output()
    });
    match process {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let last = said.lines().rev().nth(1).unwrap_or_default().to_owned();
            match output.status.success() {
                true => Verdict::Passed(last),
                false => Verdict::Failed(format!("{last} ({})", output.status)),
            }
        }
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments {
        device: DeviceName::Cpu,
        shapes: REAL,
        part: Part::All,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--device" => found.device = arguments.next().unwrap_or_default().parse()?,
            "--small" => found.shapes = SMALL,
            "--break" => found.part = Part::Break,
            other => {
                let expected = "`--device cpu`, `--device cuda:N`, `--device metal:N` or `--small`";
                return Err(format!("expected {expected}, got `{other}`").into());
            }
        }
    }
    Ok(found)
}
