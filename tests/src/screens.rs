//! Pictures of the real window: one contact sheet per language, light and dark, both sizes.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    busy::{Afternoon, afternoon},
    demo::{self, DemoNetwork},
    people::{Colleague, SERI_MAWAR},
    window::Window,
};

/// Laptop and tablet upright.
const SIZES: [(u32, u32); 2] = [(1280, 800), (800, 1280)];

/// `cargo xtask screens`: pictures under `target/screens`, from a demo network of its own.
pub fn contact_sheets() -> Result<()> {
    let out = std::env::current_dir()?.join("target/screens");
    std::fs::create_dir_all(&out)?;
    let home = tempfile::tempdir()?;
    let network = demo::prepare(&home.path().join("demo"))?;
    let afternoon = afternoon(&network)?;
    let window = open(&network, home.path())?;
    sign_in(&window, &SERI_MAWAR.owner)?;
    for language in ["en", "ms"] {
        for scheme in ["light", "dark"] {
            dress(&window, language, scheme)?;
            for (width, height) in SIZES {
                window.resize(width, height)?;
                for (name, place) in places(&afternoon) {
                    go(&window, &place)?;
                    let file = out.join(format!("{name}-{language}-{scheme}-{width}x{height}.png"));
                    std::fs::write(&file, window.picture()?).with_context(|| file.display().to_string())?;
                }
            }
        }
    }
    println!("pictures: {}", out.display());
    window.close()
}

/// The app on a demo network, in a window of its own.
pub fn open(network: &DemoNetwork, home: &Path) -> Result<Window> {
    open_with(network, home, &[])
}

/// The same in a session, or beside a microphone.
pub fn open_with(network: &DemoNetwork, home: &Path, environment: &[(&str, &str)]) -> Result<Window> {
    let arguments = network.arguments();
    let arguments: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    Window::open_with(&home.join("home"), &arguments, environment)
}

/// Signs a person in by touching her face and her PIN.
pub fn sign_in(window: &Window, person: &Colleague) -> Result<()> {
    let face = format!("[aria-label^={}]", json!(person.name));
    window.click(&face)?;
    enter_pin(window, person.pin)?;
    window.find("nav")?;
    Ok(())
}

/// Touches the digits of a PIN pad.
pub fn enter_pin(window: &Window, pin: &str) -> Result<()> {
    for digit in pin.chars() {
        window.press(&digit.to_string())?;
    }
    Ok(())
}

/// Goes to a screen, and waits until it shows what it has.
pub fn go(window: &Window, place: &str) -> Result<()> {
    window.script("location.hash = arguments[0]", &[json!(place)])?;
    window.find("main, form, [data-screen]")?;
    window.until("return !document.querySelector('[aria-busy=true]')", &[])
}

/// Language and colour scheme, as a person's choice would leave them.
fn dress(window: &Window, language: &str, scheme: &str) -> Result<()> {
    let choose = "localStorage.setItem('medieco.language', arguments[0]);
        localStorage.setItem('mantine-color-scheme-value', arguments[1]);
        location.reload()";
    window.script(choose, &[json!(language), json!(scheme)])?;
    window.until(
        "return document.documentElement.lang === arguments[0]
            && document.documentElement.getAttribute('data-mantine-color-scheme') === arguments[1]
            && !!document.querySelector('nav')",
        &[json!(language), json!(scheme)],
    )
}

/// Every screen of the workspace, with something on it.
pub fn places(afternoon: &Afternoon) -> Vec<(&'static str, String)> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let (open, waits) = (&afternoon.in_consult, &afternoon.at_pharmacy);
    vec![
        ("today", "#/today".to_owned()),
        ("patients", "#/patients".to_owned()),
        ("patient", format!("#/patients/{}", text(waits, "patient"))),
        ("consult-list", "#/consult".to_owned()),
        ("consult", format!("#/consult/{}", text(open, "visit"))),
        ("consult-signed", format!("#/consult/{}", text(waits, "visit"))),
        ("dispense", format!("#/dispense/{}", text(waits, "visit"))),
        ("consent", format!("#/consent/{}", text(waits, "patient"))),
        ("network", "#/network".to_owned()),
        ("sync", "#/sync".to_owned()),
        ("admin", "#/admin".to_owned()),
        ("admin-devices", "#/admin/devices".to_owned()),
        ("admin-backup", "#/admin/backup".to_owned()),
    ]
}
