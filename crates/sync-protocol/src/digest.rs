//! Two fingerprints that let a reconnect with nothing new stay under a kilobyte.

use seal::GrantId;

/// The fingerprint of a set of encoded statements: equal for equal sets, in any order and with repetitions.
pub fn digest_of_statements<'a>(statements: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hashes: Vec<[u8; 32]> = statements
        .into_iter()
        .map(|bytes| *blake3::hash(bytes).as_bytes())
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 sync: a set of statements");
    for hash in &hashes {
        hasher.update(hash);
    }
    *hasher.finalize().as_bytes()
}

/// The fingerprint of how far the releases of each grant go. Grants with nothing yet (position 0) don't count.
pub fn digest_of_releases(heads: impl IntoIterator<Item = (GrantId, u64)>) -> [u8; 32] {
    let mut heads: Vec<_> = heads.into_iter().filter(|(_, position)| *position > 0).collect();
    heads.sort_unstable();
    heads.dedup();
    let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 sync: how far each grant's releases go");
    for (grant, position) in &heads {
        hasher.update(grant.as_bytes());
        hasher.update(&position.to_be_bytes());
    }
    *hasher.finalize().as_bytes()
}
