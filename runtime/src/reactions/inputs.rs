//! Inputs: files on their way into an episode.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aimass_config::files::open;
use aimass_environment::{BlobHash, EnvironmentError, FactDraft, FactKind, ParseIdError};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use crate::file_kind::{FileKinds, SNIFFED_BYTES};
use crate::skill::paths;

/// Files that one episode may have: a bound on what a folder given by mistake can cost.
const MAX_FILES: usize = 100_000;
/// Files beyond those that are counted: walking through a whole disk would take too long.
const MAX_COUNTED: usize = 100_000;

/// An input that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFailure {
    /// Its path, as it was given; written down with replacement characters where it is not UTF-8.
    #[serde(serialize_with = "lossily")]
    pub path: PathBuf,
    /// What is wrong with it, for programs.
    #[serde(default)]
    pub problem: InputProblem,
    /// What was expected, what came, what to do.
    pub message: String,
}

/// What is wrong with an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InputProblem {
    /// There is nothing of that name.
    Missing,
    /// This user may not read it.
    Forbidden,
    /// The system refuses to read it for another reason, which the message has.
    #[default]
    Unreadable,
    /// It has no content.
    Empty,
    /// It is a device or a pipe.
    Special,
    /// Its name is not UTF-8.
    Name,
    /// It is an input already, by another name: nothing is lost.
    Repeated,
    /// It is beyond what one episode takes.
    LeftOut,
}

impl From<&std::io::Error> for InputProblem {
    fn from(error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Unreadable,
        }
    }
}

impl InputFailure {
    /// An input whose name JSON cannot hold.
    pub fn name(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            problem: InputProblem::Name,
            message: "expected a name in UTF-8; rename the file".to_owned(),
        }
    }

    /// An input that only the process has which was given it, such as standard input.
    pub fn of_one_process(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            problem: InputProblem::Special,
            message: "expected a file or a folder, got what only one process has open; put it into a file".to_owned(),
        }
    }

    /// An input that the system refuses.
    pub fn refused(path: &Path, operation: &str, error: &std::io::Error) -> Self {
        Self {
            path: path.to_owned(),
            problem: InputProblem::from(error),
            message: format!("cannot be {operation}: {error}"),
        }
    }
}

fn lossily<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// What a list of paths came to.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    kinds: FileKinds,
    pub(crate) facts: Vec<FactDraft>,
    pub(crate) failures: Vec<InputFailure>,
    folders: HashSet<PathBuf>,
    /// The inputs, by what the system knows them by, and how they were named.
    files: HashMap<(u64, u64), PathBuf>,
    /// The first file that was beyond the limit, and how many were.
    beyond: Option<(PathBuf, usize)>,
}

/// Finds the file of a blob.
pub(crate) type BlobFiles<'a> = &'a dyn Fn(BlobHash) -> Result<PathBuf, EnvironmentError>;

/// Looks at every file of `paths`; a folder stands for the files below it, in the order of their names.
pub(crate) fn read(paths: &[PathBuf], kinds: &FileKinds, blobs: BlobFiles<'_>) -> Inputs {
    let mut inputs = Inputs {
        kinds: kinds.clone(),
        ..Inputs::default()
    };
    for path in paths {
        match path.to_str().filter(|path| paths::is_blob(path)) {
            Some(blob) => inputs.visit_blob(blob, blobs),
            None => inputs.visit(path, Depth::Given),
        }
    }
    inputs.say_what_was_beyond();
    inputs
}

/// Whether the user named a path, or it was found below one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Given,
    Below(u32),
}

/// How deep folders are followed.
const MAX_DEPTH: u32 = 64;

/// The kinds of facts that these files, and those below these folders, become in an episode: what the team will be asked about.
pub fn file_kinds(paths: &[PathBuf], kinds: &FileKinds) -> BTreeSet<String> {
    let facts = read(paths, kinds, &no_blobs).facts.into_iter();
    facts.map(|fact| fact.kind.name().to_owned()).collect()
}

/// A place without an environment has no blobs.
fn no_blobs(hash: BlobHash) -> Result<PathBuf, EnvironmentError> {
    Err(EnvironmentError::UnknownBlob { hash })
}

