//! The recordings and pictures of an episode that become a part of its page.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use aimass_config::files::open;
use aimass_pages::Media;
use aimass_runtime::{Panel, ShownFact, content_type};

/// The largest file that becomes a part of the page, in bytes.
const MAX_EMBEDDED: u64 = 4 << 20;
/// What all of them together may take.
const MAX_EMBEDDED_IN_ALL: u64 = 24 << 20;

/// The content of the files that panels show, by their paths, as far as they fit.
pub(super) fn media(shown: &[ShownFact]) -> HashMap<String, Media> {
    let mut left = MAX_EMBEDDED_IN_ALL;
    let mut media = HashMap::new();
    for shown in shown {
        let Some(Panel::Sound { path } | Panel::Picture { path, .. }) = &shown.panel else {
            continue;
        };
        if media.contains_key(path) {
            continue;
        }
        let Some(bytes) = embedded(Path::new(path), MAX_EMBEDDED.min(left)) else {
            continue;
        };
        left = left.saturating_sub(bytes.len() as u64);
        // Nothing but what a browser plays or draws gets a type of its own.
        let media_type = content_type(&bytes).filter(|kind| !kind.starts_with("application/"));
        let media_type = media_type.unwrap_or("application/octet-stream");
        media.insert(path.clone(), Media { media_type, bytes });
    }
    media
}

/// A file's bytes, if there are no more than `most`.
fn embedded(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (file, _) = open(path).ok()?;
    // It may have grown since anybody looked.
    file.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}
