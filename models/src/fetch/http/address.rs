//! Addresses of servers, with what only they may see apart from what anybody may.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Bytes that an address may have.
const MAX_BYTES: usize = 4096;

/// An address of an HTTP server, without the user and password that may have stood in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

/// What proves to a server who asks. It is shown to nobody else: not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    header: String,
}

impl Credentials {
    /// A user and a password.
    pub(crate) fn basic(user_and_password: &str) -> Self {
        Self::encoded(&BASE64_STANDARD.encode(user_and_password))
    }

    /// A user and a password, encoded already.
    pub(crate) fn encoded(base64: &str) -> Self {
        Self {
            header: format!("Basic {base64}"),
        }
    }

    /// A token.
    pub(crate) fn bearer(token: &str) -> Self {
        Self {
            header: format!("Bearer {token}"),
        }
    }

    /// The value of the header `authorization`.
    pub(super) fn header(&self) -> &str {
        &self.header
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Address {
    /// Reads an address that may hold a user and a password. None where it is not one of HTTP.
    pub(crate) fn parse(text: &str) -> Option<(Self, Option<Credentials>)> {
        let text = text.split('#').next().unwrap_or_default();
        let visible = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if text.len() > MAX_BYTES || !text.bytes().all(visible) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return None;
        }
        let credentials = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            Credentials::basic(&format!("{}:{}", decoded(user), decoded(password)))
        });
        let host = host.to_ascii_lowercase();
        Some((Self(format!("{scheme}://{host}{path}")), credentials))
    }

    /// As [`Self::parse`], of an address whose user and password are of no use.
    pub(crate) fn plain(text: &str) -> Option<Self> {
        Some(Self::parse(text)?.0)
    }

    /// The part before the path: who is asked.
    pub(crate) fn origin(&self) -> &str {
        let host = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[host..]
            .find(['/', '?'])
            .map_or(self.0.len(), |at| host + at);
        &self.0[..end]
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.starts_with("https://")
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address below this one.
    pub(crate) fn below(&self, path: &str) -> Self {
        Self(format!("{}/{path}", self.0.trim_end_matches('/')))
    }

    /// What a link that stands at this address leads to. None where that is not an address of HTTP.
    pub(crate) fn link(&self, to: &str) -> Option<Self> {
        let to = to.trim();
        let scheme = to.split_once(':').map(|(scheme, _)| scheme);
        let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if scheme.is_some_and(|scheme| !scheme.is_empty() && letters(scheme)) {
            return Self::plain(to);
        }
        let origin = self.origin();
        if to.starts_with("//") {
            let (scheme, _) = origin.split_once(':')?;
            return Self::plain(&format!("{scheme}:{to}"));
        }
        if to.starts_with('/') {
            return Self::plain(&format!("{origin}{to}"));
        }
        let path = self.0[origin.len()..].split('?').next()?;
        let folder = path.rfind('/').map_or("", |at| &path[..at]);
        let (to, query) = to.split_at(to.find(['?', '#']).unwrap_or(to.len()));
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in to.split('/') {
            match part {
                "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        Self::plain(&format!("{origin}/{}{query}", parts.join("/")))
    }
}

/// `%40` is `@`: so what separates the parts of an address may stand in a password.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text of another program without users and passwords in addresses.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after
            .find(|letter: char| letter == '/' || letter.is_whitespace())
            .unwrap_or(after.len());
        rest = after[..end]
            .rfind('@')
            .map_or(after, |login| &after[login + 1..]);
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_are_taken_out_and_shown_to_nobody() {
        let (address, credentials) =
            Address::parse("HTTPS://me:p%40ss@Index.Example:8443/simple/#x").unwrap();
        assert_eq!(address.to_string(), "https://index.example:8443/simple/");
        assert_eq!(address.origin(), "https://index.example:8443");
        let credentials = credentials.unwrap();
        assert_eq!(credentials.header(), "Basic bWU6cEBzcw==");
        assert_eq!(format!("{credentials:?}"), "Credentials");
        let said = without_credentials("cannot reach https://me:p@ss@a/b, nor http://c/d@e x://f");
        assert_eq!(said, "cannot reach https://a/b, nor http://c/d@e x://f");
    }

    #[test]
    fn what_is_no_address_of_http_is_none() {
        for text in [
            "",
            "file:///etc/passwd",
            "ftp://a/b",
            "https://",
            "https://@/x",
            "http:///x",
            "http://:80/x",
            "http://a b",
            "http://a/\r\nhost: b",
            "index.example/simple",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn links_lead_where_a_browser_would_go() {
        let page = Address::plain("https://a.b/simple/name/?x=/y").unwrap();
        for (to, expected) in [
            ("https://c/d#sha256=1", Some("https://c/d")),
            ("//c/d", Some("https://c/d")),
            ("/d", Some("https://a.b/d")),
            ("d?e=../f", Some("https://a.b/simple/name/d?e=../f")),
            ("../../packages/d", Some("https://a.b/packages/d")),
            ("../../../../d", Some("https://a.b/d")),
            ("./d", Some("https://a.b/simple/name/d")),
            ("file:///etc/passwd", None),
            ("javascript:x", None),
        ] {
            let found = page.link(to).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{to}");
        }
    }
}
