//! medieco-relay.

fn main() {}
