//! The Python package index: the page of a project, as JSON (PEP 691) or as HTML (PEP 503).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Located;
use crate::catalogue::Package;
use crate::fetch::http::Page;

pub(super) const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

#[derive(Deserialize)]
struct Project {
    files: Vec<ProjectFile>,
}

#[derive(Deserialize)]
struct ProjectFile {
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    #[serde(default)]
    size: Option<u64>,
}

/// Below the address of an index: the name as PEP 503 normalises it.
pub(super) fn path(package: &str) -> String {
    let mut name = String::new();
    for letter in package.to_ascii_lowercase().chars() {
        match letter {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            letter => name.push(letter),
        }
    }
    format!("{name}/")
}

/// The file with the checksum that is pinned; in words what came instead.
pub(super) fn locate(page: &Page, package: &Package) -> Result<Located, String> {
    let is_json = page.content.trim_ascii_start().starts_with(b"{");
    let (link, bytes) = match is_json {
        true => in_json(&page.content, &package.sha256)?,
        false => (in_html(&page.content, &package.sha256)?, None),
    };
    let address = page.at.link(&link);
    let address = address.ok_or_else(|| "a link that is no address of HTTP".to_owned())?;
    Ok(Located { address, bytes })
}

fn in_json(content: &[u8], sha256: &str) -> Result<(String, Option<u64>), String> {
    let project: Project = serde_json::from_slice(content)
        .map_err(|error| format!("no project as PEP 691 has it ({error})"))?;
    let all = project.files.len();
    let is_pinned = |file: &ProjectFile| {
        let found = file.hashes.get("sha256");
        found.is_some_and(|found| found.eq_ignore_ascii_case(sha256))
    };
    let file = project.files.into_iter().find(is_pinned);
    let file = file.ok_or_else(|| none_pinned(all, sha256))?;
    Ok((file.url, file.size))
}

/// Looks for the one link whose fragment is the checksum: that needs no parser of HTML.
fn in_html(content: &[u8], sha256: &str) -> Result<String, String> {
    let text = String::from_utf8_lossy(content);
    let mut links = 0;
    for after in text.split("href=").skip(1) {
        let mut quoted = after.chars();
        let quote = quoted.next().filter(|quote| matches!(quote, '"' | '\''));
        let Some(link) = quote.and_then(|quote| quoted.as_str().split(quote).next()) else {
            continue;
        };
        links += 1;
        let link = link.replace("&amp;", "&");
        if let Some((address, fragment)) = link.split_once("#sha256=")
            && fragment.eq_ignore_ascii_case(sha256)
        {
            return Ok(address.to_owned());
        }
    }
    Err(none_pinned(links, sha256))
}

fn none_pinned(all: usize, sha256: &str) -> String {
    format!("{all} files, none of which has the sha256 {sha256}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::http::Address;

    const PIN: &str = "aa00dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54b9a";

    fn found(content: &str) -> Result<(String, Option<u64>), String> {
        let page = Page {
            at: Address::plain("https://a/simple/x/").unwrap(),
            content: content.as_bytes().to_vec(),
        };
        let package = Package {
            index: crate::catalogue::Index::Pypi,
            package: "x".to_owned(),
            version: "1".to_owned(),
            sha256: PIN.to_owned(),
            folder: String::new(),
            files: Vec::new(),
        };
        let located = locate(&page, &package)?;
        Ok((located.address.to_string(), located.bytes))
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(path("Some._-Weights__1"), "some-weights-1/");
    }

    #[test]
    fn the_file_is_the_one_with_the_pinned_hash() {
        let json = format!(
            r#"{{"meta": {{"api-version": "1.3"}}, "name": "x", "files": [
                {{"filename": "x-1.tar.gz", "url": "b", "hashes": {{"sha256": "00"}}}},
                {{"filename": "x-1.whl", "url": "../../c/x.whl", "hashes": {{"sha256": "{}"}}, "size": 7}}]}}"#,
            PIN.to_uppercase()
        );
        assert_eq!(found(&json), Ok(("https://a/c/x.whl".to_owned(), Some(7))));
        let html = format!(
            "<!DOCTYPE html><a href=\"/y#sha256=00\">y</a><a data-x=1 href='https://b/x.whl?a=1&amp;b#sha256={PIN}'>x</a>"
        );
        assert_eq!(found(&html), Ok(("https://b/x.whl?a=1&b".to_owned(), None)));
    }

    #[test]
    fn what_has_no_such_file_is_told() {
        for (content, why) in [
            (r#"{"files": []}"#, "0 files, none of which"),
            (r#"{"files": 1}"#, "PEP 691"),
            (r#"{"fi"#, "PEP 691"),
            ("<a href=\"x.whl\">x</a>", "1 files, none of which"),
            ("", "0 files, none of which"),
        ] {
            let error = found(content).unwrap_err();
            assert!(error.contains(why), "{content}: {error}");
        }
        let file =
            format!(r#"{{"files": [{{"url": "file:///x", "hashes": {{"sha256": "{PIN}"}}}}]}}"#);
        assert!(found(&file).unwrap_err().contains("no address of HTTP"));
    }
}
