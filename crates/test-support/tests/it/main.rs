//! The tests' own tools, tried.
#[cfg(test)]
mod database;
