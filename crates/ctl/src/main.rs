//! mediecoctl.

fn main() {}
