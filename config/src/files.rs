//! Files that a user names, whatever the names lead to: opened without waiting for anybody, and written without making something else of them.

mod reading;
mod text;
mod writing;

use std::fmt;
use std::fs::FileType;
use std::os::unix::fs::FileTypeExt;

pub use reading::{NotAFile, is_own_descriptor, open, open_at_once};
pub use text::{NotText, text_of};
pub use writing::{CannotWrite, OutputFile, open_to_append};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    Plain,
    /// A folder.
    Folder,
    /// A pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A device that is read or written as a stream: a terminal, `/dev/null`.
    Device,
    /// A device that is a disk, or part of one.
    Disk,
}

impl From<FileType> for Kind {
    fn from(kind: FileType) -> Self {
        match kind {
            kind if kind.is_dir() => Self::Folder,
            kind if kind.is_fifo() => Self::Pipe,
            kind if kind.is_socket() => Self::Socket,
            kind if kind.is_char_device() => Self::Device,
            kind if kind.is_block_device() => Self::Disk,
            _ => Self::Plain,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "a file",
            Self::Folder => "a folder",
            Self::Pipe => "a pipe",
            Self::Socket => "a socket",
            Self::Device | Self::Disk => "a device",
        })
    }
}
