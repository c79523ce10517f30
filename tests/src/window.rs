//! The app's real window, or a browser's, under a display of its own, driven through WebKitWebDriver.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element, key::Key};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::child::{PATIENCE, program};

/// A window and everything that it stands on. All of it ends with this value.
pub struct Window {
    runtime: Runtime,
    client: Client,
    ordered_at: Instant,
    _driver: Ended,
    _display: Ended,
    display_name: String,
    /// Of a browser's own, above the page, in pixels.
    toolbar: u32,
}

/// A child that is ended when this value goes.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Window {
    /// Opens the app with `args`; its home is `home`, so that nothing of this machine's user is touched.
    pub fn open(home: &Path, args: &[&str]) -> Result<Self> {
        Self::open_with(home, args, &[])
    }

    /// The same with further environment variables: a session's bus, a microphone.
    pub fn open_with(home: &Path, args: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        // Without it a Tauri window is no target for a driver.
        let mut all = vec![("TAURI_AUTOMATION", "true"), ("TAURI_WEBVIEW_AUTOMATION", "true")];
        all.extend_from_slice(environment);
        Self::drive(home, &program("medieco")?, args, &all)
    }

    /// A browser, with nothing in it.
    pub fn browse(home: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let browser = browser().context("MiniBrowser is not on this machine: run cargo xtask setup")?;
        let mut window = Self::drive(home, &browser, &["--automation"], environment)?;
        let above = window.script("return outerHeight - innerHeight", &[])?;
        window.toolbar = above.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        Ok(window)
    }

    fn drive(home: &Path, binary: &Path, args: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        std::fs::create_dir_all(home)?;
        let (display, name) = own_display()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = Command::new("WebKitWebDriver")
            .arg(format!("--port={port}"))
            .env("DISPLAY", &name)
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env("GDK_BACKEND", "x11")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("WebKitWebDriver can't be started: run cargo xtask setup")?;
        let driver = Ended(driver);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = json!({"binary": binary, "args": args});
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("webkitgtk:browserOptions".into(), options);
        wait_for_port(port)?;
        let ordered_at = Instant::now();
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities);
            let url = format!("http://127.0.0.1:{port}");
            tokio::time::timeout(PATIENCE, builder.connect(&url))
                .await
                .context("the window did not come")?
                .context("no WebDriver session")
        })?;
        Ok(Self {
            runtime,
            client,
            ordered_at,
            _driver: driver,
            _display: display,
            display_name: name,
            toolbar: 0,
        })
    }

    /// The X display that the window is on.
    pub fn display(&self) -> &str {
        &self.display_name
    }

    /// When the driver was told to start the app.
    pub fn ordered_at(&self) -> Instant {
        self.ordered_at
    }

    fn within<T>(&self, what: &str, work: impl Future<Output = Result<T, fantoccini::error::CmdError>>) -> Result<T> {
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, work).await })
            .with_context(|| format!("{what}: nothing within {} s{}", PATIENCE.as_secs(), self.last_sight()))?
            .with_context(|| what.to_owned())
    }

    /// Goes to an address, and waits until the page is there.
    pub fn visit(&self, url: &str) -> Result<()> {
        self.within(url, self.client.goto(url))
    }

    /// Waits for an element by CSS.
    pub fn find(&self, css: &str) -> Result<Element> {
        self.within(css, self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)))
    }

    /// Waits until an element by CSS is gone.
    pub fn gone(&self, css: &str) -> Result<()> {
        let script = "return document.querySelector(arguments[0]) === null";
        self.until(script, &[json!(css)])
    }

    /// Clicks an element by CSS as soon as it is there and takes clicks.
    pub fn click(&self, css: &str) -> Result<()> {
        self.until(
            "const e = document.querySelector(arguments[0]); return !!e && !e.disabled",
            &[json!(css)],
        )?;
        let element = self.find(css)?;
        self.within(css, element.click())
    }

    /// Types into an element by CSS, over what stands there.
    pub fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css)?;
        self.within(css, async {
            element.clear().await?;
            element.send_keys(text).await
        })
    }

    /// Presses what a person would: a button, link, tab or option by its accessible name, once it can be pressed.
    pub fn press(&self, name: &str) -> Result<()> {
        self.until(BY_NAME, &[json!(name), json!("button, a, summary, label, [role=button], [role=tab], [role=option], [role=radio], [role=menuitem], [role=switch]")])
            .with_context(|| format!("nothing to press is called “{name}”; the window shows: {}", self.words()))?;
        self.click("[data-journey]")
    }

    /// Types into the field with that label, over what stands there.
    pub fn fill_in(&self, label: &str, text: &str) -> Result<()> {
        self.until(BY_NAME, &[json!(label), json!("input, textarea")])
            .with_context(|| format!("no field is called “{label}”; the window shows: {}", self.words()))?;
        self.fill("[data-journey]", text)
    }

    /// Everything that can be read in the window now.
    pub fn words(&self) -> String {
        let read = self.script("return document.body.innerText", &[]);
        read.ok()
            .and_then(|words| words.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Types into whatever has the focus.
    pub fn type_keys(&self, text: &str) -> Result<()> {
        let element = self.within("the focus", self.client.active_element())?;
        self.within("typing", element.send_keys(text))
    }

    /// Presses Enter where the focus is.
    pub fn enter(&self) -> Result<()> {
        self.type_keys(&String::from(char::from(Key::Enter)))
    }

    /// The visible text of an element by CSS.
    pub fn text(&self, css: &str) -> Result<String> {
        let element = self.find(css)?;
        self.within(css, element.text())
    }

    /// Runs a script in the window.
    pub fn script(&self, script: &str, args: &[Value]) -> Result<Value> {
        self.within("script", self.client.execute(script, args.to_vec()))
    }

    /// Asks the app's backend as a screen does, by a command without input.
    pub fn ask(&self, command: &str) -> Result<Value> {
        let ask = "const done = arguments[arguments.length - 1];
            window.__TAURI_INTERNALS__.invoke(arguments[0]).then(done, (error) => done({error}))";
        self.within(command, self.client.execute_async(ask, vec![json!(command)]))
    }

    /// Waits until a script gives true.
    pub fn until(&self, script: &str, args: &[Value]) -> Result<()> {
        let until = std::time::Instant::now() + PATIENCE;
        while self.script(script, args)? != Value::Bool(true) {
            if std::time::Instant::now() > until {
                bail!("never true: {script} {args:?}{}", self.last_sight());
            }
        }
        Ok(())
    }

    /// Waits until the window shows this text somewhere.
    pub fn shows(&self, text: &str) -> Result<()> {
        self.until("return document.body.innerText.includes(arguments[0])", &[json!(text)])
    }

    /// What axe finds wrong in the window as it stands: contrast and target size are only true in a real one.
    ///
    /// `label-content-name-mismatch` is left out: it counts the initials drawn beside a name as part of its words.
    pub fn accessibility(&self) -> Result<Vec<String>> {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(axe).context("axe-core is not installed: run cargo xtask setup")?;
        let run = "const done = arguments[arguments.length - 1];
            axe.run(document, { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: false } } }).then(
                (found) => done(found.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', '))),
                (error) => done(['axe failed: ' + error]))";
        let script = format!("{axe};{run}");
        let found = self.within("axe", self.client.execute_async(&script, vec![]))?;
        Ok(serde_json::from_value(found)?)
    }

    /// Chooses the language as a person's earlier choice would have left it.
    pub fn speak(&self, language: &str) -> Result<()> {
        self.script(
            "localStorage.setItem('medieco.language', arguments[0]); location.reload()",
            &[json!(language)],
        )?;
        self.until(
            "return document.documentElement.lang === arguments[0] && document.body.innerText !== ''",
            &[json!(language)],
        )
    }

    /// Sets the size of what is shown.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.within("resize", self.client.set_window_size(width, height + self.toolbar))
    }

    /// A picture of the window, taken after two frames have been painted: WebKit may give the old one otherwise.
    pub fn picture(&self) -> Result<Vec<u8>> {
        let painted = "const done = arguments[arguments.length - 1];
            document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
        self.within("painting", self.client.execute_async(painted, vec![]))?;
        // Taken from the display, as an eye would: WebDriver's own screenshot waits for a frame that may never come.
        let size = self.script("return [innerWidth, innerHeight]", &[])?;
        self.sight(&["-crop", &format!("{}x{}+0+{}", size[0], size[1], self.toolbar)])
    }

    /// What stands on the display, even when the window answers no more.
    fn sight(&self, crop: &[&str]) -> Result<Vec<u8>> {
        let shot = Command::new("import")
            .args(["-display", &self.display_name, "-window", "root"])
            .args(crop)
            .arg("png:-")
            .output()
            .context("ImageMagick's import can't be started: run cargo xtask setup")?;
        anyhow::ensure!(
            shot.status.success(),
            "import: {}",
            String::from_utf8_lossy(&shot.stderr)
        );
        Ok(shot.stdout)
    }

    /// Leaves a picture of a window in which something did not come, and says where.
    fn last_sight(&self) -> String {
        let file = std::env::temp_dir().join(format!("medieco-window-{}.png", std::process::id()));
        match self.sight(&[]).and_then(|png| Ok(std::fs::write(&file, png)?)) {
            Ok(()) => format!("; the window is in {}", file.display()),
            Err(error) => format!("; no picture of it: {error:#}"),
        }
    }

    /// Closes the window; the app ends in order.
    pub fn close(self) -> Result<()> {
        let Self { runtime, client, .. } = self;
        runtime.block_on(client.close()).context("closing the window")
    }
}

