//! The `stateward` command: parse the arguments, run, answer with an exit code.

use std::io::Write as _;
use std::process::ExitCode;

use stateward::causes::chain;
use stateward::cli::Cli;

/// musl's own allocator makes the static binary five to nine times slower (4.4k instead of 24.5k reviews a second),
/// so that the allocator is ours on every platform.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Chosen here, once: rustls panics at run time when a second provider ever enters the dependency tree.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match Cli::read().run() {
        Ok(code) => code,
        Err(error) => {
            // A closed standard error leaves nobody to tell; the exit code still says it.
            let _ = writeln!(std::io::stderr(), "error: {}", chain(&*error));
            ExitCode::from(2)
        }
    }
}
