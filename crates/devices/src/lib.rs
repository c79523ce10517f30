//! Printers and UPS: bytes are pure functions, ports are at the edge.
