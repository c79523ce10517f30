//! A place on the network that has one file, and gives it as badly as it is told to.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

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

/// A listening socket and what it was asked for. Ends with the test.
pub struct Shelf {
    pub url: String,
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Shelf {
    /// Gives `file` as `script` says, request by request, and well afterwards.
    pub fn with(file: &[u8], script: &[Gives]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/models", listener.local_addr().unwrap());
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
                let stream = stream.unwrap();
                let from = hear(&stream);
                asked.lock().unwrap().push(from);
                let gives = script.pop_front().unwrap_or(Gives::Well);
                // Whoever was asked may hang up first.
                let _ = answer(&stream, gives, &file, from);
                if matches!(gives, Gives::Silence(_)) {
                    silent.push(stream);
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

fn hear(stream: &TcpStream) -> usize {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = head.iter().find_map(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
    });
    range.unwrap_or(0)
}

fn answer(mut stream: &TcpStream, gives: Gives, file: &[u8], from: usize) -> std::io::Result<()> {
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
