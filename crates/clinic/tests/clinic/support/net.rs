//! The relay, on a port of this machine.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Mutex,
};

use seal::Invitation;
use sync_protocol::{MailTold, Page, RelayMail as _};
use sync_server::{RunningRelay, ServeOptions, serve};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::oneshot};

/// The relay, inside this process.
pub struct Net {
    pub runtime: Runtime,
    folder: TempDir,
    running: Mutex<Option<(RunningRelay, oneshot::Sender<()>)>>,
    address: Mutex<SocketAddr>,
}

impl Net {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let net = Self {
            runtime,
            folder: TempDir::new().unwrap(),
            running: Mutex::default(),
            address: Mutex::new("127.0.0.1:0".parse().unwrap()),
        };
        net.begin();
        net
    }

    /// Serves on the address that it had before.
    pub fn begin(&self) {
        let options = ServeOptions::new(self.folder.path(), *self.address.lock().unwrap());
        let (stop, stopped) = oneshot::channel();
        let relay = self
            .runtime
            .block_on(serve(options, async { drop(stopped.await) }))
            .unwrap();
        *self.address.lock().unwrap() = relay.address;
        *self.running.lock().unwrap() = Some((relay, stop));
    }

    /// The relay goes away; its data stay.
    pub fn end(&self) {
        if let Some((relay, stop)) = self.running.lock().unwrap().take() {
            drop(stop);
            self.runtime.block_on(relay.stopped()).unwrap();
        }
    }

    /// What the relay's folder holds; while it is away.
    pub fn copy_of_data(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = files_below(self.folder.path()).into_iter();
        files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
    }

    /// The relay's folder holds these files and no others; while it is away.
    pub fn put_back(&self, copy: Vec<(PathBuf, Vec<u8>)>) {
        for file in files_below(self.folder.path()) {
            std::fs::remove_file(file).unwrap();
        }
        for (file, bytes) in copy {
            std::fs::write(file, bytes).unwrap();
        }
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.address.lock().unwrap())
    }

    pub fn invitation(&self, name: &str) -> String {
        let writer = self.running.lock().unwrap().as_ref().unwrap().0.writer.clone();
        let name = name.to_owned();
        let made = writer.run(move |store| {
            store
                .add_clinic(&name, sync_server::now_ms(), &mut rand::rng())
                .unwrap()
        });
        let (token, expires_ms) = self.runtime.block_on(made).unwrap();
        let invitation = Invitation {
            relay_url: self.url(),
            relay_key_sha256: None,
            token,
            expires_ms,
            clinic_hint: None,
        };
        invitation.to_text().to_string()
    }

    /// The operator suspends the `number`th clinic that was invited.
    pub fn suspend(&self, number: i64) {
        let writer = self.running.lock().unwrap().as_ref().unwrap().0.writer.clone();
        let done = writer.run(move |store| {
            let done = store.suspend_clinic(number, "unpaid", "test", sync_server::now_ms());
            done.map(drop).unwrap();
        });
        self.runtime.block_on(done).unwrap();
    }

    /// What the relay says became of this clinic's messages, in the order in which that happened.
    pub fn mail_states(&self, tenant: &str) -> Vec<MailTold> {
        let writer = self.running.lock().unwrap().as_ref().unwrap().0.writer.clone();
        let tenant = tenant.parse().unwrap();
        let page = Page {
            after: 0,
            max_items: 1_000,
            max_bytes: 1 << 20,
        };
        let told = writer.run(move |store| store.mail_states(&tenant, page).unwrap().items);
        self.runtime.block_on(told).unwrap()
    }

    /// And serves it again.
    pub fn reactivate(&self, number: i64) {
        let writer = self.running.lock().unwrap().as_ref().unwrap().0.writer.clone();
        let done = writer.run(move |store| {
            let done = store.reactivate_clinic(number, "test", sync_server::now_ms());
            done.map(drop).unwrap();
        });
        self.runtime.block_on(done).unwrap();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.end();
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}
