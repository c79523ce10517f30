//! Pictures of the operator's console, in the browser that WebKitGTK brings, at a relay that has half a year behind it.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde_json::json;
use sync_client::{Ports, RelayAddress, SyncHandle};
use sync_protocol::sim::SimDevice;
use totp_rs::{Builder, Secret};

use super::{Album, SIZES, operator};
use crate::{
    child::{Running, program},
    window::{Window, browser},
};

/// Long enough, and nobody's.
const PASSWORD: &str = "kucing hitam tidur siang";

/// One picture: where it is, and what is scrolled to or opened there.
struct View {
    name: &'static str,
    place: String,
    then: Then,
}

enum Then {
    Nothing,
    /// It is scrolled to.
    See(&'static str),
    /// Its summary is pressed.
    Open(&'static str),
}

fn view(name: &'static str, place: impl Into<String>) -> View {
    let (place, then) = (place.into(), Then::Nothing);
    View { name, place, then }
}

impl View {
    fn see(self, what: &'static str) -> Self {
        let then = Then::See(what);
        Self { then, ..self }
    }

    fn open(self, what: &'static str) -> Self {
        let then = Then::Open(what);
        Self { then, ..self }
    }
}

/// A relay with a console, and one device that is there.
struct Desk {
    relay: Running,
    url: String,
    runtime: tokio::runtime::Runtime,
    sync: SyncHandle,
}

impl Desk {
    fn open(data: &Path) -> Result<Self> {
        let device = operator::furnish(data, sync_server::now_ms())?;
        let mut command = Command::new(program("medieco-relay")?);
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--console",
                "127.0.0.1:0",
                "--json",
                "--data",
            ])
            .arg(data);
        let relay = Running::start(command, &data.with_extension("log"))?;
        let (address, url) = relay.wait_for(|line| {
            let console = line["console"].as_str()?;
            Some((line["url"].as_str()?.to_owned(), format!("http://{console}")))
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let sync = connect(&device, &address, &runtime)?;
        Ok(Self {
            relay,
            url,
            runtime,
            sync,
        })
    }

    /// The link by which the operator sets password and second factor, as the command line prints it.
    fn link(&self, data: &Path) -> Result<String> {
        let mut add = Command::new(program("medieco-relay")?);
        add.args(["operator", "add", operator::OPERATOR, "--json", "--data"])
            .arg(data);
        let out = add.output()?;
        let said: serde_json::Value = serde_json::from_slice(&out.stdout).context("an operator is added")?;
        Ok(said["link"].as_str().context("a link")?.to_owned())
    }

    fn close(self) -> Result<()> {
        self.runtime.block_on(self.sync.stop());
        drop(self.relay);
        Ok(())
    }
}

fn connect(device: &SimDevice, url: &str, runtime: &tokio::runtime::Runtime) -> Result<SyncHandle> {
    let ports = Ports {
        clock: std::sync::Arc::new(sync_server::now_ms),
        rng: Box::new(ChaCha20Rng::from_seed([9; 32])),
    };
    let relay = RelayAddress::new(url, None)?;
    let keys = (*device.keys).clone();
    let sync = SyncHandle::start(
        std::sync::Arc::clone(&device.store) as _,
        relay,
        keys,
        ports,
        runtime.handle(),
    );
    let mut state = sync.state();
    runtime.block_on(state.wait_for(|state| state.connected))?;
    Ok(sync)
}

/// All pictures of the console.
pub fn take(album: &Album) -> Result<()> {
    if browser().is_none() {
        println!("the console: no pictures, MiniBrowser (of libwebkit2gtk-4.1-0) is not on this machine");
        return Ok(());
    }
    // On a disk of memory where there is one: half a year of minutes is many commits.
    let memory = Path::new("/dev/shm");
    let home = match memory.is_dir() {
        true => tempfile::tempdir_in(memory)?,
        false => tempfile::tempdir()?,
    };
    let data = home.path().join("relay");
    let desk = Desk::open(&data)?;
    papers(album, &data)?;
    let link = desk.link(&data)?;
    let mut codes = Vec::new();
    for (scheme, theme) in [("light", "Adwaita"), ("dark", "Adwaita:dark")] {
        let window = Window::browse(&home.path().join(scheme), &[("GTK_THEME", theme)])?;
        window.visit(&format!("{}/sign-in", desk.url))?;
        album.console(&window, &desk.url, scheme, &[view("sign-in", "/sign-in")])?;
        if scheme == "light" {
            speak(&window, "en")?;
            window.visit(&link)?;
            window.resize(SIZES[0].0, SIZES[0].1)?;
            album.keep("console-enrol-en-light-1280x800.png", &window)?;
            codes = enrol(&window)?;
            album.keep("console-recovery-codes-en-light-1280x800.png", &window)?;
        }
        let code = codes.pop().context("a recovery code is left")?;
        sign_in(&window, &desk.url, &code)?;
        let views = views(&window, &desk.url)?;
        album.console(&window, &desk.url, scheme, &views)?;
        window.close()?;
    }
    desk.close()
}

/// An invoice in each language, and a credit note, as the command line puts them on paper.
fn papers(album: &Album, data: &Path) -> Result<()> {
    let store = sync_server::Store::open(data, &mut ChaCha20Rng::from_seed([7; 32]))?;
    let all = store.invoices(None)?;
    let first = |language: &str, credits: bool| {
        let mut found = all
            .iter()
            .filter(|one| one.bill.language == language && one.is_credit_note() == credits);
        found.find_map(|one| one.code.clone())
    };
    for code in [
        first("en", false),
        first("ms", false),
        first("en", true).or(first("ms", true)),
    ] {
        let code = code.context("it was issued")?;
        let mut print = Command::new(program("medieco-relay")?);
        let paper = album.folder.join(format!("console-{code}.pdf"));
        // The command writes over nothing; of an earlier run it may be there.
        drop(std::fs::remove_file(&paper));
        print.args(["invoice", "pdf", &code, "--to"]).arg(paper);
        print.arg("--data").arg(data);
        anyhow::ensure!(print.output()?.status.success(), "{code} is not put on paper");
    }
    Ok(())
}

/// Uses the link as it is meant, and gives the recovery codes.
fn enrol(window: &Window) -> Result<Vec<String>> {
    let letters = window.text(".letters code")?.replace(' ', "");
    let secret = Secret::try_from_base32(&letters)
        .ok()
        .context("the letters are a secret")?;
    let totp = Builder::new().with_secret(secret).build_noncompliant();
    let seconds = u64::try_from(sync_server::now_ms() / 1000)?;
    window.fill("#password", PASSWORD)?;
    window.fill("#again", PASSWORD)?;
    window.fill("#code", &totp.generate(seconds).to_string())?;
    window.click("form.stack button.primary")?;
    window.find("ul.codes")?;
    let codes = window.script(
        "return [...document.querySelectorAll('ul.codes li')].map((e) => e.textContent)",
        &[],
    )?;
    Ok(serde_json::from_value(codes)?)
}

fn sign_in(window: &Window, url: &str, code: &str) -> Result<()> {
    window.visit(&format!("{url}/sign-in"))?;
    window.fill("#name", operator::OPERATOR)?;
    window.fill("#password", PASSWORD)?;
    window.fill("#code", code)?;
    window.click("form.stack button.primary")?;
    window.find("table.cards").map(drop)
}

/// Addresses of what is worth seeing: clinics by their names, invoices by their states.
fn views(window: &Window, url: &str) -> Result<Vec<View>> {
    let clinic = |name: &str| {
        window.visit(&format!("{url}/clinics?show=&q={}", name.replace(' ', "+")))?;
        let link = window.script("return document.querySelector('tbody th a')?.getAttribute('href')", &[])?;
        link.as_str()
            .map(str::to_owned)
            .with_context(|| format!("{name} is on the list"))
    };
    let invoice = |state: &str| {
        window.visit(&format!("{url}/invoices?state={state}"))?;
        let link = window.script("return document.querySelector('tbody th a')?.getAttribute('href')", &[])?;
        link.as_str()
            .map(str::to_owned)
            .with_context(|| format!("an invoice is {state}"))
    };
    let (full, shared) = (clinic("Klinik Harapan")?, clinic("Klinik Seri Mawar")?);
    let (suspended, invited) = (clinic("Klinik Kanak-Kanak")?, clinic("Poliklinik Anggerik")?);
    Ok(vec![
        view("clinics", "/clinics"),
        view("clinics-add", "/clinics").open(".add"),
        view("clinics-attention", "/clinics?show=attention"),
        view("clinics-nothing", "/clinics?q=xyz"),
        view("clinic", &*full),
        view("clinic-charts", &*full).see(".charts"),
        view("clinic-devices", &*shared).see("#devices"),
        view("clinic-end", &*shared).see("#standing"),
        view("clinic-suspend", &*shared).open("#standing details:nth-of-type(2)"),
        view("invoices-sender", "/invoices").open("main > details"),
        view("clinic-suspended", &*suspended),
        view("clinic-invited", &*invited),
        view("invitations", "/invitations"),
        view("plans", "/plans"),
        view("plans-change", "/plans").open("section details"),
        view("invoices", "/invoices"),
        view("invoice-issued", invoice("issued")?),
        view("invoice-draft", invoice("draft")?),
        view("invoice-paid", invoice("paid")?),
        view("health", "/health"),
        view("health-charts", "/health").see(".charts"),
        view("trends", "/trends"),
        view("audit", "/audit"),
        view("operators", "/operators"),
        view("sessions", "/sessions"),
        view("nowhere", "/clinics/99999"),
    ])
}

impl Album {
    /// Each in both languages and at both sizes.
    fn console(&self, window: &Window, url: &str, scheme: &str, views: &[View]) -> Result<()> {
        for language in ["en", "ms"] {
            window.click(&format!(".languages button[value={language}]"))?;
            window.until(
                "return document.documentElement.lang === arguments[0]",
                &[json!(language)],
            )?;
            for (width, height) in SIZES {
                window.resize(width, height)?;
                for one in views {
                    let name = format!("console-{}-{language}-{scheme}-{width}x{height}.png", one.name);
                    window.visit(&format!("{url}{}", one.place))?;
                    match one.then {
                        Then::Nothing => {}
                        Then::See(what) => {
                            let show = "document.querySelector(arguments[0])?.scrollIntoView({block: 'start'})";
                            window.script(show, &[json!(what)])?;
                        }
                        Then::Open(what) => {
                            window.click(&format!("{what} > summary"))?;
                            let show = "document.querySelector(arguments[0]).scrollIntoView({block: 'nearest'})";
                            window.script(show, &[json!(what)])?;
                        }
                    }
                    fits(window).with_context(|| name.clone())?;
                    self.keep(&name, window)?;
                }
            }
            // Back on a page with the choice of the language.
            window.visit(&format!("{url}/"))?;
        }
        Ok(())
    }

    fn keep(&self, name: &str, window: &Window) -> Result<()> {
        let file = self.folder.join(name);
        std::fs::write(&file, window.picture()?).with_context(|| file.display().to_string())
    }
}

/// Chooses the language where the page has the choice.
fn speak(window: &Window, language: &str) -> Result<()> {
    window.click(&format!(".languages button[value={language}]"))?;
    window.until(
        "return document.documentElement.lang === arguments[0]",
        &[json!(language)],
    )
}

/// Nothing scrolls sideways.
fn fits(window: &Window) -> Result<()> {
    let wide = window.script(
        "const wide = document.documentElement.scrollWidth - innerWidth;
         return wide <= 0 ? '' : wide + ': ' + [...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join(' | ')",
        &[],
    )?;
    anyhow::ensure!(wide == json!(""), "it is wider than the window by {wide}");
    Ok(())
}
