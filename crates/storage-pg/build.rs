//! The migrations are part of the program: a new folder must rebuild it.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
