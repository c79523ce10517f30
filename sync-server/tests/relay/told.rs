//! What the relay writes into its logs: each line an object, under the request that it belongs to, and nothing that anybody
//! could use or know a person by.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sync_client::{PairingHost, PairingMember, RelayAddress};
use sync_protocol::SyncStore;
use sync_protocol::sim::SimClinic;

use crate::journeys::{start, start_with, until};
use crate::operated::Operated;
use crate::process::{invitation, relay_command};
use crate::world::{NOW, rng};

const NAME: &str = "Klinik Seri Rahsia";

/// A secret in each form in which it could slip out.
fn forms(of: &str, bytes: &[u8]) -> Vec<(String, String)> {
    let decimals: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let forms = [
        hex::encode(bytes),
        hex::encode_upper(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        decimals.join(", "),
        decimals.join(","),
    ];
    forms.into_iter().map(|form| (of.to_owned(), form)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_objects_under_their_requests_and_hold_no_name_key_or_token() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = relay_command(folder.path());
    command.env("MEDIECO_LOG", "trace");
    let relay = Operated::start_by(
        &mut command,
        folder.path(),
        &["--log", "json", "--admin", "127.0.0.1:0"],
    );
    let rng = &mut rng(41);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let invited = invitation(folder.path(), NAME);
    let address = RelayAddress::of_invitation(&invited).unwrap();
    let joined = sync_client::join_by_invitation(&address, &invited.token, clinic.encoded_statements());
    assert_eq!(joined.await.unwrap(), clinic.tenant);

    // A day in short: writing, a pairing, another clinic's statements, a stranger, figures.
    let sync = start(&device, &relay.address);
    until(&sync, |state| state.connected).await;
    (0..3).for_each(|_| device.write(rng));
    sync.nudge();
    until(&sync, |state| state.pending == 0 && state.position == 3).await;
    sync.fetch_statements(clinic.tenant).await.unwrap();
    let code = seal::PairingCode::make(rng);
    let new_keys = seal::DeviceKeys::make(rng);
    let member = PairingMember {
        tenant: clinic.tenant,
        keys: &device.keys,
        statements: clinic.encoded_statements(),
    };
    let host = PairingHost::open(&relay.address, member, code.clone()).await.unwrap();
    let (mut host_rng, mut join_rng) = (crate::world::rng(42), crate::world::rng(43));
    let hosting = host.welcome(&mut host_rng, |_| None);
    let joining = sync_client::join_by_pairing(&relay.address, &code, &new_keys, &mut join_rng);
    let (hosted, joined) = tokio::join!(hosting, joining);
    assert!(hosted.is_err() && joined.is_err(), "nobody is admitted");
    let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let stranger = start_with(store, &new_keys, &relay.address);
    until(&stranger, |state| state.error_code == Some("unknown_device")).await;
    stranger.stop().await;
    sync.stop().await;
    assert_eq!(relay.ask("/metrics").0, 200);
    relay.signal("-TERM");
    let (ended, log) = relay.ended();
    assert_eq!(ended, Some(0));

    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert!(lines.len() > 10, "{log}");
    let line = |words: &str| lines.iter().find(|line| line["message"] == words).expect(words);
    for words in ["a device is here", "a connection is refused"] {
        let request = line(words)["span"]["id"].as_str().expect(words);
        let parts: Vec<&str> = request.split('-').collect();
        assert!(matches!(parts[..], [run, _, _] if run.len() == 8), "{request}");
        assert!(parts[1..].iter().all(|part| part.parse::<u64>().is_ok()), "{request}");
    }
    assert!(
        line("a device is here")["tenant"].as_str() == Some(&clinic.tenant.to_string()),
        "ids are told"
    );

    let mut secrets = vec![
        ("the name".to_owned(), NAME.to_owned()),
        ("a part of it".to_owned(), "Rahsia".to_owned()),
        ("the pairing's code".to_owned(), code.shown().to_string()),
        ("the invitation".to_owned(), invited.to_text().to_string()),
    ];
    secrets.extend(forms("the token", invited.token.as_bytes()));
    for (of, keys) in [
        ("the device's keys", &*device.keys),
        ("the new device's keys", &new_keys),
    ] {
        let bytes = keys.to_secret_bytes();
        let keys = bytes.windows(32).step_by(1).flat_map(|key| forms(of, key));
        secrets.extend(keys);
    }
    for change in device.store.held().changes.values() {
        secrets.extend(forms("a change's body", &change[change.len() - 24..]));
    }
    for (what, secret) in secrets {
        assert!(!log.contains(&secret), "{what} is in the logs as {secret}");
    }
}
