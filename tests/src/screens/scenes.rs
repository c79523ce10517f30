//! What stands in each picture: the way there, and what is opened before it is taken.

use anyhow::Result;
use serde_json::{Value, json};

use super::{apart::Apart, go};
use crate::{busy::Afternoon, window::Window};

/// One picture.
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// Route; empty where there is none yet.
    place: String,
    /// What is done there.
    then: Then,
}

/// What is done before the picture is taken. Elements by CSS, so that it is the same in each language.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    /// It is scrolled to.
    See(&'static str),
    /// The first is pressed; then the second is there.
    Press(&'static str, &'static str),
}

impl Scene {
    fn at(name: &'static str, place: impl Into<String>) -> Self {
        let (place, then) = (place.into(), Then::Nothing);
        Self { name, place, then }
    }

    fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    /// Brings it about in the window.
    pub fn arrange(&self, window: &Window) -> Result<()> {
        if !self.place.is_empty() {
            go(window, &self.place)?;
        }
        match self.then {
            Then::Nothing => Ok(()),
            Then::See(what) => {
                window.find(what)?;
                let show = "document.querySelector(arguments[0]).scrollIntoView({block: 'start', behavior: 'instant'})";
                window.script(show, &[json!(what)]).map(drop)
            }
            Then::Press(what, there) => press(window, what, there),
        }
    }
}

/// Presses it unless what it brings is there already; a dialog is waited for until it is wholly there.
fn press(window: &Window, what: &str, there: &str) -> Result<()> {
    let pressed = "if (document.querySelector(arguments[1])) return true;
        const e = document.querySelector(arguments[0]);
        if (!e || e.disabled) return false;
        e.scrollIntoView({block: 'center', behavior: 'instant'});
        e.click();
        return true;";
    window.until(pressed, &[json!(what), json!(there)])?;
    window.find(there)?;
    let calm =
        "return [...document.querySelectorAll('[role=dialog]')].every((e) => getComputedStyle(e).opacity === '1')";
    window.until(calm, &[])
}

/// A device that nobody has used yet: the ways to begin, and joining by a code.
pub fn of_joining() -> Vec<Scene> {
    const BY_CODE: Then = Then::Press(
        "[data-step=choose] section button:nth-of-type(2)",
        "[data-screen=setup][data-step=code]",
    );
    // The choice is only there before it was made: it comes again with each language and scheme.
    vec![Scene::at("join-by-code", "").then(BY_CODE)]
}

/// A clinic that was just founded.
pub fn of_the_kit() -> Vec<Scene> {
    let kit = || Scene::at("recovery-kit", "");
    vec![
        kit(),
        Scene {
            name: "recovery-kit-qr",
            ..kit()
        }
        .then(Then::See("[data-testid=kit-words] + figure")),
    ]
}

/// A tablet that was put out, with work that it could not send.
pub fn of_a_removed_device() -> Vec<Scene> {
    vec![
        Scene::at("removed-today", "#/today"),
        Scene::at("removed-sync", "#/sync"),
        Scene::at("removed-leave", "#/sync").then(Then::Press("[data-leave]", "[role=dialog] dl")),
    ]
}

/// A copied disk.
pub fn of_a_copy() -> Vec<Scene> {
    vec![Scene::at("copy-today", "#/today"), Scene::at("copy-sync", "#/sync")]
}

/// Not everything has come yet.
pub fn of_a_new_device(not_asked: &Value) -> Vec<Scene> {
    vec![
        Scene::at("new-device-today", "#/today"),
        Scene::at("new-device-patients", "#/patients"),
        Scene::at("new-device-patient", patient(not_asked)),
        Scene::at("new-device-consult", consult(not_asked)),
        Scene::at("new-device-sync", "#/sync"),
    ]
}

/// Another device nearby, something to send, something put aside, and no relay.
pub fn of_syncing() -> Vec<Scene> {
    vec![
        Scene::at("sync", "#/sync"),
        Scene::at("sync-lan", "#/sync").then(Then::See("[aria-labelledby=sync-contacts]")),
    ]
}

