//! The same story in the app's real window: what a person presses, types and reads, from first start to revocation.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    demo::DemoNetwork,
    people::{PASSPHRASE, PATIENT_MYKAD, PATIENT_NAME, PATIENT_PHONE, SENTOSA, SERI_MAWAR},
    relay::Relay,
    report::Report,
    screens::{enter_pin, open, sign_in},
    window::Window,
};

/// First start on an empty device: join by invitation, passphrase, recovery kit, no model yet, signed in.
pub fn first_start(folder: &Path, report: &Report) -> Result<()> {
    report.chapter("First start, in the real window");
    let relay = Relay::start(&folder.join("relay"), 0)?;
    let invitation = relay.add_clinic(SENTOSA.name)?;
    let data = folder.join("data");
    let data = data.to_str().context("a temporary folder's name is text")?;
    let window = report.step("the app opens on an empty device", || {
        let window = Window::open(&folder.join("home"), &["--data", data])?;
        window.speak("en")?;
        window.shows("Welcome to MediEco")?;
        Ok(window)
    })?;
    see(&window, report, "first-start")?;
    report.step("a forged invitation is refused in words, and nothing is made", || {
        window.press("Start a new clinic")?;
        fill_clinic(&window, "MEDIECO1-AAAA-BBBB-CCCC")?;
        window.press("Found the clinic")?;
        window.find("[role=alert]")?;
        Ok(())
    })?;
    report.step("the operator's invitation founds the clinic", || {
        window.fill_in("Invitation", &invitation)?;
        window.press("Found the clinic")?;
        window.find("[data-testid=kit-words]")?;
        Ok(())
    })?;
    let words = window.script(
        "return [...document.querySelectorAll('[data-testid=kit-words] strong')].map((e) => e.innerText.trim())",
        &[],
    )?;
    ensure!(
        words.as_array().is_some_and(|words| words.len() == 24),
        "the kit has 24 words"
    );
    report.step("the recovery kit is proved by two of its words", || {
        window.press("I have kept it")?;
        window.until(
            "return document.querySelectorAll('[data-testid^=kit-word-]').length >= 2",
            &[],
        )?;
        let asked = window.script(
            "return [...document.querySelectorAll('input[data-testid^=kit-word-]')].map((e) => e.dataset.testid)",
            &[],
        )?;
        for field in asked.as_array().context("fields")? {
            let field = field.as_str().context("a name")?;
            let place: usize = field.trim_start_matches("kit-word-").parse()?;
            window.fill(
                &format!("[data-testid={field}]"),
                words[place].as_str().context("a word")?,
            )?;
        }
        window.press("Confirm")
    })?;
    report.step("a speech model can wait", || window.press("Later"))?;
    report.step(
        "the owner is signed in, and the empty queue says what will appear",
        || {
            window.find("nav")?;
            window.shows("Nobody is here yet")
        },
    )?;
    see(&window, report, "first-day")?;
    window.close()
}

fn fill_clinic(window: &Window, invitation: &str) -> Result<()> {
    window.fill_in("Invitation", invitation)?;
    window.fill_in("Name of the clinic", SENTOSA.name)?;
    window.fill_in("House, street, area", SENTOSA.street)?;
    window.fill_in("Telephone", SENTOSA.phone)?;
    window.fill_in("Postcode", SENTOSA.postcode)?;
    window.fill_in("Town", SENTOSA.town)?;
    window.fill_in("State", SENTOSA.state)?;
    window.fill_in("Name with title", SENTOSA.owner.name)?;
    window.fill_in("Registration number", SENTOSA.owner.registration)?;
    window.fill_in("PIN (six digits)", SENTOSA.owner.pin)?;
    window.fill_in("PIN once more", SENTOSA.owner.pin)?;
    window.press("Under a passphrase")?;
    window.fill_in("Passphrase", PASSPHRASE)?;
    window.fill_in("Once more", PASSPHRASE)
}

