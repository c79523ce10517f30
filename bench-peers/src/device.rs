//! One device of a samod network: `{"call": port}` connects it and answers `{"complete": n}` once every document is here and
//! stored; `{"edit": [which, phone]}` edits a patient; what an edit elsewhere put into the files here is `{"arrived": which}`.

use std::{
    collections::HashMap,
    convert::Infallible,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, anyhow};
use automerge::{Automerge, Change, ROOT, transaction::Transactable};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};
use samod::{
    BackoffConfig, ConcurrencyConfig, ConnectionId, DialError, Dialer, DocHandle, DocumentId, Repo, Transport, Url,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    Flags,
    files::{Files, Told},
    tell,
};

/// As many documents are looked for at one time.
const AT_ONE_TIME: usize = 32;

/// A document that both devices know of.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    id: String,
    /// Whether it says who a patient is.
    is_identity: bool,
    /// Automerge's hashes of its last changes.
    heads: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Call(u16),
    Edit(usize, String),
}

pub fn run(flags: &mut Flags) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let data = flags.path("--data").context("--data")?;
    let ids = flags.path("--ids").context("--ids")?;
    let synced = flags.is_set("--synced");
    runtime.block_on(async {
        match flags.path("--fill") {
            Some(work) => fill(&data, &ids, &work, synced).await,
            None => serve(&data, &ids, synced).await,
        }
    })
}

async fn repo(data: &Path, synced: bool, told: Told) -> Result<Repo> {
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let files = Files::new(data, synced, told);
    let builder = Repo::build_tokio().with_storage(files);
    Ok(builder
        .with_concurrency(ConcurrencyConfig::Threadpool(pool))
        .load()
        .await)
}

/// Makes a document of each history in `work`.
async fn fill(data: &Path, ids: &Path, work: &Path, synced: bool) -> Result<()> {
    let histories: Vec<(String, Vec<Vec<u8>>)> = serde_json::from_slice(&fs::read(work)?)?;
    let repo = repo(data, synced, Arc::new(|_| ())).await?;
    let mut known = Vec::new();
    for (path, changes) in histories {
        let changes: Vec<Change> = changes.into_iter().map(Change::from_bytes).collect::<Result<_, _>>()?;
        let mut doc = Automerge::new();
        doc.apply_changes(changes)?;
        let heads = heads_of(&doc);
        let handle = repo.create(doc).await.map_err(|_| anyhow!("the repository stopped"))?;
        known.push(Known {
            id: handle.document_id().to_string(),
            is_identity: path.ends_with("/identity"),
            heads,
        });
    }
    repo.stop().await;
    fs::write(ids, serde_json::to_vec(&known)?)?;
    tell(&json!({ "filled": known.len() }));
    Ok(())
}

fn heads_of(doc: &Automerge) -> Vec<String> {
    let mut heads: Vec<String> = doc.get_heads().iter().map(ToString::to_string).collect();
    heads.sort();
    heads
}

struct Device {
    repo: Repo,
    known: Vec<Known>,
    handles: HashMap<String, DocHandle>,
    /// Nothing is in the files yet: once everything is here the repository is stopped, which waits until all is stored.
    is_new: bool,
}

async fn serve(data: &Path, ids: &Path, synced: bool) -> Result<()> {
    let is_new = !data.exists();
    let known: Vec<Known> = serde_json::from_slice(&fs::read(ids)?)?;
    let complete = Arc::new(AtomicBool::new(false));
    let identities = known.iter().filter(|one| one.is_identity);
    let places: HashMap<String, usize> = identities.enumerate().map(|(at, one)| (one.id.clone(), at)).collect();
    let told: Told = {
        let complete = Arc::clone(&complete);
        Arc::new(move |document: &str| {
            if complete.load(Ordering::Relaxed)
                && let Some(which) = places.get(document)
            {
                tell(&json!({ "arrived": which }));
            }
        })
    };
    let mut device = Device {
        repo: repo(data, synced, told).await?,
        known,
        handles: HashMap::new(),
        is_new,
    };
    if !is_new {
        device.handles = device.find_all().await?;
    }
    let port = device.listen().await?;
    tell(&json!({ "ready": port }));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line)? {
            Command::Call(port) => {
                device.call(port).await?;
                complete.store(true, Ordering::Relaxed);
                tell(&json!({ "complete": device.handles.len() }));
            }
            Command::Edit(which, phone) => device.edit(which, phone)?,
        }
    }
    if !device.is_new {
        device.repo.stop().await;
    }
    Ok(())
}

