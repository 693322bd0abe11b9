//! Blobs that come in parts, each in a call of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Blob, Upload};
use crate::clock::Time;
use crate::error::EnvironmentError;
use crate::ids::UploadId;

/// How many uploads may be open at the same time.
const MAX_OPEN: usize = 16;
/// An upload of which nothing has come for so long gives way to another.
const IDLE: Duration = Duration::from_secs(60);

/// One part of a blob that comes in several.
#[derive(Debug, Clone)]
pub struct BlobPart {
    /// The upload that it is a part of.
    pub upload: UploadId,
    /// How many bytes of the blob come before it.
    pub position: u64,
    /// Whether the blob ends with it.
    pub is_last: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The uploads that are open; none once the environment is closed.
#[derive(Debug)]
pub(crate) struct Uploads(Mutex<Option<HashMap<UploadId, Open>>>);

#[derive(Debug)]
struct Open {
    content: Content,
    used: Time,
}

/// What has come of an upload; none once it has ended. Its parts are written one after the other,
/// while other uploads go on.
type Content = Arc<Mutex<Option<Upload>>>;

impl Default for Uploads {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl Uploads {
    /// Takes a part at the moment `now`. The first one begins its upload with `begin`.
    pub(crate) fn put(
        &self,
        part: &BlobPart,
        now: Time,
        begin: impl FnOnce() -> Result<Upload, EnvironmentError>,
    ) -> Result<Option<Blob>, EnvironmentError> {
        let upload = part.upload;
        let content = self.content(part, now, begin)?;
        let mut open = content.lock();
        let result = write(&mut open, part);
        if open.is_none() {
            self.remove(upload, &content);
        }
        result
    }

    /// Takes all of them back, and refuses further ones.
    pub(crate) fn close(&self) {
        *self.0.lock() = None;
    }

    fn content(
        &self,
        part: &BlobPart,
        now: Time,
        begin: impl FnOnce() -> Result<Upload, EnvironmentError>,
    ) -> Result<Content, EnvironmentError> {
        let mut uploads = self.0.lock();
        let uploads = uploads.as_mut().ok_or(EnvironmentError::Closed)?;
        if let Some(open) = uploads.get_mut(&part.upload) {
            open.used = now;
            return Ok(Arc::clone(&open.content));
        }
        if part.position != 0 {
            return Err(out_of_order(part, 0));
        }
        if uploads.len() >= MAX_OPEN {
            give_way(uploads, now)?;
        }
        let content = Arc::new(Mutex::new(Some(begin()?)));
        let open = Open {
            content: Arc::clone(&content),
            used: now,
        };
        uploads.insert(part.upload, open);
        Ok(content)
    }

