//! What the documentation shows and names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::files;

/// The largest a picture may be, in bytes: it is loaded by whoever looks at the first page.
const MAX_PICTURE: u64 = 200_000;

/// The pages of the documentation, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let pages = files().into_iter();
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let pages = pages.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    });
    pages.collect()
}

/// A page without its blocks of code.
fn prose(text: &str) -> String {
    let parts = text.split("\n```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}

/// Where a page leads to: by links, and by pictures.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let links = prose.split("](").skip(1).map(|rest| (rest, ')'));
    let pictures = ["src=\"", "srcset=\""]
        .into_iter()
        .flat_map(|attribute| prose.split(attribute).skip(1).map(|rest| (rest, '"')));
    let targets = links
        .chain(pictures)
        .map(|(rest, end)| rest.split(end).next().unwrap());
    targets.map(str::to_owned).collect()
}

/// The names by which the headings of a page are found, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
        kept.map(|sign| if sign == ' ' { '-' } else { sign })
            .collect()
    };
    headings.map(anchor).collect()
}

fn is_broken(page: &Path, text: &str, target: &str) -> bool {
    // Of the web, or of rustdoc.
    if target.contains("::") || target.contains("://") {
        return false;
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    let file = match path {
        "" => page.to_owned(),
        path => page.parent().unwrap().join(path),
    };
    let Some(anchor) = anchor else {
        return !file.exists();
    };
    let other = match path {
        "" => text.to_owned(),
        _ => fs::read_to_string(&file).unwrap_or_default(),
    };
    !anchors(&other).contains(anchor)
}

#[test]
fn links_lead_to_what_is_there() {
    let mut broken = Vec::new();
    for (page, text) in pages() {
        let targets = targets(&text).into_iter();
        let targets = targets.filter(|target| is_broken(&page, &text, target));
        broken.extend(targets.map(|target| format!("{}: {target}", page.display())));
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

#[test]
fn every_page_is_found_from_the_index() {
    let docs = crate::repository_root().join("docs");
    let index = fs::read_to_string(docs.join("README.md")).unwrap();
    let named: BTreeSet<String> = targets(&index).into_iter().collect();
    let pages = fs::read_dir(docs).unwrap().map(|entry| entry.unwrap());
    let names = pages.map(|page| page.file_name().into_string().unwrap());
    let missing: Vec<String> = names
        .filter(|name| name.ends_with(".md") && name != "README.md")
        .filter(|name| !named.contains(name))
        .collect();
    assert!(missing.is_empty(), "not in docs/README.md: {missing:?}");
}

#[test]
fn pictures_are_small_and_shown() {
    let pages = pages();
    let folder = crate::repository_root().join("docs/pictures");
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if ![".png", ".webp", ".svg"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            continue;
        }
        let bytes = entry.metadata().unwrap().len();
        assert!(bytes <= MAX_PICTURE, "{name} has {bytes} bytes");
        let is_shown = pages
            .iter()
            .any(|(_, text)| targets(text).iter().any(|target| target.ends_with(&name)));
        assert!(is_shown, "no page shows {name}");
    }
}

#[test]
fn the_page_about_a_model_of_ones_own_quotes_its_program() {
    let root = crate::repository_root();
    let program = fs::read_to_string(root.join("examples/own_model.rs")).unwrap();
    let page = fs::read_to_string(root.join("docs/own-model.md")).unwrap();
    let blocks: Vec<&str> = page
        .split("\n```rust\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect();
    assert!(blocks.len() > 5, "{} blocks", blocks.len());
    for block in blocks {
        assert!(program.contains(block), "not in the program:\n{block}");
    }
}

#[test]
fn the_first_page_quotes_the_report_that_its_picture_shows() {
    let root = crate::repository_root();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let shown = fs::read_to_string(root.join("docs/pictures/page.txt")).unwrap();
    // Sentences of a report end with the numbers of their facts.
    let lines = readme.lines().filter(|line| line.starts_with("  "));
    let quoted = lines.filter_map(|line| line.strip_suffix(']')?.split_once(" ["));
    let quoted: Vec<&str> = quoted.map(|(sentence, _)| sentence.trim()).collect();
    assert!(quoted.len() > 1, "{quoted:?}");
    for sentence in quoted {
        assert!(shown.contains(sentence), "not in the picture: {sentence}");
    }
}