/// A patient's day in the window of the demo network.
pub fn day(network: &DemoNetwork, folder: &Path, report: &Report) -> Result<()> {
    report.chapter("The same day, in the real window");
    let window = report.step("the app opens on the demo network", || {
        let window = open(network, folder)?;
        window.speak("en")?;
        window.shows("Who is working?")?;
        Ok(window)
    })?;
    see(&window, report, "sign-in")?;
    report.step("the doctor signs in by her PIN", || sign_in(&window, &SERI_MAWAR.owner))?;
    let token = register(&window, report)?;
    consult(&window, &token, report)?;
    dispense(&window, &token, report)?;
    share(&window, report)?;
    revoke(&window, report)?;
    window.close()
}

fn register(window: &Window, report: &Report) -> Result<String> {
    let token = report.step("a walk-in is registered from the number on her card", || {
        window.press("Today")?;
        window.fill_in("Number", PATIENT_MYKAD)?;
        window
            .until(
                "return [...document.querySelectorAll('input')].some((e) => e.value === '17/3/1998')",
                &[],
            )
            .context("the number says her birthday")?;
        window.fill_in("Full name", PATIENT_NAME)?;
        window.fill_in("Telephone", PATIENT_PHONE)?;
        window.fill_in("Reason for the visit", "Demam dan batuk 3 hari")?;
        window.press("Register and queue")?;
        window.find("[data-testid=queued]")?;
        let today = window.ask("today")?;
        let rows = today["rows"].as_array().context("a queue")?;
        let row = rows
            .iter()
            .find(|row| row["name"] == PATIENT_NAME)
            .context("she is in the queue")?;
        Ok(row["token"].as_str().context("a token")?.to_owned())
    })?;
    see(window, report, "today")?;
    Ok(token)
}

fn consult(window: &Window, token: &str, report: &Report) -> Result<()> {
    report.step("the doctor opens her", || {
        window.press("Consult")?;
        window.press(&format!("Open {token}"))?;
        window.shows("Allergies: not asked yet")
    })?;
    report.step("the demo consult is recorded and written down", || {
        window.press("Other sources of sound")?;
        window.press("Demo consult, as fast as possible")?;
        window.shows("What was said (28 turns)")?;
        window.until("return !document.body.innerText.includes('text is being written')", &[])?;
        window.press("Propose a draft")?;
        window.find("[data-testid=proposed]")?;
        Ok(())
    })?;
    see(window, report, "consult-draft")?;
    report.step(
        "the draft is taken over; the allergy that she named is recorded",
        || {
            window.press("Take over all")?;
            window.gone("[data-testid=proposed]")?;
            window.press("Record…")?;
            window.press("Record")?;
            window.find("[data-allergy=known]")?;
            Ok(())
        },
    )?;
    report.step("amoxicillin raises an alert that wants a reason", || {
        window.fill_in("Add a medicine", "amoxicillin")?;
        window.press("Amoxicillin")?;
        window.press("Override…")?;
        window.fill_in(
            "Your reason (the pharmacist will see it)",
            "Tolerated since childhood; observed for 30 minutes",
        )?;
        see(window, report, "alert")?;
        window.press("Prescribe")?;
        window.find("[data-testid=override-reason]")?;
        Ok(())
    })?;
    see(window, report, "consult")?;
    report.step("the note is signed by PIN, and stays as it is", || {
        window.press("Sign note")?;
        enter_pin(window, SERI_MAWAR.owner.pin)?;
        window.press("Sign note")?;
        window.find("[data-testid=signed-note]")?;
        Ok(())
    })?;
    see(window, report, "consult-signed")
}

