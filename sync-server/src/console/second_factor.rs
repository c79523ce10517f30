//! The second factor: codes of an authenticator app, by the clock, and recovery codes for when that is lost.

use hyper::StatusCode;
use maud::{Markup, html};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use super::layout;
use super::visit::{Fault, Visit};
use super::words::fill_in;
use super::{Console, time};
use crate::limits::Origin;
use crate::{Factor, Tried};

/// Bytes of the secret that the app and the relay share, as RFC 4226 wants them.
pub(super) const SECRET_BYTES: usize = 20;
/// Recovery codes of one operator.
pub(super) const N_RECOVERY: usize = 10;
/// Letters of a recovery code: 80 bits.
const RECOVERY_CHARS: usize = 16;

/// After so many failed tries for one name each more costs a wait, of at most a quarter of an hour: whoever knows a name
/// must not be able to keep its owner out for a day.
const FREE_OF_A_NAME: u64 = 5;
const LONGEST_OF_A_NAME_MS: i64 = 15 * 60 * 1000;
/// The same for one address.
const FREE_OF_AN_ADDRESS: u64 = 20;
const LONGEST_OF_AN_ADDRESS_MS: i64 = 60 * 60 * 1000;

/// Six digits by SHA-1 every thirty seconds, one step early or late: what every authenticator app can.
pub(super) fn totp(secret: &[u8]) -> Totp {
    Builder::new().with_secret(secret.to_vec()).build_noncompliant()
}

/// What an authenticator app reads off the picture. Names have nothing in them that an address could not have.
pub(super) fn address(secret: &[u8], name: &str) -> Zeroizing<String> {
    let secret = Zeroizing::new(as_text(secret));
    Zeroizing::new(format!(
        "otpauth://totp/MediEco:{name}?secret={}&issuer=MediEco",
        *secret
    ))
}

/// For typing it in.
pub(super) fn as_text(secret: &[u8]) -> String {
    Secret::from(secret.to_vec()).to_base32()
}

/// Recovery codes to be shown once, in groups of four, and their hashes.
pub(super) fn make_recovery() -> Vec<(String, [u8; 32])> {
    let one = || {
        let mut bytes = Zeroizing::new([0; 10]);
        rand::Rng::fill_bytes(&mut rand::rng(), bytes.as_mut());
        let letters = as_text(&*bytes);
        let groups: Vec<&str> = (0..RECOVERY_CHARS / 4)
            .filter_map(|nth| letters.get(4 * nth..4 * nth + 4))
            .collect();
        (groups.join("-"), recovery_hash(&letters))
    };
    (0..N_RECOVERY).map(|_| one()).collect()
}

/// Random enough that a plain hash keeps them.
fn recovery_hash(letters: &str) -> [u8; 32] {
    let hash = Sha256::new().chain_update("MediEco sync-server v1 recovery code");
    hash.chain_update(letters).finalize().into()
}

/// What was typed as the second factor; `None` when it can be none.
pub(super) fn read(typed: &str, secret: &[u8], now_ms: i64) -> Option<Factor> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if typed.len() == RECOVERY_CHARS {
        return Some(Factor::Recovery(recovery_hash(&typed.to_ascii_uppercase())));
    }
    let seconds = u64::try_from(now_ms / 1000).ok()?;
    totp(secret).check(&typed, seconds).map(Factor::Step)
}

/// Whose tries are counted: a name's, whether there is such an operator or not, and an address's.
pub(super) fn tried(name: &str, origin: Option<Origin>) -> Vec<Tried> {
    let hash = |kind: &str, bytes: &[u8]| {
        let hash = Sha256::new().chain_update("MediEco sync-server v1 tried ");
        hash.chain_update(kind)
            .chain_update([0])
            .chain_update(bytes)
            .finalize()
            .into()
    };
    let mut tried = vec![Tried {
        who: hash("name", name.as_bytes()),
        n_free: FREE_OF_A_NAME,
        most_ms: LONGEST_OF_A_NAME_MS,
    }];
    tried.extend(origin.map(|origin| Tried {
        who: hash("address", &origin.bytes()),
        n_free: FREE_OF_AN_ADDRESS,
        most_ms: LONGEST_OF_AN_ADDRESS_MS,
    }));
    tried
}

