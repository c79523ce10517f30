//! A PostgreSQL of the tests' own: the system's programs, a folder in the temporary one, a socket and no port.
//!
//! One for all tests of a run, a database for each. It ends with the test process, however that ends: a shell holds the
//! other end of a pipe, and takes everything away when the pipe closes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use postgres::{Client, NoTls};
use sync_server::{DatabaseUrl, RELAY_ROLE, prepare};

const MISSING: &str = "PostgreSQL's programs are not here: install them with `apt-get install postgresql` \
                       (`cargo xtask setup` does it). The relay's store is tried on both of its databases";

/// `trust`: who reaches the socket, in a folder of its owner's alone, may be anyone.
const SCRIPT: &str = r#"
set -e
trap 'rm -rf "$2"' EXIT
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
cat >> "$2/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$2'
fsync = off
full_page_writes = off
max_connections = 300
deadlock_timeout = 100ms
$3
CONF
[ -z "$4" ] || printf '%s\n' "$4" > "$2/data/pg_hba.conf"
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w start >/dev/null
echo ready
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null
"#;

/// A server of its own.
pub struct Cluster {
    pub folder: PathBuf,
    _shell: Child,
}

/// What a server is told besides.
#[derive(Default)]
pub struct Configured<'a> {
    /// Lines of its configuration; `$folder` is where its files are.
    pub lines: &'a str,
    /// Who may come from where; anybody, through the socket, by default.
    pub hba: &'a str,
    /// Files that only it may read.
    pub files: &'a [(&'a str, &'a str)],
}

/// One database, prepared for a relay.
pub struct Database {
    pub name: String,
}

impl Database {
    /// A copy of one that was prepared once.
    pub fn make() -> Self {
        static PREPARED: OnceLock<String> = OnceLock::new();
        let prepared = PREPARED.get_or_init(|| {
            let database = Self::make_empty();
            prepare(&database.owner(), None).unwrap();
            database.name
        });
        Self::make_like(prepared)
    }

    /// Without a schema.
    pub fn make_empty() -> Self {
        Self::make_like("template1")
    }

    fn make_like(template: &str) -> Self {
        static N_MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("relay_{}", N_MADE.fetch_add(1, Ordering::Relaxed));
        let make = format!("CREATE DATABASE {name} TEMPLATE {template}");
        // Nobody else may be copying it at the same moment.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _alone = ONE_AT_A_TIME.lock().unwrap();
        connect("postgres").batch_execute(&make).unwrap();
        Self { name }
    }

    /// As the superuser that owns the schema.
    pub fn owner(&self) -> DatabaseUrl {
        self.login("postgres")
    }

    /// As relays log in.
    pub fn relay(&self) -> DatabaseUrl {
        self.login(RELAY_ROLE)
    }

    pub fn login(&self, user: &str) -> DatabaseUrl {
        self.text_of(user).parse().unwrap()
    }

    /// What an operator types.
    pub fn text_of(&self, user: &str) -> String {
        let socket = cluster().folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://{user}@{socket}/{}", self.name)
    }

    /// Looks behind the relay's back.
    pub fn raw(&self) -> Client {
        connect(&self.name)
    }
}

fn connect(database: &str) -> Client {
    cluster().raw(database, 5432)
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&Configured::default()))
}

impl Cluster {
    /// One that listens on what it was told, besides the socket in its folder.
    pub fn start(configured: &Configured<'_>) -> Self {
        start(configured)
    }

    /// As the superuser, through the socket of a server that has this port.
    pub fn raw(&self, database: &str, port: u16) -> Client {
        let mut config = Client::configure();
        config
            .host_path(&self.folder)
            .port(port)
            .user("postgres")
            .dbname(database);
        config.connect(NoTls).unwrap()
    }
}

fn start(configured: &Configured<'_>) -> Cluster {
    let programs = programs().expect(MISSING);
    let folder = tempfile::Builder::new().prefix("medieco-pg-").tempdir().unwrap().keep();
    for (name, text) in configured.files {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(folder.join(name))
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }
    let lines = configured.lines.replace("$folder", folder.to_str().unwrap());
    let as_root = std::process::Command::new("id")
        .arg("-u")
        .output()
        .unwrap()
        .stdout
        .trim_ascii()
        == b"0";
    let mut command = if as_root {
        // PostgreSQL refuses to run as root.
        let owner = Command::new("chown")
            .args(["-R", "postgres:postgres"])
            .arg(&folder)
            .status()
            .unwrap();
        assert!(owner.success(), "{MISSING}");
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let mut shell = command
        .args(["-c", SCRIPT, "postgresql-of-the-tests"])
        .args([&programs, &folder])
        .args([lines.as_str(), configured.hba])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(shell.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(said, "ready\n", "PostgreSQL did not start");
    Cluster { folder, _shell: shell }
}

/// One of PostgreSQL's programs.
pub fn program(name: &str) -> PathBuf {
    programs().expect(MISSING).join(name)
}

/// Where the server of all tests is reached.
pub fn socket() -> &'static str {
    cluster().folder.to_str().unwrap()
}

/// Where Debian puts them, the newest first, or wherever the path leads.
fn programs() -> Option<PathBuf> {
    let has_them = |folder: &Path| folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let mut debian: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    debian.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|folder| has_them(folder))
}
