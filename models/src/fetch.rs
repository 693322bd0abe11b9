//! Fetching: from package indexes and model hubs into a folder.

mod archive;
mod client;
mod given;
mod http;
mod hub;
mod index;
mod package;

#[cfg(test)]
pub(crate) use archive::tarball;
pub(crate) use archive::unpack;
pub use given::{GivenAddress, PackageIndexes, Variable};
pub(crate) use http::Http;
pub use http::{Address, FetchLimits};
pub(crate) use hub::Hub;
pub use package::PackageWay;
pub(crate) use package::{file, folder};
