//! A place on the network that has one file, and gives it as badly as it is told to.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

/// What one request gets.
#[derive(Debug, Clone, Copy)]
pub enum Gives {
    /// What was asked for.
    Well,
    /// So many bytes of what was asked for and announced, then the connection ends.
    Cut(usize),
    /// The same, and then silence.
    Silence(usize),
    /// Half of what was asked for, as if it were all.
    Half,
    /// All of it whatever was asked for.
    All,
    /// All of it and a thousand bytes more.
    TooMuch,
    /// A part that nobody asked for.
    AnotherPart,
    /// "It is there", which is here again.
    Elsewhere,
    /// "There is no such file."
    Nothing,
    /// The right number of other bytes.
    OtherBytes,
}

/// Somebody who asks, with TLS or without.
trait Line: Read + Write + Send {}

impl<T: Read + Write + Send> Line for T {}

/// A listening socket and what it was asked for. Ends with the test.
pub struct Shelf {
    pub url: String,
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Shelf {
    /// Gives `file` as `script` says, request by request, and well afterwards.
    pub fn with(file: &[u8], script: &[Gives]) -> Self {
        Self::start(file, script, None)
    }

    /// The same behind TLS. Gives the certificate, too, which nobody knows yet.
    pub fn with_tls(file: &[u8], script: &[Gives]) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        (Self::start(file, script, Some(Arc::new(config))), made.cert.pem())
    }

    fn start(file: &[u8], script: &[Gives], tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/models", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<usize>>> = Arc::default();
        let shelf = Self {
            url,
            asked: Arc::clone(&asked),
        };
        let (file, mut script) = (file.to_vec(), VecDeque::from(script.to_vec()));
        thread::spawn(move || {
            // Whoever falls silent stays connected.
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut line: Box<dyn Line> = match &tls {
                    None => Box::new(stream.unwrap()),
                    Some(config) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        Box::new(StreamOwned::new(connection, stream.unwrap()))
                    }
                };
                let Some(from) = hear(&mut line) else { continue };
                asked.lock().unwrap().push(from);
                let gives = script.pop_front().unwrap_or(Gives::Well);
                // Whoever was asked may hang up first.
                let _ = answer(&mut line, gives, &file, from);
                if matches!(gives, Gives::Silence(_)) {
                    silent.push(line);
                }
            }
        });
        shelf
    }

    /// From which byte on each request was.
    pub fn asked(&self) -> Vec<usize> {
        self.asked.lock().unwrap().clone()
    }
}

/// From where on; `None` when nobody asked after all.
fn hear(line: &mut dyn Line) -> Option<usize> {
    let lines = BufReader::new(line).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    head.first()?;
    let range = head.iter().find_map(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
    });
    Some(range.unwrap_or(0))
}

fn answer(stream: &mut dyn Line, gives: Gives, file: &[u8], from: usize) -> std::io::Result<()> {
    let asked = &file[from..];
    let mut other = asked.to_vec();
    let (begins, announced, body): (usize, usize, &[u8]) = match gives {
        Gives::Well => (from, asked.len(), asked),
        Gives::Cut(n) | Gives::Silence(n) => (from, asked.len(), &asked[..n.min(asked.len())]),
        Gives::Half => (from, asked.len() / 2, &asked[..asked.len() / 2]),
        Gives::All => (0, file.len(), file),
        Gives::TooMuch => (from, asked.len() + 1_000, asked),
        Gives::AnotherPart => (from + 1, asked.len(), asked),
        Gives::OtherBytes => {
            other.iter_mut().for_each(|byte| *byte ^= 1);
            (from, asked.len(), &other)
        }
        Gives::Elsewhere => {
            return write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        Gives::Nothing => {
            return write!(
                stream,
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
    };
    if begins == 0 {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
    } else {
        let end = begins + announced - 1;
        write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {begins}-{end}/{}\r\n",
            file.len()
        )?;
    }
    write!(stream, "Content-Length: {announced}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)?;
    if matches!(gives, Gives::TooMuch) {
        stream.write_all(&[0; 1_000])?;
    }
    stream.flush()
}
