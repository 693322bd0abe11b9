//! A collector of the test's own, for the faults that a real one cannot be told to have.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// How the collector answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Takes,
    /// It answers each request with this HTTP status.
    Refuses(u16),
    /// It answers the first request with 503, and takes the others.
    Stumbles,
    /// It reads, and never answers.
    IsSilent,
    /// As Jaeger: it knows traces, and nothing else.
    KnowsTraces,
}

/// One request as it came.
pub(crate) struct Heard {
    pub(crate) head: Vec<String>,
    pub(crate) sent: Sent,
}

/// What a request holds.
pub(crate) enum Sent {
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
    Logs(ExportLogsServiceRequest),
}

/// A collector on a port of its own, until it is dropped.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    pub(crate) heard: Receiver<Heard>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let closing = Arc::new(AtomicBool::new(false));
        let (told, heard) = channel();
        let stop = closing.clone();
        let thread = std::thread::spawn(move || serve(&listener, manner, &told, &stop));
        Self {
            endpoint,
            heard,
            closing,
            thread: Some(thread),
        }
    }

    /// All spans that came so far, with the names of their services.
    pub(crate) fn spans(&self) -> Vec<(String, Span)> {
        let requests: Vec<Heard> = self.heard.try_iter().collect();
        let resources = requests.into_iter().flat_map(|heard| match heard.sent {
            Sent::Traces(traces) => traces.resource_spans,
            _ => Vec::new(),
        });
        resources
            .flat_map(|spans| {
                let resource = spans.resource.unwrap();
                let service = value_of(&resource.attributes, "service.name").unwrap();
                let spans = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.map(move |span| (service.clone(), span))
            })
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // A last caller wakes it.
        let address = self.endpoint.split("//").nth(1).unwrap();
        drop(TcpStream::connect(address));
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The text of an attribute.
pub(crate) fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text,
        other => panic!("expected text, got {other:?}"),
    }
}

/// The text of the attribute of that name.
pub(crate) fn value_of(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|found| found.key == name)?;
    Some(text(found.value.clone().unwrap().value))
}

fn serve(listener: &TcpListener, manner: Manner, told: &Sender<Heard>, closing: &AtomicBool) {
    let mut first = true;
    let mut silent = Vec::new();
    for stream in listener.incoming() {
        if closing.load(Ordering::SeqCst) {
            return;
        }
        let mut stream = stream.unwrap();
        let Some(heard) = hear(&stream) else { continue };
        let status = match manner {
            Manner::Takes => 200,
            Manner::Refuses(status) => status,
            Manner::Stumbles if first => 503,
            Manner::Stumbles => 200,
            Manner::KnowsTraces if heard.head[0].contains("/v1/traces") => 200,
            Manner::KnowsTraces => 404,
            Manner::IsSilent => {
                silent.push(stream);
                continue;
            }
        };
        first = false;
        if status == 200 || manner == Manner::KnowsTraces {
            // Nobody may listen any more at a test's end.
            let _ = told.send(heard);
        }
        let answer =
            format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

fn hear(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|bytes| *bytes > 0)?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap()];
    reader.read_exact(&mut body).ok()?;
    let sent = match head[0].split(' ').nth(1) {
        Some("/v1/traces") => Sent::Traces(Message::decode(&*body).unwrap()),
        Some("/v1/metrics") => Sent::Metrics(Message::decode(&*body).unwrap()),
        Some("/v1/logs") => Sent::Logs(Message::decode(&*body).unwrap()),
        other => panic!("expected a path of the protocol, got {other:?}"),
    };
    Some(Heard { head, sent })
}