/// Every screen of the workspace, with something on it.
pub fn places(afternoon: &Afternoon) -> Vec<(&'static str, String)> {
    let (open, waits) = (&afternoon.in_consult, &afternoon.at_pharmacy);
    vec![
        ("today", "#/today".to_owned()),
        ("patients", "#/patients".to_owned()),
        ("patient", patient(waits)),
        ("consult-list", "#/consult".to_owned()),
        ("consult", consult(open)),
        ("consult-signed", consult(waits)),
        ("dispense", format!("#/dispense/{}", of(waits, "visit"))),
        ("consent", format!("#/consent/{}", of(waits, "patient"))),
        ("network", "#/network".to_owned()),
        ("network-directory", "#/network?tab=directory".to_owned()),
        ("network-requests", "#/network?tab=requests".to_owned()),
        ("network-letters", "#/network?tab=letters".to_owned()),
        ("sync", "#/sync".to_owned()),
        ("admin", "#/admin".to_owned()),
        ("admin-devices", "#/admin/devices".to_owned()),
        ("admin-backup", "#/admin/backup".to_owned()),
        ("admin-plan", "#/admin/plan".to_owned()),
    ]
}

fn of<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn patient(row: &Value) -> String {
    format!("#/patients/{}", of(row, "patient"))
}

fn consult(row: &Value) -> String {
    format!("#/consult/{}", of(row, "visit"))
}

/// All of them, and what is opened on them.
pub fn of_the_day(afternoon: &Afternoon, apart: &Apart) -> Vec<Scene> {
    let mut scenes: Vec<Scene> = places(afternoon)
        .into_iter()
        .filter(|(name, _)| *name != "sync")
        .map(|(name, place)| Scene::at(name, place))
        .collect();
    scenes.extend([
        Scene::at("patient-recordings", patient(&apart.recorded)).then(Then::See("[data-testid=recordings]")),
        Scene::at("patient-ask", patient(&afternoon.at_pharmacy)).then(Then::Press(
            "[aria-labelledby=elsewhere] button",
            "[role=dialog] select",
        )),
        Scene::at("network-request", "#/network?tab=requests")
            .then(Then::Press("[data-request]", "[data-testid=request]")),
        // From there on.
        Scene::at("network-request-answer", "").then(Then::Press("[data-answer]", "[data-testid=answer]")),
        Scene::at("patient-undecided", patient(&apart.two_severities)),
        Scene::at("patient-erase", patient(&afternoon.at_pharmacy)).then(Then::Press(
            "[aria-labelledby=erasing] button",
            "[data-testid=erasure-preview]",
        )),
        Scene::at("consult-sound-elsewhere", consult(&apart.recorded)).then(Then::See("[data-testid=recordings]")),
        Scene::at("consult-erase-sound", consult(&apart.recorded)).then(Then::Press(
            "[data-testid=recordings] [data-erase]",
            "[data-testid=erasing-sound]",
        )),
        Scene::at("consult-signed-twice", consult(&apart.signed_twice)),
        Scene::at("to-decide", "#/conflicts"),
        Scene::at("to-decide-late", "#/conflicts").then(Then::See("[data-matter=late_edit]")),
        Scene::at("to-decide-other-value", "#/conflicts").then(Then::Press(
            "[data-matter=disputed] summary",
            "[data-matter=disputed] details[open]",
        )),
        Scene::at("to-decide-reverse", "#/conflicts").then(Then::Press(
            "[data-matter=signed_twice] button",
            "[role=dialog] textarea",
        )),
        Scene::at("admin-put-aside", "#/admin/devices").then(Then::See("[data-aside]")),
        Scene::at("admin-pairing", "#/admin/devices").then(Then::Press(
            "[data-testid=pairing] button",
            "[data-testid=pairing-code]",
        )),
        Scene::at("admin-settings", "#/admin/settings"),
    ]);
    scenes
}
