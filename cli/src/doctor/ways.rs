//! How the models of the configuration come here: which client, or which address, serves which of them.

use std::collections::BTreeMap;

use aimass_locale::text;
use aimass_models::{Artefact, Origin, Package, PackageWay, Presence, Store};

use super::Finding;
use crate::{Context, models};

/// A way, in words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Open(String, String),
    /// What is missing, and what to do.
    Closed(&'static str, &'static str),
}

/// One finding for each way by which models come. A configuration or a catalogue that cannot be read was found before.
pub(super) fn of_models(context: &Context) -> Vec<Finding> {
    let Ok(config) = context.home.load_config() else {
        return Vec::new();
    };
    let Ok(store) = models::store(context) else {
        return Vec::new();
    };
    let wanted = models::wanted(&context.agents, &config);
    let mut asked = BTreeMap::new();
    let mut ways: BTreeMap<Way, Vec<String>> = BTreeMap::new();
    for name in wanted {
        // A name that the catalogue does not have was found before.
        let Ok(artefact) = store.catalogue().find(&name) else {
            continue;
        };
        let hub = &config.models.hub_endpoint;
        for way in of_model(&store, artefact, hub, &mut asked) {
            ways.entry(way).or_default().push(name.clone());
        }
    }
    let ways = ways.into_iter();
    ways.map(|(way, names)| finding(&store, way, &names))
        .collect()
}

/// The ways of the first source that has any, for those are tried first.
fn of_model(
    store: &Store,
    artefact: &Artefact,
    hub: &str,
    asked: &mut BTreeMap<(String, String), Way>,
) -> Vec<Way> {
    let Some(source) = artefact.sources.first() else {
        return Vec::new();
    };
    match &source.origin {
        Origin::Packages(packages) => {
            let mut ways: Vec<Way> = packages
                .iter()
                .map(|package| of_package(store, package, asked))
                .collect();
            ways.sort();
            ways.dedup();
            ways
        }
        Origin::Hub { .. } => vec![both(hub, "`models.hub_endpoint`")],
        Origin::Folder { path, .. } => {
            let path = path.display().to_string();
            vec![Way::Open(path.clone(), path)]
        }
    }
}

fn both(address: &str, by: &str) -> Way {
    let english = format!("{address} (from {by})");
    Way::Open(english, format!("{address}（来自 {by}）"))
}

/// Programs are asked for their version once, for each index and scope.
fn of_package(
    store: &Store,
    package: &Package,
    asked: &mut BTreeMap<(String, String), Way>,
) -> Way {
    let scope = package
        .package
        .split_once('/')
        .map_or("", |(scope, _)| scope);
    let index = (package.index.name().to_owned(), scope.to_owned());
    let way = asked
        .entry(index)
        .or_insert_with(|| match store.package_way(package) {
            PackageWay::Address(given) => {
                both(&given.address.to_string(), &format!("`{}`", given.by))
            }
            PackageWay::Client(client) => Way::Open(client.clone(), client),
            PackageWay::None { client, settings } => Way::Closed(client, settings),
        });
    way.clone()
}

fn finding(store: &Store, way: Way, names: &[String]) -> Finding {
    let what = text!("model downloads", "模型下载");
    let (all, all_chinese) = (names.join(", "), names.join("、"));
    match way {
        Way::Open(english, chinese) => Finding::good(
            what,
            text!("{all} through {english}", "{all_chinese} 经由 {chinese}"),
        ),
        // What is here needs nobody to fetch it.
        Way::Closed(client, _) if names.iter().all(|name| is_here(store, name)) => Finding::good(
            what,
            text!(
                "{all}: here, and without `{client}` not to be fetched again",
                "{all_chinese}：已有；没有 `{client}` 则无法重新下载"
            ),
        ),
        Way::Closed(client, settings) => Finding::missing(
            what,
            text!(
                "{all}: nobody here fetches these packages",
                "{all_chinese}：本机没有程序下载这些软件包"
            ),
            text!(
                "install `{client}` (on Debian: `apt-get install {client}`), give the address of an index by {settings}, or take a model from a folder with `aimass models import`",
                "请安装 `{client}`（Debian 上：`apt-get install {client}`），或用 {settings} 给出索引地址，或用 `aimass models import` 从文件夹导入模型"
            ),
        ),
    }
}

fn is_here(store: &Store, name: &str) -> bool {
    store.presence(name) == Presence::Present
}
