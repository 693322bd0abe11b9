//! Blobs through a transport: they are put part by part, and read item by item, as bytes beside the
//! JSON.

use std::fmt::Display;
use std::io::{self, Read, Seek, SeekFrom};

use aimass_environment::{BlobHash, BlobPart, BlobReader, Environment, EnvironmentError, UploadId};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::records::{blocking, refused};
use super::{ItemSender, Request, Transport};
use crate::error::TaskError;
use crate::fault::FaultKind;

/// Bytes of one part. The next one is sent once there is a reply, so over a network small ones are
/// slow.
const PART_BYTES: u64 = 4 << 20;
/// Bytes of one item. A client over a socket may be sent a window of them that it does not take, so
/// they are small.
const ITEM_BYTES: u64 = 64 << 10;

/// Puts all of `content` into the environment behind `transport`, and returns the name that an
/// input may give it, as `blob:HASH`.
///
/// It holds a few MiB at a time. Dropping it leaves an upload that gives way to others in time.
///
/// # Errors
/// [`TaskError::Refused`] when `content` cannot be read, or the environment does not take it; as
/// [`Request::PutBlob`].
pub async fn put_blob(
    transport: &dyn Transport,
    mut content: impl AsyncRead + Unpin,
) -> Result<BlobHash, TaskError> {
    let upload = UploadId::random();
    let mut position = 0;
    loop {
        let mut bytes = Vec::new();
        let mut part = (&mut content).take(PART_BYTES);
        let read = part.read_to_end(&mut bytes).await;
        let length = read.map_err(|error| failed("read the content", &error))? as u64;
        let is_last = length < PART_BYTES;
        let part = Request::PutBlob {
            upload,
            position,
            is_last,
            bytes,
        };
        let reply = transport.call(part).reply().await?;
        if is_last {
            return BlobHash::deserialize(&reply["hash"]).map_err(|_| unexpected("a hash"));
        }
        position += length;
    }
}

/// Writes all of a blob of the environment behind `transport` to `into`, and returns how many bytes
/// it has.
///
/// # Errors
/// [`TaskError::Refused`] when there is no such blob, when its file is damaged, or when `into` does
/// not take it; what was written by then
/// is not to be used. As [`Request::ReadBlob`].
pub async fn read_blob(
    transport: &dyn Transport,
    hash: BlobHash,
    mut into: impl AsyncWrite + Unpin,
) -> Result<u64, TaskError> {
    let mut call = transport.call(Request::ReadBlob {
        hash,
        position: 0,
        length: None,
    });
    let unwritten = |error| failed("write the blob", &error);
    while let Some(item) = call.next_item().await {
        into.write_all(&item.bytes).await.map_err(unwritten)?;
    }
    into.flush().await.map_err(unwritten)?;
    let reply = call.reply().await?;
    reply
        .as_u64()
        .ok_or_else(|| unexpected("a number of bytes"))
}

/// Answers [`Request::PutBlob`].
pub(super) async fn put_part(environment: Environment, part: BlobPart) -> Result<Value, TaskError> {
    let put = blocking(move || environment.put_blob_part(&part)).await?;
    Ok(match put? {
        Some(blob) => json!({"hash": blob.hash, "bytes": blob.bytes}),
        None => Value::Null,
    })
}

/// Answers [`Request::ReadBlob`]. A caller that does not take its items holds up no thread.
pub(super) async fn read(
    environment: Environment,
    hash: BlobHash,
    position: u64,
    length: Option<u64>,
    items: ItemSender,
) -> Result<Value, TaskError> {
    let open = move || Content::open(&environment, hash, position, length);
    let mut content = blocking(open).await??;
    let bytes = content.bytes;
    while content.left > 0 {
        items.nearly_all_taken().await;
        let (rest, item) = blocking(move || content.next()).await??;
        content = rest;
        // A caller that is gone has dropped the call, and this future with it.
        let _ = items.send(item).await;
    }
    Ok(json!(bytes))
}

/// What is still to be read of a blob.
struct Content {
    reader: BlobReader,
    /// How many bytes the blob has.
    bytes: u64,
    left: u64,
}

impl Content {
    fn open(
        environment: &Environment,
        hash: BlobHash,
        position: u64,
        length: Option<u64>,
    ) -> Result<Self, TaskError> {
        let mut reader = environment.open_blob(hash)?;
        let bytes = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let position = position.min(bytes);
        reader.seek(SeekFrom::Start(position)).map_err(unreadable)?;
        if bytes == 0 {
            // A file without content may be a damaged one, which shows only when it is read.
            reader.read(&mut [0]).map_err(unreadable)?;
        }
        let rest = bytes - position;
        Ok(Self {
            reader,
            bytes,
            left: length.map_or(rest, |length| length.min(rest)),
        })
    }

    fn next(mut self) -> Result<(Self, Vec<u8>), TaskError> {
        let wanted = self.left.min(ITEM_BYTES);
        let mut item = vec![0; wanted as usize];
        self.reader.read_exact(&mut item).map_err(unreadable)?;
        self.left -= wanted;
        Ok((self, item))
    }
}

/// A damaged blob says so itself.
fn unreadable(error: io::Error) -> TaskError {
    match error.downcast::<EnvironmentError>() {
        Ok(damaged) => damaged.into(),
        Err(error) => refused(
            FaultKind::Unavailable,
            format!("cannot read the blob: {error}"),
        ),
    }
}

fn failed(operation: &str, error: &dyn Display) -> TaskError {
    refused(
        FaultKind::Unavailable,
        format!("cannot {operation}: {error}"),
    )
}

fn unexpected(expected: &str) -> TaskError {
    TaskError::Transport {
        message: format!("the node replied with something else than {expected}"),
    }
}
