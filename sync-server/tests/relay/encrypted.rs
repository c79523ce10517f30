//! The way to a database on another machine: a real server with a certificate, and what an operator is told when it does not do.
//!
//! The server is on this machine, under a name that is not: `hostaddr` says where, as it does for PostgreSQL's own programs.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::SystemTime;

use postgres::Client;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use seal::Invitation;
use sync_client::RelayAddress;
use sync_protocol::sim::SimClinic;
use tempfile::TempDir;

use crate::contract::cluster::{Cluster, Configured};
use crate::journeys::{start, until};
use crate::process::{listening, relay_command};
use crate::world::{NOW, rng};

const NAME: &str = "db.medieco.test";
const PASSWORD: &str = "sangat-rahsia-ini";

/// An authority that signs for the server.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    fn sign(&self, key: &KeyPair, until_year: i32) -> String {
        let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until_year, 1, 1);
        params.signed_by(key, &self.issuer).unwrap().pem()
    }
}

struct Scene {
    cluster: Cluster,
    port: u16,
    authority: Authority,
    key: KeyPair,
    folder: TempDir,
}

impl Scene {
    /// A server that lets nobody in without TLS and a password, and a database that is prepared, by TLS too.
    fn set() -> Self {
        let (authority, key) = (Authority::new(), KeyPair::generate().unwrap());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let lines = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\nssl_cert_file = '$folder/server.crt'\n\
             ssl_key_file = '$folder/server.key'"
        );
        let cluster = Cluster::start(&Configured {
            lines: &lines,
            hba: "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256",
            files: &[
                ("server.crt", &authority.sign(&key, 2200)),
                ("server.key", &key.serialize_pem()),
            ],
        });
        let mut raw = cluster.raw("postgres", port);
        for sql in [
            "CREATE DATABASE relay",
            &format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'"),
        ] {
            raw.batch_execute(sql).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &authority.certificate).unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        let scene = Self {
            cluster,
            port,
            authority,
            key,
            folder,
        };
        let (owner, password) = (scene.url("postgres", NAME, ""), scene.folder.path().join("password"));
        let prepared = scene
            .program(&scene.ca())
            .args(["database", "prepare", "--owner", &owner, "--password-file"])
            .arg(password)
            .output()
            .unwrap();
        assert!(prepared.status.success(), "{prepared:?}");
        scene
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn url(&self, user: &str, name: &str, more: &str) -> String {
        let port = self.port;
        format!("postgres://{user}@{name}:{port}/relay?hostaddr=127.0.0.1{more}")
    }

    fn program(&self, ca: &Path) -> Command {
        let mut program = relay_command(&self.folder.path().join("data"));
        program.env("PGPASSWORD", PASSWORD).env("PGSSLROOTCERT", ca);
        program
    }

    /// What an operator is told who asks for the list of clinics, and the exit code.
    fn told(&self, ca: &Path, url: &str) -> (Option<i32>, String) {
        let asked = self.program(ca).args(["--database", url, "clinic", "list"]).output();
        let Output { status, stderr, stdout } = asked.unwrap();
        let words = String::from_utf8(stderr).unwrap() + std::str::from_utf8(&stdout).unwrap();
        assert!(!words.contains(PASSWORD), "{words}");
        (status.code(), words)
    }

    /// The server has this certificate from now on.
    fn has(&self, certificate: &str) {
        // The file stays its owner's.
        std::fs::write(self.cluster.folder.join("server.crt"), certificate).unwrap();
        self.reload();
    }

    /// Comes back when new connections are met as it was told.
    fn reload(&self) {
        let loaded = || -> SystemTime { self.raw().query_one("SELECT pg_conf_load_time()", &[]).unwrap().get(0) };
        let before = loaded();
        self.raw().batch_execute("SELECT pg_reload_conf()").unwrap();
        while loaded() <= before {}
    }

