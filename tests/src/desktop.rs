//! A desktop session of its own: a message bus and the keyring daemon that a Linux desktop brings, on a private home.

use std::{
    fs::Permissions,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use crate::child::{PATIENCE, Running};

/// What the person types when she signs in to her desktop.
const LOGIN: &[u8] = b"her desktop's password";

/// A session; everything in it ends with this value.
pub struct Desktop {
    home: PathBuf,
    address: String,
    keyring: Option<Child>,
    _bus: Running,
}

impl Desktop {
    /// Starts a bus, and nothing on it.
    pub fn start(home: &Path) -> Result<Self> {
        std::fs::create_dir_all(home)?;
        std::fs::set_permissions(home, Permissions::from_mode(0o700))?;
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--print-address"]);
        private(&mut command, home);
        let bus = Running::start(command, &home.join("bus.log")).context("run cargo xtask setup")?;
        let address = bus.wait_for(|line| line.as_str().map(str::to_owned))?;
        Ok(Self {
            home: home.to_path_buf(),
            address,
            keyring: None,
            _bus: bus,
        })
    }

    /// The environment of a program that runs in this session.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        let home = self.home.to_str().expect("a temporary folder's name is text");
        vec![
            ("HOME", home),
            ("XDG_RUNTIME_DIR", home),
            ("DBUS_SESSION_BUS_ADDRESS", &self.address),
        ]
    }

    /// She signed in to her desktop with her password: the keyring is open.
    pub fn start_open_keyring(&mut self) -> Result<()> {
        self.start_keyring(&["--unlock"])
    }

    /// She was signed in without a password: the keyring runs and is closed.
    pub fn start_closed_keyring(&mut self) -> Result<()> {
        self.start_keyring(&[])
    }

    fn start_keyring(&mut self, arguments: &[&str]) -> Result<()> {
        self.end_keyring();
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).args(arguments);
        private(&mut command, &self.home);
        let mut keyring = command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("gnome-keyring-daemon can't be started: run cargo xtask setup")?;
        let mut stdin = keyring.stdin.take().context("stdin is piped")?;
        self.keyring = Some(keyring);
        stdin.write_all(LOGIN)?;
        drop(stdin);
        let until = Instant::now() + PATIENCE;
        while !self.is_on_the_bus("org.freedesktop.secrets")? {
            ensure!(Instant::now() < until, "the keyring does not come");
        }
        Ok(())
    }

    fn is_on_the_bus(&self, name: &str) -> Result<bool> {
        let answer = Command::new("dbus-send")
            .arg(format!("--bus={}", self.address))
            .args([
                "--dest=org.freedesktop.DBus",
                "--print-reply=literal",
                "/org/freedesktop/DBus",
            ])
            .args(["org.freedesktop.DBus.NameHasOwner", &format!("string:{name}")])
            .output()
            .context("dbus-send can't be started: run cargo xtask setup")?;
        Ok(String::from_utf8_lossy(&answer.stdout).contains("true"))
    }

    fn end_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.end_keyring();
    }
}

/// Nothing of this machine's own user is touched or seen.
fn private(command: &mut Command, home: &Path) {
    command
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
}