/// What became of a fresh code.
pub(crate) enum Fresh {
    /// It is right, and used up.
    Right,
    /// What the page says instead.
    Not(StatusCode, Markup),
}

impl Visit {
    /// Looks at the form's fresh code: an act that must not happen by a borrowed keyboard asks for one each time.
    pub(crate) async fn fresh_code(&self) -> Result<Fresh, Fault> {
        let me = &self.me().row;
        // Counted apart from signing in: whoever holds this session cannot keep others of the name out by it, nor be helped.
        let tried = tried(&format!("{} in a session", me.name), self.origin);
        let (id, now_ms, asked) = (me.operator, self.now_ms, tried.clone());
        let name = me.name.clone();
        let may = self
            .store(move |store| store.try_operator(&name, &asked, now_ms))
            .await?;
        let known = match may {
            Ok(known) => known.ok_or(Fault::Refused)?,
            Err(until_ms) => {
                let when = time::when(until_ms, self.lang);
                let text = fill_in(self.words.locked, &[("when", when)]);
                return Ok(Fresh::Not(StatusCode::TOO_MANY_REQUESTS, layout::notice("bad", text)));
            }
        };
        let factor = self.console.factor(self.form.one("code"), &id, &known.totp, now_ms);
        let used = match factor {
            // A recovery code is for getting in, and no more.
            Some(factor @ Factor::Step(_)) => self.store(move |store| store.use_factor(&id, factor, now_ms)).await?,
            _ => false,
        };
        if used {
            self.store(move |store| store.tried_well(&tried)).await?;
            return Ok(Fresh::Right);
        }
        let wrong = html! { (layout::notice("bad", self.words.code_wrong)) };
        Ok(Fresh::Not(StatusCode::FORBIDDEN, wrong))
    }
}

impl Console {
    /// What was typed, as a factor of the operator with this id and sealed secret.
    pub(super) fn factor(&self, typed: &str, id: &[u8; 16], sealed: &[u8], now_ms: i64) -> Option<Factor> {
        let secret = self.key.open(id, sealed);
        let secret = secret.inspect_err(|_| tracing::warn!("a second factor was made under another relay.key"));
        read(typed, &secret.ok()?, now_ms)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, in six digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let step = seconds / 30;
            assert_eq!(read(code, secret, seconds as i64 * 1000), Some(Factor::Step(step)));
            assert_eq!(
                read(code, secret, (seconds as i64 + 30) * 1000),
                Some(Factor::Step(step)),
                "a step late"
            );
            assert_eq!(read(code, secret, (seconds as i64 + 90) * 1000), None);
        }
        for none in ["", "28708", "2870822", "abcdef", "２８７０８２"] {
            assert_eq!(read(none, secret, 59_000), None, "{none}");
        }
    }

    #[test]
    fn recovery_codes_are_all_others_and_read_back_as_people_type_them() {
        let codes = make_recovery();
        assert_eq!(codes.len(), N_RECOVERY);
        for (text, hash) in &codes {
            assert_eq!(text.len(), 19);
            let typed = text.to_ascii_lowercase().replace('-', " ");
            assert_eq!(read(&typed, &[0; 20], 0), Some(Factor::Recovery(*hash)));
        }
        let all: std::collections::BTreeSet<_> = codes.iter().map(|(_, hash)| hash).collect();
        assert_eq!(all.len(), N_RECOVERY);
    }

    #[test]
    fn an_app_is_told_the_secret_as_all_of_them_read_it() {
        let address = address(b"12345678901234567890", "aisyah");
        assert_eq!(
            &*address,
            "otpauth://totp/MediEco:aisyah?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=MediEco"
        );
    }
}