fn dispense(window: &Window, token: &str, report: &Report) -> Result<()> {
    report.step(
        "the label is seen as it will print, printed, and the medicine handed over",
        || {
            window.press("Dispense")?;
            window.press(token)?;
            window.find("img[src^='data:image/png'], img[src^='blob:']")?;
            see(window, report, "dispense")?;
            window.press("Print labels and hand over")?;
            enter_pin(window, SERI_MAWAR.owner.pin)?;
            window.press("Print labels and hand over")?;
            window.find("[data-testid=dispensed]")?;
            Ok(())
        },
    )
}

fn share(window: &Window, report: &Report) -> Result<()> {
    report.step("on her own screens she agrees to share visits and medicines", || {
        let found = window.ask("today")?;
        let rows = found["rows"].as_array().context("a queue")?;
        let row = rows
            .iter()
            .find(|row| row["name"] == PATIENT_NAME)
            .context("she is in the queue")?;
        window.script(
            "location.hash = arguments[0]",
            &[json!(format!(
                "#/patients/{}",
                row["patient"].as_str().unwrap_or_default()
            ))],
        )?;
        window.press("Share with a clinic")?;
        window.press("Hand over to the patient")?;
        window.press("Continue")?;
        window.press("Visits and notes")?;
        window.press("Medicines")?;
        see(window, report, "consent-cards")?;
        window.press("Continue")?;
        window.press("Continue")?;
        sign_by_finger(window)?;
        see(window, report, "consent-sign")?;
        window.press("I agree")?;
        window.shows("Thank you. This is what you agreed to.")?;
        see(window, report, "consent-agreed")
    })?;
    report.step("the tablet handed back asks who is working", || {
        window.press("Hand back to the clinic")?;
        sign_in(window, &SERI_MAWAR.owner)
    })
}

/// A stroke over the signature field, event by event as a finger makes them.
fn sign_by_finger(window: &Window) -> Result<()> {
    window.find("[data-testid=signature]")?;
    let stroke = r#"
        const pad = document.querySelector("[data-testid=signature]");
        const box = pad.getBoundingClientRect();
        const at = (type, x, y) => pad.dispatchEvent(new PointerEvent(type, {
            bubbles: true, pointerId: 1, pointerType: "touch", isPrimary: true,
            clientX: box.left + box.width * x, clientY: box.top + box.height * y }));
        const path = [[0.2, 0.6], [0.28, 0.3], [0.34, 0.7], [0.42, 0.4], [0.5, 0.65], [0.6, 0.45], [0.75, 0.6]];
        window.dispatchEvent(new Event("focus"));
        at("pointerdown", ...path[0]);
        return new Promise((done) => {
            const next = (i) => {
                if (i === path.length) { at("pointerup", ...path[i - 1]); return done(true); }
                at("pointermove", ...path[i]);
                requestAnimationFrame(() => next(i + 1));
            };
            requestAnimationFrame(() => next(1));
        });
    "#;
    window.script(stroke, &[])?;
    window.until(
        "return (document.querySelector('[data-testid=signature] path').getAttribute('d') || '').length > 10",
        &[],
    )
}

fn revoke(window: &Window, report: &Report) -> Result<()> {
    report.step("she changes her mind: one tap, and it says that it is over", || {
        window.press("Network")?;
        see(window, report, "network")?;
        window.press(&format!("Revoke {PATIENT_NAME}"))?;
        window.press("The patient asks for it")?;
        window.press("Revoke now")?;
        window.shows("revoked")?;
        let network = window.ask("network")?;
        let state: Option<&Value> = network["given"]
            .as_array()
            .and_then(|given| given.first())
            .map(|grant| &grant["state"]);
        ensure!(state == Some(&json!("revoked")), "the grant is {state:?}");
        Ok(())
    })
}

/// Takes a picture, and lets axe look at the same.
fn see(window: &Window, report: &Report, name: &str) -> Result<()> {
    let picture = window.picture()?;
    let folder = report.folder().join("pictures");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{name}.png")), picture)?;
    let wrong = window.accessibility()?;
    ensure!(wrong.is_empty(), "accessibility of {name}: {wrong:#?}");
    Ok(())
}
