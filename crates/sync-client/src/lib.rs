//! Runs the protocol over a relay's socket, with retry and back-off.
