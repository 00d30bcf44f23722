//! The binary `outbound`.

fn main() {}
