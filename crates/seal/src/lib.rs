//! Keys, sealed changes, statements of membership, releases' envelopes.
