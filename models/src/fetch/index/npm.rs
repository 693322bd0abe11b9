//! The registry of npm: what it says of a package, which names the tarball of each version.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Located;
use crate::catalogue::Package;
use crate::fetch::http::Page;

/// The short form, which npm's own client asks for.
pub(super) const ACCEPT: &str = "application/vnd.npm.install-v1+json, application/json;q=0.8";

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    dist: Dist,
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
}

/// Below the address of a registry: `@scope/name` is one part.
pub(super) fn path(package: &str) -> String {
    package.replace('/', "%2f")
}

pub(super) fn locate(page: &Page, package: &Package) -> Result<Located, String> {
    let mut document: Document = serde_json::from_slice(&page.content)
        .map_err(|error| format!("no package as npm's registry has it ({error})"))?;
    let version = &package.version;
    let Some(Version { dist }) = document.versions.remove(version) else {
        let all = document.versions.len();
        return Err(format!("{all} versions, none of which is {version}"));
    };
    let address = page.at.link(&dist.tarball);
    let address = address.ok_or_else(|| "a tarball at no address of HTTP".to_owned())?;
    Ok(Located {
        address,
        bytes: None,
    })
}
