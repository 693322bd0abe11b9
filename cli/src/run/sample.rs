//! The sample inbox: files that the program brings along, so that it can be seen at work before there are files of one's own.

use std::fmt::Display;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aimass_config::files::{OutputFile, open};
use aimass_locale::text;

use crate::Context;
use crate::failure::Failure;

/// What is worked on.
const INBOX: [(&str, &[u8]); 4] = [
    (
        "reading.flac",
        include_bytes!("../../../examples/inbox/reading.flac"),
    ),
    (
        "astronaut.jpg",
        include_bytes!("../../../examples/inbox/astronaut.jpg"),
    ),
    (
        "complaint.txt",
        include_bytes!("../../../examples/inbox/complaint.txt"),
    ),
    (
        "opticks.txt",
        include_bytes!("../../../examples/inbox/opticks.txt"),
    ),
];

/// Where each of them is from, and whose it is.
const ORIGIN: (&str, &[u8]) = (
    "README.md",
    include_bytes!("../../../examples/inbox/README.md"),
);

/// The folder of the sample inbox.
pub(super) fn folder(context: &Context) -> PathBuf {
    context.home.folder().join("inbox")
}

/// Lays the files down where facts can go on naming them, and gives their paths.
pub(super) fn files(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    context.home.make()?;
    let folder = folder(context);
    fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    lay_down(&folder, ORIGIN)?;
    INBOX
        .into_iter()
        .map(|file| lay_down(&folder, file))
        .collect()
}

/// Writes a file that is not there as it should be.
fn lay_down(folder: &Path, (name, content): (&str, &[u8])) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    if holds(&path, content).unwrap_or(false) {
        return Ok(path);
    }
    let mut file = OutputFile::prepare(&path).map_err(|error| cannot("write", &path, &error))?;
    let written = file.write_all(content).and_then(|()| file.finish());
    written.map_err(|error| cannot("write", &path, &error))?;
    Ok(path)
}

fn holds(path: &Path, content: &[u8]) -> std::io::Result<bool> {
    let (file, _) = open(path)?;
    let mut there = Vec::new();
    file.take(content.len() as u64 + 1)
        .read_to_end(&mut there)?;
    Ok(there == content)
}

fn cannot(operation: &str, path: &Path, error: &dyn Display) -> Failure {
    let path = path.display();
    Failure::unavailable(text!(
        "cannot {operation} {path}: {error}; name files of your own, or choose another home with `--home FOLDER`",
        "无法写入 {path}：{error}；请指定您自己的文件，或用 `--home 文件夹` 另选一个主文件夹"
    ))
}