/// Marks the visible, enabled element of a kind (second argument) whose accessible name is the first; true when there is one.
const BY_NAME: &str = r#"
    const [name, kinds] = arguments;
    document.querySelectorAll("[data-journey]").forEach((e) => e.removeAttribute("data-journey"));
    const words = (e) => (e ? (e.innerText || e.textContent || "").replace(/\s+/g, " ").trim() : "");
    const named = (e) => {
        const by = e.getAttribute("aria-labelledby");
        if (by) return by.split(" ").map((id) => words(document.getElementById(id))).join(" ").trim();
        const own = e.getAttribute("aria-label");
        if (own) return own.trim();
        if (e.labels && e.labels.length) return words(e.labels[0]).replace(/ \*$/, "");
        return words(e);
    };
    const usable = [...document.querySelectorAll(kinds)].filter(
        (e) => e.getClientRects().length > 0 && !e.disabled && !e.dataset.loading && e.getAttribute("aria-disabled") !== "true",
    );
    const exact = usable.filter((e) => named(e) === name);
    const found = exact.length > 0 || name.length < 2 ? exact : usable.filter((e) => named(e).startsWith(name)).slice(0, 1);
    if (found.length === 0) return false;
    found[found.length - 1].setAttribute("data-journey", "");
    return true;
