//! Sans-I/O: messages in, messages and effects out. Bodies stay opaque bytes.
