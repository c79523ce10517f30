//! The encrypted store of one tenant.
