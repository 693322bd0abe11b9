//! Who gives an address, and who comes first.

use std::fs;
use std::path::Path;

use super::*;

/// Resolves with these variables, in a home that has these files.
fn resolve(
    config: &PackageIndexesConfig,
    variables: &[(&str, &str)],
    files: &[(&str, &str)],
) -> PackageIndexes {
    let home = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let variable = |name: &str| {
        let set = variables.iter().find(|(set, _)| *set == name);
        let set = set.map(|(_, value)| value.replace("HOME", &home.path().display().to_string()));
        match (set, name) {
            (Some(value), _) => Some(value.into()),
            (None, "HOME") => Some(home.path().into()),
            // Nothing of the machine that the test runs on.
            (None, "XDG_CONFIG_DIRS") => Some(home.path().join("shared").into()),
            (None, _) => None,
        }
    };
    PackageIndexes::resolve(config, &variable)
}

fn package(index: Index, name: &str) -> Package {
    Package {
        index,
        package: name.to_owned(),
        version: "1".to_owned(),
        sha256: "0".repeat(64),
        folder: String::new(),
        files: Vec::new(),
    }
}

fn pypi(indexes: &PackageIndexes) -> Option<(String, String)> {
    let given = indexes.of(&package(Index::Pypi, "a"))?;
    let by = Path::new(&given.by).file_name().unwrap();
    Some((given.address.to_string(), by.to_str().unwrap().to_owned()))
}

fn said(address: &str, by: &str) -> Option<(String, String)> {
    Some((address.to_owned(), by.to_owned()))
}

const OWN: (&str, &str) = (
    ".config/pip/pip.conf",
    "[global]\nindex-url = https://own/simple\n",
);

#[test]
fn the_configuration_comes_first_then_the_environment_then_the_files_of_pip() {
    let none = PackageIndexesConfig::default();
    let own = PackageIndexesConfig {
        pypi: Some("https://configured/simple".to_owned()),
        ..PackageIndexesConfig::default()
    };
    let pip = ("PIP_INDEX_URL", "https://of-pip/simple");
    let uv = ("UV_INDEX_URL", "https://of-uv/simple");
    let uv_now = ("UV_DEFAULT_INDEX", "https://of-uv-now/simple");
    let found = |config, variables: &[_], files: &[_]| pypi(&resolve(config, variables, files));
    assert_eq!(
        found(&own, &[pip, uv], &[OWN]),
        said("https://configured/simple", "models.package_indexes.pypi")
    );
    assert_eq!(
        found(&none, &[uv, uv_now, pip], &[OWN]),
        said("https://of-pip/simple", "PIP_INDEX_URL")
    );
    assert_eq!(
        found(&none, &[uv, uv_now], &[OWN]),
        said("https://of-uv-now/simple", "UV_DEFAULT_INDEX")
    );
    assert_eq!(
        found(&none, &[uv], &[OWN]),
        said("https://of-uv/simple", "UV_INDEX_URL")
    );
    assert_eq!(
        found(&none, &[], &[OWN]),
        said("https://own/simple", "pip.conf")
    );
    // Who wants no index, or one that is not HTTP, wants pip.
    assert_eq!(found(&none, &[pip, ("PIP_NO_INDEX", "1")], &[OWN]), None);
    assert_eq!(found(&none, &[("PIP_INDEX_URL", "file:///x")], &[]), None);
    assert_eq!(found(&none, &[], &[]), None);
}

#[test]
fn the_files_of_pip_are_read_in_pips_order() {
    let none = PackageIndexesConfig::default();
    let conf = |host: &str| format!("[global]\nindex-url = https://{host}/simple\n");
    let (shared, old, new, venv) = (conf("shared"), conf("old"), conf("new"), conf("venv"));
    let files = [
        ("shared/pip/pip.conf", &*shared),
        (".pip/pip.conf", &*old),
        (".config/pip/pip.conf", &*new),
        ("venv/pip.conf", &*venv),
        ("named", "[download]\nindex-url = https://named/simple\n"),
    ];
    let found = |variables: &[_], files: &[_]| {
        pypi(&resolve(&none, variables, files)).map(|(address, _)| address)
    };
    let simple = |host: &str| Some(format!("https://{host}/simple"));
    let venv = ("VIRTUAL_ENV", "HOME/venv");
    let named = ("PIP_CONFIG_FILE", "HOME/named");
    assert_eq!(found(&[venv, named], &files), simple("named"));
    assert_eq!(found(&[venv], &files), simple("venv"));
    assert_eq!(found(&[], &files), simple("new"));
    assert_eq!(found(&[], &files[..2]), simple("old"));
    assert_eq!(found(&[], &files[..1]), simple("shared"));
    assert_eq!(found(&[("PIP_CONFIG_FILE", "/dev/null")], &files), None);
}

#[test]
fn npm_has_a_registry_for_a_scope_and_tokens_for_registries() {
    let npmrc = "registry=https://all.example/npm\n@mine:registry=https://mine.example/\n\
                 //all.example/npm/:_authToken=${TOKEN}\n//mine.example/:_auth=bTpw\n; no\n";
    let none = PackageIndexesConfig::default();
    let of = |variables: &[_], name: &str| {
        let indexes = resolve(&none, variables, &[(".npmrc", npmrc)]);
        let given = indexes.of(&package(Index::Npm, name)).cloned();
        given.map(|given| (given.address.to_string(), given.credentials))
    };
    let token = [("TOKEN", "secret")];
    assert_eq!(
        of(&token, "a"),
        Some((
            "https://all.example/npm".to_owned(),
            Some(Credentials::bearer("secret"))
        ))
    );
    assert_eq!(
        of(&token, "@mine/a"),
        Some((
            "https://mine.example/".to_owned(),
            Some(Credentials::encoded("bTpw"))
        ))
    );
    // The token is of that registry alone.
    let other = ("npm_config_registry", "https://other.example");
    let found = of(&[other], "a");
    assert_eq!(found, Some(("https://other.example".to_owned(), None)));
}

#[test]
fn certificates_are_those_that_any_of_the_tools_would_take() {
    let none = PackageIndexesConfig::default();
    let one = [("SSL_CERT_FILE", "/a"), ("REQUESTS_CA_BUNDLE", "/a")];
    let conf = [(".config/pip/pip.conf", "[global]\ncert = /b\n")];
    let indexes = resolve(&none, &one, &conf);
    let files: Vec<_> = indexes
        .certificates()
        .iter()
        .map(|(_, file)| file)
        .collect();
    assert_eq!(files, [Path::new("/a"), Path::new("/b")]);
}

#[test]
fn nothing_is_shown_of_a_password() {
    let none = PackageIndexesConfig::default();
    let indexes = resolve(&none, &[("PIP_INDEX_URL", "https://me:hush@a/simple")], &[]);
    assert!(!format!("{indexes:?}").contains("hush"));
}
