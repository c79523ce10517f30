//! The virtual printer and UPS as a program.

fn main() {}
