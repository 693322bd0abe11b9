//! Model hubs: files over HTTP.
//!
//! The protocol is the Hugging Face hub's: `GET {endpoint}/{repository}/resolve/{revision}/{file}`, redirects to a store of large
//! files, byte ranges, a bearer token, and for large files their sha256 in the header `x-linked-etag`.

use std::fs;
use std::path::Path;

use super::http::{Address, Credentials, Download, Http, Request, Server};
use crate::ModelError;
use crate::store::{Progress, file_error};

/// A model hub.
pub(crate) struct Hub<'a> {
    http: &'a Http,
    endpoint: &'a str,
    token: Option<&'a str>,
}

impl<'a> Hub<'a> {
    pub(crate) fn new(http: &'a Http, endpoint: &'a str, token: Option<&'a str>) -> Self {
        Self {
            http,
            endpoint: endpoint.trim_end_matches('/'),
            token,
        }
    }

    /// Fetches one file into `target`, by way of `parts`, where what has come stays if it breaks off.
    pub(crate) fn fetch(
        &self,
        repository: &str,
        revision: &str,
        file: &str,
        parts: &Path,
        target: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        let url = format!("{}/{repository}/resolve/{revision}/{file}", self.endpoint);
        let server = Server {
            operation: "fetch a file from the model hub",
            login: "it wants a token: set `HF_TOKEN` to one that may read it".to_owned(),
            advice: "check the network and `models.hub_endpoint`".to_owned(),
        };
        let Some((address, login)) = Address::parse(&url) else {
            return Err(ModelError::Unavailable {
                operation: server.operation,
                expected: "an address of HTTP".to_owned(),
                found: format!("{url:?}"),
                advice: server.advice,
            });
        };
        let request = Request {
            address,
            credentials: self.token.map(Credentials::bearer).or(login),
            accept: "*/*",
        };
        fs::create_dir_all(parts).map_err(file_error("create", parts))?;
        let part = parts.join(format!("{}.part", file.replace('/', "__")));
        let download = Download {
            request: &request,
            what: file,
            part: &part,
            bytes: None,
            sha256: None,
        };
        let fetched = self.http.download(&download, progress);
        fetched.map_err(|error| error.told(&request.address, &server))?;
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(file_error("create", parent))?;
        }
        fs::rename(&part, target).map_err(file_error("move to its place", target))
    }
}