impl Inputs {
    /// Takes a blob as a file, which lives as long as the fact about it.
    fn visit_blob(&mut self, given: &str, blobs: BlobFiles<'_>) {
        let hash = given.trim_start_matches(paths::BLOB).parse();
        let found = hash.map_err(|error: ParseIdError| error.to_string());
        let found = found.and_then(|hash| {
            let path = blobs(hash).map_err(|error| error.to_string())?;
            Ok((hash, path))
        });
        let (hash, path) = match found {
            Ok(found) => found,
            Err(message) => return self.refuse(Path::new(given), InputProblem::Missing, &message),
        };
        let before = self.facts.len();
        self.visit(&path, Depth::Given);
        for fact in self.facts.iter_mut().skip(before) {
            fact.value["given"] = given.into();
            fact.blobs.push(hash);
        }
    }

    fn visit(&mut self, path: &Path, depth: Depth) {
        if self
            .beyond
            .as_ref()
            .is_some_and(|(_, count)| *count >= MAX_COUNTED)
        {
            return;
        }
        match fs::metadata(path) {
            Err(error) => self
                .failures
                .push(InputFailure::refused(path, "read", &error)),
            Ok(metadata) if metadata.is_dir() => self.visit_dir(path, depth),
            Ok(_) if self.facts.len() >= MAX_FILES => {
                let beyond = self.beyond.get_or_insert_with(|| (path.to_owned(), 0));
                beyond.1 += 1;
            }
            Ok(metadata) if metadata.is_file() => self.visit_file(path, &metadata),
            Ok(_) => self.failures.push(InputFailure {
                path: path.to_owned(),
                problem: InputProblem::Special,
                message: "expected a file or a folder, got a device or a pipe".to_owned(),
            }),
        }
    }

    fn visit_dir(&mut self, path: &Path, depth: Depth) {
        let below = match depth {
            Depth::Given => 1,
            Depth::Below(below) => below + 1,
        };
        if fs::canonicalize(path).is_ok_and(|real| !self.folders.insert(real)) {
            // A link below a folder may well lead back to it.
            if depth == Depth::Given {
                self.refuse(path, InputProblem::Repeated, "its files are inputs already");
            }
            return;
        }
        if below > MAX_DEPTH {
            let message = format!("it lies below {MAX_DEPTH} folders; name it itself");
            return self.refuse(path, InputProblem::LeftOut, &message);
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                return self
                    .failures
                    .push(InputFailure::refused(path, "listed", &error));
            }
        };
        let children = self.children(path, entries.map(|entry| Ok(entry?.path())));
        let hidden = |child: &Path| {
            child
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'))
        };
        for child in children.iter().filter(|child| !hidden(child)) {
            self.visit(child, Depth::Below(below));
        }
    }

    /// What a folder holds, in the order of names. What cannot be listed is told of.
    fn children(
        &mut self,
        dir: &Path,
        entries: impl Iterator<Item = std::io::Result<PathBuf>>,
    ) -> Vec<PathBuf> {
        let mut children = Vec::new();
        for entry in entries {
            match entry {
                Ok(path) => children.push(path),
                Err(error) => {
                    self.failures
                        .push(InputFailure::refused(dir, "listed to its end", &error))
                }
            }
        }
        children.sort();
        children
    }

    fn visit_file(&mut self, path: &Path, metadata: &Metadata) {
        if metadata.len() == 0 {
            return self.failures.push(InputFailure {
                path: path.to_owned(),
                problem: InputProblem::Empty,
                message: "expected content, got an empty file".to_owned(),
            });
        }
        let Some(name) = path.to_str() else {
            return self.failures.push(InputFailure::name(path));
        };
        let identity = (metadata.dev(), metadata.ino());
        if let Some(known) = self.files.get(&identity) {
            let message = format!(
                "the same file as {}, which is an input already",
                known.display()
            );
            return self.refuse(path, InputProblem::Repeated, &message);
        }
        let kind = match kind_of(path, &self.kinds) {
            Ok(kind) => kind,
            Err(error) => {
                return self
                    .failures
                    .push(InputFailure::refused(path, "read", &error));
            }
        };
        let absolute = std::path::absolute(name).ok();
        let absolute = absolute.as_deref().and_then(Path::to_str).unwrap_or(name);
        let value = json!({ "path": absolute, "given": name, "bytes": metadata.len() });
        self.facts.push(FactDraft::new(kind, value));
        self.files.insert(identity, path.to_owned());
    }

    fn refuse(&mut self, path: &Path, problem: InputProblem, message: &str) {
        self.failures.push(InputFailure {
            path: path.to_owned(),
            problem,
            message: message.to_owned(),
        });
    }

    fn say_what_was_beyond(&mut self) {
        let Some((first, count)) = self.beyond.take() else {
            return;
        };
        let or_more = if count >= MAX_COUNTED { " or more" } else { "" };
        let message = format!(
            "an episode takes {MAX_FILES} files, and {count}{or_more} are left out, from this one on; name folders one by one"
        );
        self.refuse(&first, InputProblem::LeftOut, &message);
    }
}

