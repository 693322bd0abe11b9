//! Frames: a length of four bytes, little-endian, and as many bytes: a JSON value, and what stands
//! behind it is its attachment. So the bytes of a blob travel as they are.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::request::Request;
use crate::error::TaskError;

/// The version of this protocol. A node and a client of different versions refuse each other.
pub(crate) const PROTOCOL: u32 = 2;
/// The largest frame, in bytes without its length.
pub(crate) const MAX_FRAME: usize = 16 << 20;

/// How long a part of a frame may be all that there is of it.
const PART_LIMIT: Duration = Duration::from_secs(60);
const LENGTH_BYTES: usize = 4;
const READ_CHUNK: usize = 64 << 10;

/// What is sent as a frame.
pub(crate) trait Frame: Serialize + DeserializeOwned {
    /// Returns the bytes that travel behind the JSON.
    fn attachment(&self) -> &[u8];

    /// Returns where the bytes go that came behind the JSON, if it may have any.
    fn attachment_mut(&mut self) -> Option<&mut Vec<u8>>;
}

/// What a client says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub(crate) enum ClientFrame {
    /// First of all: which protocol it speaks.
    Hello { protocol: u32 },
    /// A request; the number is the client's own, and used once on a connection.
    Call { call: u64, request: Box<Request> },
    /// It can take that many further items.
    Credit { call: u64, items: u32 },
    /// It no longer waits.
    Cancel { call: u64 },
}

/// What a node says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub(crate) enum NodeFrame {
    /// First of all: which protocol it speaks.
    Hello { protocol: u32 },
    /// An item of a call.
    Item {
        call: u64,
        item: Value,
        #[serde(skip)]
        bytes: Vec<u8>,
    },
    /// A call's reply.
    Done { call: u64, reply: Value },
    /// A call's failure.
    Failed { call: u64, error: TaskError },
}

impl Frame for ClientFrame {
    fn attachment(&self) -> &[u8] {
        match self {
            Self::Call { request, .. } => request.attachment(),
            _ => &[],
        }
    }

    fn attachment_mut(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Call { request, .. } => request.attachment_mut(),
            _ => None,
        }
    }
}

impl Frame for NodeFrame {
    fn attachment(&self) -> &[u8] {
        match self {
            Self::Item { bytes, .. } => bytes,
            _ => &[],
        }
    }

    fn attachment_mut(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Item { bytes, .. } => Some(bytes),
            _ => None,
        }
    }
}

/// What is wrong with a frame, or with the connection that it came on.
#[derive(Debug, Error)]
pub(crate) enum WireError {
    #[error("the frame has {bytes} bytes, {MAX_FRAME} at most are allowed")]
    TooLarge { bytes: usize },
    #[error("the connection ended in the middle of a frame")]
    Truncated,
    #[error("a part of a frame came, and nothing after it for {PART_LIMIT:?}")]
    Stuck,
    // The reader's own words are not passed on: they quote the frame, and with it what a task was given.
    #[error("the frame is not what the protocol expects: {} at byte {}", category(.0), .0.column())]
    Malformed(#[from] serde_json::Error),
    #[error("{bytes} bytes stand behind the frame's JSON, which takes none")]
    Attached { bytes: usize },
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
}

fn category(error: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;
    match error.classify() {
        Category::Io => "unreadable",
        Category::Syntax => "no JSON",
        Category::Data => "JSON of another form",
        Category::Eof => "JSON without an end",
    }
}

/// A frame as bytes.
///
/// # Errors
/// [`WireError::TooLarge`]; [`WireError::Malformed`] for a value that JSON cannot hold.
pub(crate) fn encode<T: Frame>(frame: &T) -> Result<Vec<u8>, WireError> {
    let mut bytes = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut bytes, frame)?;
    let attachment = frame.attachment();
    let length = bytes.len() - LENGTH_BYTES + attachment.len();
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME => {
            bytes[..LENGTH_BYTES].copy_from_slice(&prefix.to_le_bytes());
            bytes.extend_from_slice(attachment);
            Ok(bytes)
        }
        _ => Err(WireError::TooLarge { bytes: length }),
    }
}

/// The frame that these bytes are.
fn decode<T: Frame>(body: &[u8]) -> Result<T, WireError> {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter();
    // Where there is no value at all, this says so.
    let first = values.next();
    let mut frame: T = first.unwrap_or_else(|| serde_json::from_slice(body))?;
    let attached = &body[values.byte_offset()..];
    if attached.is_empty() {
        return Ok(frame);
    }
    let bytes = attached.len();
    let attachment = frame.attachment_mut();
    *attachment.ok_or(WireError::Attached { bytes })? = attached.to_vec();
    Ok(frame)
}

/// Reads frames. `next` may be dropped and called again without loss.
pub(crate) struct FrameReader<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// The next frame; none at the end of the connection. Memory is taken for bytes that came, never for bytes that were announced.
    pub(crate) async fn next<T: Frame>(&mut self) -> Result<Option<T>, WireError> {
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(Some(frame));
            }
            self.compact();
            if self.read_on().await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(WireError::Truncated)
                };
            }
        }
    }

    /// Reads what comes next. Nobody waits long for the rest of a frame: whoever has sent a part of it is about to send more, or stuck.
    async fn read_on(&mut self) -> Result<usize, WireError> {
        let is_between_frames = self.buffer.is_empty();
        self.buffer.reserve(READ_CHUNK);
        let read = self.source.read_buf(&mut self.buffer);
        if is_between_frames {
            return Ok(read.await?);
        }
        let read = tokio::time::timeout(PART_LIMIT, read).await;
        Ok(read.map_err(|_| WireError::Stuck)??)
    }

    fn buffered<T: Frame>(&mut self) -> Result<Option<T>, WireError> {
        let unread = &self.buffer[self.start..];
        let Some((prefix, rest)) = unread.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > MAX_FRAME {
            return Err(WireError::TooLarge { bytes: length });
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = decode(body)?;
        self.start += LENGTH_BYTES + length;
        Ok(Some(frame))
    }

    fn compact(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.is_empty() {
            // One large frame must not cost its memory for the rest of the connection.
            self.buffer.shrink_to(READ_CHUNK);
        }
    }
}
