//! The command line of AI Mass.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
