//! Against the PostgreSQL of this machine.
// `cfg(test)` tells clippy that the helpers in these files may unwrap, as the tests themselves may.
#[cfg(test)]
mod death;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod server;
