//! Pure policy: who may see what, until when, and the reason.
