//! The app's real window, driven as a person would: first start, and a patient's day.

use journeys::{
    busy::afternoon,
    demo,
    people::SERI_MAWAR,
    report::Report,
    screens::{go, open, places, sign_in},
    story,
};

#[test]
fn a_new_owner_starts_on_an_empty_device_in_the_real_window() {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::to(&folder.path().join("results")).unwrap();
    story::first_start(&folder.path().join("first"), &report).unwrap();
}

#[test]
fn a_patients_day_is_lived_in_the_real_window() {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::to(&folder.path().join("results")).unwrap();
    let network = demo::prepare(&folder.path().join("demo")).unwrap();
    story::day(&network, folder.path(), &report).unwrap();
}

/// What does not fit: the page itself when it scrolls sideways, and every label or button whose words are cut off.
const TOO_WIDE: &str = r#"
    const wide = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
    for (const e of document.querySelectorAll("main button, main label, nav a")) {
        const style = getComputedStyle(e);
        const cut = e.scrollWidth > e.clientWidth + 1 && style.overflowX !== "visible" && style.textOverflow !== "ellipsis";
        if (e.getClientRects().length > 0 && e.clientWidth > 0 && cut) wide.push(e.innerText.trim() || e.outerHTML.slice(0, 80));
    }
    return wide;
"#;

#[test]
fn text_of_twice_the_size_fits_on_every_screen() {
    let folder = tempfile::tempdir().unwrap();
    let network = demo::prepare(&folder.path().join("demo")).unwrap();
    let afternoon = afternoon(&network).unwrap();
    let window = open(&network, folder.path()).unwrap();
    window.speak("ms").unwrap();
    sign_in(&window, &SERI_MAWAR.owner).unwrap();
    window
        .script("document.documentElement.style.fontSize = '200%'", &[])
        .unwrap();
    for (width, height) in [(1280, 800), (800, 1280)] {
        window.resize(width, height).unwrap();
        for (name, place) in places(&afternoon) {
            go(&window, &place).unwrap();
            let wide = window.script(TOO_WIDE, &[]).unwrap();
            assert_eq!(wide, serde_json::json!([]), "{name} at {width} px");
        }
    }
    window.close().unwrap();
}
