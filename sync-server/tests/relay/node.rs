//! The real program as one of several on one PostgreSQL.

use std::path::Path;
use std::process::Output;

use seal::Invitation;
use sync_client::RelayAddress;
use sync_protocol::sim::SimClinic;
use tempfile::TempDir;

use crate::contract::cluster::Database;
use crate::process::{Process, relay_command};

/// One of several relays on one database; killed when dropped.
pub struct Node {
    process: Process,
    pub address: RelayAddress,
    pub folder: TempDir,
}

impl Node {
    /// With a copy of that node's key, or the first.
    pub fn start(database: &Database, of: Option<&Self>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(of) = of {
            std::fs::copy(of.folder.path().join("relay.key"), folder.path().join("relay.key")).unwrap();
        }
        let mut serve = relay_command(folder.path());
        serve
            .args(["--json", "--database", &database.text_of("medieco_relay")])
            .args(["serve", "--listen", "127.0.0.1:0"]);
        let process = Process::of(&mut serve);
        let address = process.address.clone();
        Self {
            process,
            address,
            folder,
        }
    }

    /// A clinic joins by this node.
    pub async fn join(&self, database: &Database, clinic: &SimClinic, name: &str) {
        let told = say(self.folder.path(), database, "medieco_relay", &["clinic", "add", name]);
        assert!(told.status.success());
        let invitation = Invitation::from_text(std::str::from_utf8(&told.stdout).unwrap().trim()).unwrap();
        let statements = clinic.encoded_statements();
        sync_client::join_by_invitation(&self.address, &invitation.token, statements)
            .await
            .unwrap();
    }

    /// SIGKILL: not one more instruction.
    pub fn kill(self) {
        self.process.kill();
    }

    /// SIGTERM; gives the exit code.
    pub fn terminate(self) -> Option<i32> {
        self.process.terminate()
    }
}

/// What an operator says to this database.
pub fn say(folder: &Path, database: &Database, user: &str, args: &[&str]) -> Output {
    relay_command(folder)
        .args(["--database", &database.text_of(user)])
        .args(args)
        .output()
        .unwrap()
}