"#;

/// Waits until the driver listens.
fn wait_for_port(port: u16) -> Result<()> {
    let until = std::time::Instant::now() + PATIENCE;
    while let Err(error) = std::net::TcpStream::connect(("127.0.0.1", port)) {
        if std::time::Instant::now() > until {
            return Err(error).context("WebKitWebDriver does not listen");
        }
        std::thread::yield_now();
    }
    Ok(())
}

/// An X server of our own on a free display.
fn own_display() -> Result<(Ended, String)> {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1400x1400x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("Xvfb can't be started: run cargo xtask setup")?;
    let out = server.stdout.take().context("stdout is piped")?;
    let server = Ended(server);
    let mut number = String::new();
    BufReader::new(out).read_line(&mut number)?;
    Ok((server, format!(":{}", number.trim())))
}

/// The browser of WebKitGTK's own, which a driver can drive. It comes with the library.
pub fn browser() -> Option<PathBuf> {
    let libraries = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let mut browsers = libraries.map(|folder| folder.path().join("webkit2gtk-4.1/MiniBrowser"));
    browsers.find(|browser| browser.is_file())
}

/// True when a window can be driven on this machine.
pub fn can_drive() -> bool {
    ["Xvfb", "WebKitWebDriver"].iter().all(|name| {
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
    })
}
