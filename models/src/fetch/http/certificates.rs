//! Whom to believe that it is the server: the authorities that are built in, or those of this machine, if it names some.

use std::path::PathBuf;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::{ModelError, files};

/// Those of a whole distribution take a quarter of a megabyte.
const LIMIT: u64 = 16 << 20;

/// Files with certificates of authorities, each with what names it.
pub(crate) type CertificateFiles = Vec<(String, PathBuf)>;

/// The authorities in these files, or those that are built in, where there are none.
pub(super) fn roots(named: &CertificateFiles) -> Result<RootCerts, ModelError> {
    if named.is_empty() {
        return Ok(RootCerts::WebPki);
    }
    let mut all: Vec<Certificate<'static>> = Vec::new();
    for (by, path) in named {
        let bytes = files::read(path, LIMIT)?;
        let before = all.len();
        all.extend(parse_pem(&bytes).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        }));
        if all.len() == before {
            return Err(ModelError::Format {
                path: path.clone(),
                expected: format!("the certificates that `{by}` promises"),
                found: "none".to_owned(),
                advice: "name a file with certificates in PEM, or unset it".to_owned(),
            });
        }
    }
    Ok(RootCerts::new_with_certs(&all))
}
