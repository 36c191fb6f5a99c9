//! The `slim` binary: everything lives in the library; this only hands over the arguments.

use std::process::ExitCode;

fn main() -> ExitCode {
    slim::cli::main(std::env::args_os())
}
