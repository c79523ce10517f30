//! The end of a plan, before real devices at real sockets.

use std::time::Duration;

use seal::AttachmentId;
use sync_client::RelayAddress;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{Redeemed, RelayStore};
use sync_server::{PlanTerms, ServeOptions, Store, Timers, serve_with};
use tokio::sync::oneshot;

use super::BY;
use crate::attachments::start;
use crate::journeys::until;
use crate::world::{NOW, rng, roster};

const NAME: &str = "Klinik Harapan";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_end_changes_go_on_and_sound_goes_by_itself_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let rng = &mut rng(50);
    let (mut clinic, mut device) = SimClinic::found(NOW, rng);
    let first = roster(&clinic);
    let newcomer = clinic.admit(NOW, rng);
    let other = SimClinic::found(NOW, rng).0;
    let small = PlanTerms {
        devices: Some(1),
        bytes: Some(300),
        ..PlanTerms::default()
    };
    let mut store = Store::open(folder.path(), rng).unwrap();
    let (token, _) = store.add_clinic(NAME, sync_server::now_ms(), rng).unwrap();
    store.set_roster(&roster(&other)).unwrap();
    store.set_plan("Kecil", &small, BY, sync_server::now_ms()).unwrap();
    store
        .put_on_plan(NAME, Some("Kecil"), None, BY, sync_server::now_ms())
        .unwrap();
    // The clinic joins with its first device; the relay has not heard of the second.
    let joined = store.redeem(&token.hash(), &first, sync_server::now_ms()).unwrap();
    assert_eq!(joined, Redeemed::Joined);
    drop(store);

    let (stop, stopped) = oneshot::channel::<()>();
    let timers = Timers {
        look_again: Duration::from_millis(100),
        ..Timers::default()
    };
    let options = ServeOptions::new(folder.path(), "127.0.0.1:0".parse().unwrap());
    let relay = serve_with(options, timers, async { drop(stopped.await) })
        .await
        .unwrap();
    let address = RelayAddress::new(&relay.reachable.url, None).unwrap();
    let sound = AttachmentId::from_bytes([5; 16]);
    for n in 0..2 {
        device.store.record_chunk(sound, vec![n; 400]);
    }
    (0..5).for_each(|_| device.write(rng));
    let sync = start(&device, &address);
    let at_relay = |device: &SimDevice| device.store.held().chunks.at_relay.len();
    until(&sync, |state| state.pending == 0 && state.position == 5).await;
    until(&sync, |_| {
        device.store.held().usage.is_some_and(|usage| usage.refuses_attachments)
    })
    .await;
    let refused = start(&newcomer, &address);
    until(&refused, |state| state.error_code == Some("device_limit")).await;
    refused.stop().await;

    // Full of sound and of devices, the clinic works on: changes, a grant, its revocation.
    let grant = device.grant(&other.membership(), NOW, NOW + 1_000, rng);
    device.revoke(grant.clear().id, NOW);
    (0..5).for_each(|_| device.write(rng));
    sync.nudge();
    until(&sync, |state| state.pending == 0 && state.position == 10).await;
    assert!(device.store.held().refused.is_empty());
    assert_eq!(at_relay(&device), 0);

    let larger = PlanTerms {
        devices: Some(2),
        bytes: Some(1 << 30),
        ..small
    };
    let set = relay
        .writer
        .run(move |store| store.set_plan("Kecil", &larger, BY, sync_server::now_ms()));
    assert_eq!(set.await.unwrap(), Ok(2));
    until(&sync, |_| at_relay(&device) == 2).await;
    let served = start(&newcomer, &address);
    until(&served, |state| state.connected && state.position == 10).await;
    served.stop().await;
    sync.stop().await;
    drop(stop);
    relay.stopped().await.unwrap();
    // What was said meanwhile was counted to the last.
    let mut store = Store::open(folder.path(), rng).unwrap();
    let usage = store.usage_now(&clinic.tenant, sync_server::now_ms()).unwrap();
    assert!(usage.requests.used.unwrap() > 4, "{usage:?}");
    assert_eq!(usage.devices.used, Some(2));
}
