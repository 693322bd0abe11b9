//! A server of HTTP on this machine that answers as a test wants it to.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// What it does with one request.
pub(super) enum Reply {
    /// Sends this, and closes the connection.
    Bytes(Vec<u8>),
    /// Sends this, and no more, while the connection stays open.
    Stalls(Vec<u8>),
}

/// A request, and how many were there before it.
pub(super) struct Asked {
    /// The request's head, in small letters.
    pub(super) head: String,
    pub(super) before: usize,
}

impl Asked {
    pub(super) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// The byte from which on the file is wanted.
    pub(super) fn from(&self) -> usize {
        let range = self.header("range").map(|range| {
            let from = range.strip_prefix("bytes=").unwrap();
            from.trim_end_matches('-').parse().unwrap()
        });
        range.unwrap_or(0)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(str::trim)
    }
}

pub(super) struct Server {
    pub(super) address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(mut answer: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        std::thread::spawn(move || {
            let mut stalled = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while reader.read_line(&mut head).unwrap() > 2 {}
                let mut heads = seen.lock().unwrap();
                let asked = Asked {
                    head: head.to_lowercase(),
                    before: heads.len(),
                };
                let reply = answer(&asked);
                heads.push(asked.head);
                drop(heads);
                // Whoever goes away early is not waited for.
                match reply {
                    Reply::Bytes(bytes) => drop(stream.write_all(&bytes)),
                    Reply::Stalls(bytes) => {
                        let _ = stream.write_all(&bytes);
                        stalled.push(stream);
                    }
                }
            }
        });
        Self { address, heads }
    }

    /// The heads of all requests so far, in small letters.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// An answer with this status and these headers before its content.
pub(super) fn answer(status: &str, headers: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut reply = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    )
    .into_bytes();
    reply.extend_from_slice(content);
    reply
}

pub(super) fn page(content: &str) -> Reply {
    Reply::Bytes(answer("200 OK", "", content.as_bytes()))
}

pub(super) fn refusal(status: &str) -> Reply {
    Reply::Bytes(answer(status, "", b""))
}

pub(super) fn redirect(to: &str) -> Reply {
    Reply::Bytes(answer("302 Found", &format!("location: {to}\r\n"), b""))
}

/// A file, or what is left of it.
pub(super) fn file(content: &[u8], from: usize) -> Vec<u8> {
    match from {
        0 => answer("200 OK", "", content),
        _ if from >= content.len() => answer("416 Range Not Satisfiable", "", b""),
        _ => {
            let (last, all) = (content.len() - 1, content.len());
            let range = format!("content-range: bytes {from}-{last}/{all}\r\n");
            answer("206 Partial Content", &range, &content[from..])
        }
    }
}