/// What a file holds, by its first bytes above all.
fn kind_of(path: &Path, kinds: &FileKinds) -> std::io::Result<FactKind> {
    let mut start = Vec::new();
    let (file, _) = open(path)?;
    file.take(SNIFFED_BYTES).read_to_end(&mut start)?;
    Ok(kinds.of(path, &start))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_folder_stands_for_its_files_and_bad_ones_are_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b.txt"), "hello").unwrap();
        fs::write(dir.path().join("a"), "plain").unwrap();
        fs::write(dir.path().join("c.wav"), [0; 4]).unwrap();
        fs::write(dir.path().join("empty.txt"), "").unwrap();
        fs::write(dir.path().join(".hidden"), "secret").unwrap();
        fs::write(dir.path().join("blob"), [0, 159, 146, 150]).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        let missing = dir.path().join("missing.txt");
        let inputs = read(
            &[dir.path().to_owned(), missing.clone()],
            &FileKinds::default(),
            &no_blobs,
        );
        let kinds: Vec<String> = inputs
            .facts
            .iter()
            .map(|fact| fact.kind.to_string())
            .collect();
        assert_eq!(
            kinds,
            [
                "file.text@1",
                "file.text@1",
                "file.unknown@1",
                "file.audio@1"
            ]
        );
        let failed: Vec<&Path> = inputs
            .failures
            .iter()
            .map(|failure| &*failure.path)
            .collect();
        assert_eq!(
            failed,
            [dir.path().join("empty.txt").as_path(), missing.as_path()]
        );
    }

    #[test]
    fn what_cannot_be_listed_of_a_folder_is_told_of() {
        let mut inputs = Inputs::default();
        let entries = [
            Ok(PathBuf::from("b")),
            Err(ErrorKind::PermissionDenied.into()),
            Ok(PathBuf::from("a")),
        ];
        let children = inputs.children(Path::new("folder"), entries.into_iter());
        assert_eq!(children, ["a", "b"].map(PathBuf::from));
        let [failure] = &inputs.failures[..] else {
            panic!("{:?}", inputs.failures);
        };
        assert_eq!(failure.path, Path::new("folder"));
        assert_eq!(failure.problem, InputProblem::Forbidden);
    }

    #[test]
    fn a_file_is_one_input_by_whatever_names_it_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a.txt"), "hello").unwrap();
        fs::write(path("same.txt"), "hello").unwrap();
        fs::hard_link(path("a.txt"), path("hard.txt")).unwrap();
        symlink("a.txt", path("link.txt")).unwrap();
        let given = [
            "a.txt", "./a.txt", "hard.txt", "link.txt", "same.txt", ".", ".",
        ];
        let inputs = read(&given.map(path), &FileKinds::default(), &no_blobs);
        assert_eq!(inputs.facts.len(), 2);
        assert_eq!(
            inputs.facts[0].value["given"],
            path("a.txt").to_str().unwrap()
        );
        let repeated = |name: &str| {
            let of = |failure: &&InputFailure| failure.path == path(name);
            inputs.failures.iter().filter(of).count()
        };
        assert_eq!(["hard.txt", "link.txt", "."].map(repeated), [2, 2, 1]);
        let problem = |failure: &InputFailure| failure.problem == InputProblem::Repeated;
        assert!(inputs.failures.iter().all(problem), "{:?}", inputs.failures);
        let message = &inputs.failures[0].message;
        assert!(
            message.contains("a.txt, which is an input already"),
            "{message}"
        );
    }

    #[test]
    fn what_lies_too_deep_or_leads_in_a_circle_is_named_and_nobody_waits_for_a_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d/".repeat(MAX_DEPTH as usize + 2));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.txt"), "hello").unwrap();
        symlink("circle", dir.path().join("circle")).unwrap();
        let pipe = dir.path().join("pipe.txt");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let inputs = read(&[dir.path().to_owned()], &FileKinds::default(), &no_blobs);
        assert!(inputs.facts.is_empty());
        let problems: Vec<_> = inputs
            .failures
            .iter()
            .map(|failure| failure.problem)
            .collect();
        use InputProblem::{LeftOut, Special, Unreadable};
        assert_eq!(problems, [Unreadable, LeftOut, Special]);
    }
}
