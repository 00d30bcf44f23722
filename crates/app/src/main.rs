//! The binary `outbound`.

use std::process::ExitCode;

/// A request is many small pieces that one thread makes and another frees, which this one is fast at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Of the two providers that rustls knows, the one that is built in; whoever speaks TLS finds it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    app::cli::run(app::settings::environment())
}
