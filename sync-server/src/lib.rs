//! The relay: stores and relays what it cannot read.
