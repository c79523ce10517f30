//! SIGKILL at thirty seeded moments of a day on two devices under load, and a relay. The long run is `simulate --kills`.

use journeys::kills::{Day, day};

use crate::world::Net;

#[test]
fn a_day_with_thirty_kills_under_load_loses_nothing_that_was_acknowledged() {
    let (mut ground, _folder) = Net::online().into_ground();
    let seed = 20_261_121;
    let figures = day(&mut ground, Day { seed, n_kills: 30 }).unwrap();
    println!("{figures}");
    assert!(figures.n_kills == 30 && figures.n_relay_kills > 0 && figures.n_verified == 15);
    assert!(
        figures.n_acknowledged > 100 && figures.n_cut_off > 5,
        "the moments do not differ: {figures}"
    );
}