    fn raw(&self) -> Client {
        self.cluster.raw("postgres", self.port)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_elsewhere_is_spoken_to_by_tls_alone_whatever_the_address_says() {
    let scene = tokio::task::spawn_blocking(Scene::set).await.unwrap();
    for more in [
        "",
        "&sslmode=prefer",
        "&sslmode=require",
        "&sslmode=verify-ca",
        "&sslmode=verify-full",
    ] {
        let asked = scene.told(&scene.ca(), &scene.url("medieco_relay", NAME, more));
        assert_eq!(asked.0, Some(0), "{more}: {}", asked.1);
    }
    // The file of the authority can be named in the address as well.
    let ca = scene.ca().to_str().unwrap().replace('/', "%2F");
    let url = scene.url("medieco_relay", NAME, &format!("&sslrootcert={ca}"));
    assert_eq!(scene.told(Path::new("/nowhere"), &url).0, Some(0));

    let (serving, said) = listening(
        scene
            .program(&scene.ca())
            .args(["--json", "--database", &url, "serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::null()),
    );
    let serving = Killed(serving);
    let address = RelayAddress::new(said["url"].as_str().unwrap(), None).unwrap();
    let rng = &mut rng(120);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let added = scene
        .program(&scene.ca())
        .args(["--database", &url, "clinic", "add", "Klinik Jauh"])
        .output();
    let invitation = Invitation::from_text(std::str::from_utf8(&added.unwrap().stdout).unwrap().trim()).unwrap();
    let statements = clinic.encoded_statements();
    sync_client::join_by_invitation(&address, &invitation.token, statements)
        .await
        .unwrap();
    device.write(rng);
    let sync = start(&device, &address);
    until(&sync, |state| state.connected && state.pending == 0).await;
    sync.stop().await;
    let looking = tokio::task::spawn_blocking(move || {
        let how = "SELECT count(*), count(*) FILTER (WHERE s.ssl AND s.version = 'TLSv1.3')
                   FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) WHERE a.application_name = 'medieco-relay'";
        let row = scene.raw().query_one(how, &[]).unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    });
    let (n_connections, n_encrypted) = looking.await.unwrap();
    assert!(n_connections >= 2, "what listens, and what works");
    assert_eq!(n_connections, n_encrypted);
    drop(serving);
}

#[test]
fn what_is_wrong_with_the_way_to_a_database_is_said_and_what_to_do_and_no_password() {
    let scene = Scene::set();
    let right = scene.url("medieco_relay", NAME, "");
    let check = |ca: &Path, url: &str, expected: i32, words: &str| {
        let (code, said) = scene.told(ca, url);
        assert!(said.contains(words), "{url}: {said}");
        assert_eq!(code, Some(expected), "{said}");
    };
    check(&scene.ca(), &right, 0, "");

    let other = scene.folder.path().join("other.pem");
    std::fs::write(&other, Authority::new().certificate).unwrap();
    check(&other, &right, 4, "PGSSLROOTCERT=FILE");
    let named = scene.url("medieco_relay", "another.medieco.test", "");
    check(&scene.ca(), &named, 4, "for another name");
    // By its number alone it is not known either.
    let by_number = format!(
        "postgres://medieco_relay@127.0.0.1:{}/relay?sslmode=verify-full",
        scene.port
    );
    check(&scene.ca(), &by_number, 4, "for another name");
    let plain = scene.url("medieco_relay", NAME, "&sslmode=disable");
    check(&scene.ca(), &plain, 4, "Leave sslmode=disable out");
    check(
        Path::new("/nowhere/ca.pem"),
        &right,
        1,
        "/nowhere/ca.pem cannot be read",
    );
    let odd = scene.url("medieco_relay", NAME, "&sslmode=maybe");
    check(&scene.ca(), &odd, 2, "verify-full");
    let with_password = right.replace("medieco_relay@", "medieco_relay:salah-sekali@");
    check(&scene.ca(), &with_password, 1, "password authentication failed");
    let (_, said) = scene.told(&scene.ca(), &with_password);
    assert!(!said.contains("salah-sekali"), "{said}");
    // Plain, on this machine: the server itself says no.
    let here = format!(
        "postgres://medieco_relay@127.0.0.1:{}/relay?sslmode=disable",
        scene.port
    );
    check(&scene.ca(), &here, 1, "no encryption");

    scene.has(&scene.authority.sign(&scene.key, 2001));
    check(&scene.ca(), &right, 4, "has expired");
    scene.has(&Authority::new().sign(&scene.key, 2200));
    check(&scene.ca(), &right, 4, "is not known here");
    scene.raw().batch_execute("ALTER SYSTEM SET ssl = off").unwrap();
    scene.reload();
    check(&scene.ca(), &right, 4, "`ssl = on`");
    let (owner, said) = (scene.url("postgres", NAME, ""), scene.program(&scene.ca()));
    let refused = { said }
        .args(["database", "prepare", "--owner", &owner])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(4));
}

/// Killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
