//! Attachments in an object store that speaks S3, so that several relays need no folder in common.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};

/// An object is some 60 KB, so that whatever takes longer does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// So long what failed is tried again; then the device is told, and comes again by itself.
const TRIED_FOR: Duration = Duration::from_secs(30);

/// Where in such a store: `s3://bucket`, or `s3://bucket/prefix`. Which store, and the keys, come from the environment
/// (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`): they are no part of a command line, which others can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    bucket: String,
    prefix: Path,
    /// What the environment says, where a test says it.
    said: Vec<(AmazonS3ConfigKey, String)>,
}

/// What was given is no place in such a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in an object store: s3://bucket or s3://bucket/prefix, without keys")]
pub struct S3PlaceError;

impl FromStr for S3Place {
    type Err = S3PlaceError;

    fn from_str(text: &str) -> Result<Self, S3PlaceError> {
        let place = text.strip_prefix("s3://").ok_or(S3PlaceError)?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        if bucket.is_empty() || !bucket.chars().all(is_plain) || prefix.contains(['?', '#', '@']) {
            return Err(S3PlaceError);
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: Path::parse(prefix.trim_end_matches('/')).map_err(|_| S3PlaceError)?,
            said: Vec::new(),
        })
    }
}

impl S3Place {
    /// The same place, with what the environment would say of it: endpoint, key and secret. For tests, which share theirs.
    #[doc(hidden)]
    #[must_use]
    pub fn by(mut self, endpoint: &str, key: &str, secret: &str) -> Self {
        let said = [
            (AmazonS3ConfigKey::Endpoint, endpoint),
            (AmazonS3ConfigKey::Region, "ap-southeast-5"),
            (AmazonS3ConfigKey::AccessKeyId, key),
            (AmazonS3ConfigKey::SecretAccessKey, secret),
        ];
        self.said = said.map(|(what, value)| (what, value.to_owned())).into();
        self
    }

    /// The store there. Nothing is asked of it yet.
    pub(crate) fn store(&self) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
        // What speaks TLS asks the program which cryptography it is to use; somebody else may have said it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let told = self.said.iter().find(|(what, _)| *what == AmazonS3ConfigKey::Endpoint);
        let endpoint = told.map(|(_, endpoint)| endpoint.clone());
        let endpoint = endpoint.unwrap_or_else(|| std::env::var("AWS_ENDPOINT_URL").unwrap_or_default());
        let client = ClientOptions::new()
            .with_timeout(ANSWERS_WITHIN)
            // What is kept is sealed, the keys of the store are not: without TLS only to this machine.
            .with_allow_http(is_here(&endpoint));
        let retry = RetryConfig {
            retry_timeout: TRIED_FOR,
            ..RetryConfig::default()
        };
        let from_env = AmazonS3Builder::from_env();
        let said = self.said.iter();
        let store = said
            .fold(from_env, |store, (what, value)| store.with_config(*what, value))
            .with_bucket_name(&self.bucket)
            .with_client_options(client)
            .with_retry(retry)
            .build()?;
        Ok(match self.prefix.is_root() {
            true => Arc::new(store),
            false => Arc::new(PrefixStore::new(store, self.prefix.clone())),
        })
    }
}

/// Whether this is an address of this machine.
fn is_here(endpoint: &str) -> bool {
    let host = endpoint
        .parse::<hyper::Uri>()
        .ok()
        .and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_place_is_a_bucket_and_perhaps_a_prefix_and_nothing_else() {
        let place: S3Place = "s3://clinic-sound/relay/one/".parse().unwrap();
        assert_eq!(
            (place.bucket.as_str(), place.prefix.as_ref()),
            ("clinic-sound", "relay/one")
        );
        let place: S3Place = "s3://clinic-sound".parse().unwrap();
        assert_eq!((place.bucket.as_str(), place.prefix.as_ref()), ("clinic-sound", ""));
        for wrong in [
            "",
            "s3://",
            "s3:///prefix",
            "/srv/sound",
            "https://bucket",
            "s3://key:secret@bucket",
            "s3://bucket?region=x",
            "s3://bucket/../other",
            "s3://Bucket",
        ] {
            assert_eq!(wrong.parse::<S3Place>(), Err(S3PlaceError), "{wrong}");
        }
    }

    #[test]
    fn keys_go_without_tls_to_this_machine_alone() {
        for here in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in [
            "http://10.0.0.5:9000",
            "http://127.0.0.1.example.org",
            "",
            "localhost.example.org",
        ] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
