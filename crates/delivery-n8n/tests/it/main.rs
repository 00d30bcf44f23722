//! The way to N8N and back over real sockets.
// `cfg(test)` tells clippy that the helpers in these files may unwrap, as the tests themselves may.
#[cfg(test)]
mod answers;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod hand_off;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod support;
