//! What stands at the far end of real sockets and ptys, and fixtures.