impl Device {
    async fn listen(&self) -> Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let url = Url::parse(&format!("tcp://127.0.0.1:{port}"))?;
        let acceptor = self
            .repo
            .make_acceptor(url)
            .map_err(|_| anyhow!("the repository stopped"))?;
        tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                if io.set_nodelay(true).is_err() || acceptor.accept(Transport::from_tokio_io(io)).is_err() {
                    return;
                }
            }
        });
        Ok(port)
    }

    /// Every document, from the files or from whoever is connected. Not all at one time: each that is looked for costs samod
    /// something with everything that it hears.
    async fn find_all(&self) -> Result<HashMap<String, DocHandle>> {
        let finding = self.known.iter().map(|one| async move {
            let id: DocumentId = one.id.parse().map_err(|_| anyhow!("a document's id"))?;
            let found = self
                .repo
                .find(id)
                .await
                .map_err(|_| anyhow!("the repository stopped"))?;
            Ok((one.id.clone(), found.context("a document is nowhere")?))
        });
        futures::stream::iter(finding)
            .buffer_unordered(AT_ONE_TIME)
            .try_collect()
            .await
    }

    /// Connects, and waits until all that the other has is here and in the files.
    async fn call(&mut self, port: u16) -> Result<()> {
        let dialed = self
            .repo
            .dial(BackoffConfig::default(), Arc::new(ToPort(port)))
            .map_err(|_| anyhow!("the repository stopped"))?;
        dialed.established().await.map_err(|error| anyhow!("{error}"))?;
        let connection = dialed.connection_id().context("just established")?;
        if self.is_new {
            self.handles = self.find_all().await?;
        }
        let whole = self.known.iter().map(|one| self.until_whole(one, connection));
        futures::future::try_join_all(whole).await?;
        if self.is_new {
            self.repo.stop().await;
        }
        Ok(())
    }

    async fn until_whole(&self, one: &Known, connection: ConnectionId) -> Result<()> {
        let handle = &self.handles[&one.id];
        handle.we_have_their_changes(connection).await;
        let mut changes = handle.changes();
        while handle.with_document(|doc| heads_of(doc)) != one.heads {
            changes.next().await.context("a document ended early")?;
        }
        Ok(())
    }

    fn edit(&self, which: usize, phone: String) -> Result<()> {
        let identity = self.known.iter().filter(|one| one.is_identity).nth(which);
        let handle = &self.handles[&identity.context("so many patients")?.id];
        handle
            .with_document(|doc| doc.transact(|transaction| transaction.put(ROOT, "phone", phone)))
            .map_err(|failure| anyhow!("{}", failure.error))?;
        Ok(())
    }
}

/// Another device on this machine. Unlike samod's own dialer it sends what is small at once.
struct ToPort(u16);

impl Dialer for ToPort {
    type Error = Infallible;

    fn url(&self) -> Url {
        Url::parse(&format!("tcp://127.0.0.1:{}", self.0)).expect("it is a URL")
    }

    fn connect(&self) -> BoxFuture<'static, Result<Transport, DialError<Infallible>>> {
        let port = self.0;
        async move {
            let io = TcpStream::connect(("127.0.0.1", port))
                .await
                .map_err(DialError::transient)?;
            io.set_nodelay(true).map_err(DialError::transient)?;
            Ok(Transport::from_tokio_io(io))
        }
        .boxed()
    }
}
