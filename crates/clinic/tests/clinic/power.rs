use clinic::{
    DeskEvent,
    views::status::{DeviceSettings, PowerCode},
};
use testkit::{UpsScene, VirtualUps};

use crate::support::{Net, Place};

#[test]
fn on_battery_heavy_work_pauses_and_the_status_bar_says_so() {
    let net = Net::start();
    let ups = VirtualUps::start().unwrap();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    assert_eq!(place.desk.status().unwrap().power.state, PowerCode::NotSet);
    let settings = DeviceSettings {
        ups: ups.path().to_owned(),
        ..place.desk.device_settings().unwrap()
    };
    place.desk.save_device_settings(settings).unwrap();
    let power = |place: &Place| place.desk.status().unwrap().power;
    place.wait_until("the mains are seen", |_| power(&place).state == PowerCode::Mains);
    assert_eq!(power(&place).load_percent, Some(17));

    ups.set(UpsScene::Battery);
    place.wait_until("the battery is seen", |_| power(&place).state == PowerCode::Battery);
    assert!(power(&place).paused && power(&place).on_battery_since.is_some());
    let told = |event: &DeskEvent| matches!(event, DeskEvent::StatusChanged(status) if status.power.paused);
    place.wait_until("the screens were told", |_| place.events().iter().any(told));

    ups.set(UpsScene::Mains);
    place.wait_until("the mains are back", |_| {
        place.clock.step_ms(2_000);
        power(&place).state == PowerCode::Mains && !power(&place).paused
    });
}