    /// Removes an upload that has ended, unless another one has its id by now.
    fn remove(&self, upload: UploadId, content: &Content) {
        let mut uploads = self.0.lock();
        let Some(uploads) = uploads.as_mut() else {
            return;
        };
        let found = uploads.get(&upload);
        if found.is_some_and(|open| Arc::ptr_eq(&open.content, content)) {
            uploads.remove(&upload);
        }
    }
}

/// Takes the upload back of which nothing has come for the longest time.
fn give_way(uploads: &mut HashMap<UploadId, Open>, now: Time) -> Result<(), EnvironmentError> {
    let longest = uploads.iter().min_by_key(|(_, open)| open.used);
    let idle = longest.filter(|(_, open)| now.since(open.used) >= IDLE);
    let Some((&id, _)) = idle else {
        return Err(EnvironmentError::TooManyUploads { limit: MAX_OPEN });
    };
    uploads.remove(&id);
    Ok(())
}

/// Adds a part. An upload whose part cannot be kept is taken back.
fn write(open: &mut Option<Upload>, part: &BlobPart) -> Result<Option<Blob>, EnvironmentError> {
    let expected = open.as_ref().map_or(0, Upload::bytes);
    let Some(mut upload) = open.take_if(|_| part.position == expected) else {
        return Err(out_of_order(part, expected));
    };
    upload.write(&part.bytes)?;
    if part.is_last {
        return upload.finish().map(Some);
    }
    *open = Some(upload);
    Ok(None)
}

fn out_of_order(part: &BlobPart, expected: u64) -> EnvironmentError {
    EnvironmentError::PartOutOfOrder {
        upload: part.upload,
        expected,
        found: part.position,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::blobs::Blobs;

    const LIMIT: u64 = 100;

    fn part(upload: UploadId, position: u64, bytes: &[u8]) -> BlobPart {
        BlobPart {
            upload,
            position,
            is_last: false,
            bytes: bytes.to_vec(),
        }
    }

    fn last(upload: UploadId, position: u64, bytes: &[u8]) -> BlobPart {
        BlobPart {
            is_last: true,
            ..part(upload, position, bytes)
        }
    }

    /// The uploads of a folder, and the moment at which parts come.
    struct Place {
        dir: tempfile::TempDir,
        blobs: Arc<Blobs>,
        uploads: Uploads,
        now: Time,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            Self {
                blobs: Arc::new(Blobs::in_dir(dir.path()).unwrap()),
                uploads: Uploads::default(),
                now: Time::default(),
                dir,
            }
        }

        fn put(&self, part: &BlobPart) -> Result<Option<Blob>, EnvironmentError> {
            let begin = || Upload::begin(&self.blobs, LIMIT);
            self.uploads.put(part, self.now, begin)
        }

        fn files(&self) -> usize {
            let dir: &Path = self.dir.path();
            fs::read_dir(dir.join("blobs")).unwrap().count()
        }
    }

    #[test]
    fn parts_in_their_order_make_a_blob() {
        let place = Place::new();
        let (one, other) = (UploadId::random(), UploadId::random());
        assert!(place.put(&part(one, 0, b"one")).unwrap().is_none());
        assert!(place.put(&part(other, 0, b"other")).unwrap().is_none());
        assert!(place.put(&part(one, 3, b"")).unwrap().is_none());
        let blob = place.put(&last(one, 3, b" blob")).unwrap().unwrap();
        assert_eq!(blob.bytes, 8);
        assert_eq!(blob.hash.0, *blake3::hash(b"one blob").as_bytes());
        let empty = place.put(&last(UploadId::random(), 0, b"")).unwrap();
        assert_eq!(empty.unwrap().bytes, 0);
        assert_eq!(place.files(), 3, "two blobs, and the upload that is open");
    }

    #[test]
    fn a_part_out_of_order_is_refused_and_its_upload_goes_on() {
        let place = Place::new();
        let upload = UploadId::random();
        let refused = |part: &BlobPart, there: u64| {
            let found = part.position;
            match place.put(part).unwrap_err() {
                EnvironmentError::PartOutOfOrder {
                    expected,
                    found: at,
                    ..
                } => assert_eq!((expected, at), (there, found)),
                other => panic!("{other}"),
            }
        };
        refused(&part(upload, 3, b"def"), 0);
        place.put(&part(upload, 0, b"abc")).unwrap();
        refused(&part(upload, 0, b"abc"), 3);
        refused(&last(upload, 6, b"ghi"), 3);
        assert!(place.put(&last(upload, 3, b"def")).unwrap().is_some());
        refused(&last(upload, 6, b"ghi"), 0);
    }

    #[test]
    fn a_blob_that_is_too_large_is_taken_back() {
        let place = Place::new();
        let upload = UploadId::random();
        place.put(&part(upload, 0, &[7; 60])).unwrap();
        let refused = place.put(&part(upload, 60, &[7; 60])).unwrap_err();
        let too_large = matches!(refused, EnvironmentError::TooLarge { what: "blob", .. });
        assert!(too_large, "{refused}");
        assert_eq!(place.files(), 0);
        let refused = place.put(&part(upload, 60, b"")).unwrap_err();
        let is_over = matches!(
            refused,
            EnvironmentError::PartOutOfOrder { expected: 0, .. }
        );
        assert!(is_over, "{refused}");
    }

    #[test]
    fn uploads_that_nobody_ends_stay_bounded_and_give_way() {
        let mut place = Place::new();
        let mut begun = Vec::new();
        for number in 0..10_000 {
            let upload = UploadId::random();
            let result = place.put(&part(upload, 0, b"some"));
            match number < MAX_OPEN {
                true => begun.push(upload),
                false => assert!(matches!(
                    result,
                    Err(EnvironmentError::TooManyUploads { limit: MAX_OPEN })
                )),
            }
        }
        assert_eq!(place.files(), MAX_OPEN);
        // The first one goes on, so the second one is idle for the longest time.
        place.now = place.now + IDLE;
        place.put(&part(begun[0], 4, b" more")).unwrap();
        place.put(&part(UploadId::random(), 0, b"late")).unwrap();
        assert_eq!(place.files(), MAX_OPEN);
        assert!(place.put(&last(begun[0], 9, b"")).unwrap().is_some());
        assert!((1..MAX_OPEN).any(|at| place.put(&part(begun[at], 4, b"")).is_err()));
        place.uploads.close();
        assert_eq!(place.files(), 1, "the blob");
        let refused = place.put(&part(UploadId::random(), 0, b""));
        assert!(matches!(refused, Err(EnvironmentError::Closed)));
    }
}
