//! Pictures of the real window: every screen in both languages, light and dark, at both sizes, filled by real devices.

mod apart;
mod console;
mod operator;
mod scenes;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::json;

use crate::{
    busy::afternoon,
    demo::{self, DemoNetwork},
    people::{Colleague, SERI_MAWAR},
    window::Window,
};

use apart::Apart;
use scenes::Scene;
pub use scenes::places;

/// Laptop and tablet upright.
const SIZES: [(u32, u32); 2] = [(1280, 800), (800, 1280)];

/// Which pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// The app's.
    App,
    /// The operator's console's.
    Console,
}

/// `cargo xtask screens`: pictures under `target/screens`, from a demo network and a relay of their own.
pub fn contact_sheets(only: Option<Only>) -> Result<()> {
    let album = Album::new(std::env::current_dir()?.join("target/screens"))?;
    if only != Some(Only::App) {
        console::take(&album)?;
    }
    if only != Some(Only::Console) {
        of_the_app(&album)?;
    }
    println!("pictures: {}", album.folder.display());
    Ok(())
}

fn of_the_app(album: &Album) -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut network = demo::prepare(&home.path().join("demo"))?;
    let afternoon = afternoon(&network)?;
    let apart = Apart::make(&mut network, home.path())?;

    let window = open_on(&apart.unused, &network, &home.path().join("w1"), &[])?;
    album.take(&window, "[data-screen]", &scenes::of_joining())?;
    window.close()?;
    let window = open_on(&apart.new_clinic, &network, &home.path().join("w2"), &[])?;
    album.take(&window, "[data-testid=kit-words]", &scenes::of_the_kit())?;
    window.close()?;
    let window = open_on(&apart.put_out, &network, &home.path().join("w3"), &[])?;
    sign_in(&window, &SERI_MAWAR.owner)?;
    album.take(&window, "nav", &scenes::of_a_removed_device())?;
    window.close()?;

    let window = open(&network, home.path())?;
    sign_in(&window, &SERI_MAWAR.owner)?;
    album.take(&window, "nav", &scenes::of_the_day(&afternoon, &apart))?;
    let tablet = apart.without_the_relay(&mut network, &window)?;
    album.take(&window, "nav", &scenes::of_syncing())?;
    window.close()?;
    tablet.finish()?;
    network.mend_relay()?;

    let elsewhere = [("MEDIECO_MACHINE_ID", "another machine")];
    let window = open_on(&apart.copied, &network, &home.path().join("w4"), &elsewhere)?;
    sign_in(&window, &SERI_MAWAR.owner)?;
    album.take(&window, "nav", &scenes::of_a_copy())?;
    window.close()?;

    let tablet = home.path().join("half-arrived");
    let not_asked = apart::half_arrived(&mut network, &tablet)?;
    let window = open_on(&tablet, &network, &home.path().join("w5"), &[])?;
    sign_in(&window, &SERI_MAWAR.owner)?;
    album.take(&window, "nav", &scenes::of_a_new_device(&not_asked))?;
    window.close()
}

/// Where the pictures go.
struct Album {
    folder: PathBuf,
}

impl Album {
    fn new(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Each scene in both languages, light and dark, at both sizes. `base` is there once the app has begun anew.
    fn take(&self, window: &Window, base: &str, scenes: &[Scene]) -> Result<()> {
        for language in ["en", "ms"] {
            for scheme in ["light", "dark"] {
                dress(window, base, language, scheme)?;
                for (width, height) in SIZES {
                    window.resize(width, height)?;
                    for scene in scenes {
                        let name = format!("{}-{language}-{scheme}-{width}x{height}.png", scene.name);
                        let picture = scene.arrange(window).and_then(|()| window.picture());
                        let picture = picture.with_context(|| name.clone())?;
                        let file = self.folder.join(name);
                        std::fs::write(&file, picture).with_context(|| file.display().to_string())?;
                    }
                }
            }
        }
        Ok(())
    }
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

/// The app on the data of some other device of that network.
fn open_on(data: &Path, network: &DemoNetwork, home: &Path, environment: &[(&str, &str)]) -> Result<Window> {
    let text = |path: &Path| path.to_str().map(str::to_owned);
    let (data, passphrase) = text(data)
        .zip(text(&network.passphrase))
        .context("a temporary folder's name is text")?;
    Window::open_with(home, &["--data", &data, "--passphrase-file", &passphrase], environment)
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
fn dress(window: &Window, base: &str, language: &str, scheme: &str) -> Result<()> {
    let choose = "localStorage.setItem('medieco.language', arguments[0]);
        localStorage.setItem('mantine-color-scheme-value', arguments[1]);
        location.reload()";
    window.script(choose, &[json!(language), json!(scheme)])?;
    window.until(
        "return document.documentElement.lang === arguments[0]
            && document.documentElement.getAttribute('data-mantine-color-scheme') === arguments[1]
            && !!document.querySelector(arguments[2])",
        &[json!(language), json!(scheme), json!(base)],
    )
}
