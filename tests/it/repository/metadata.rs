//! What cargo knows of the workspace: packages, licences, and who depends on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// A package of the dependency graph.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) license: Option<String>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Kind {
    fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

/// The dependency graph. What only tests, examples and benches of a package need is kept apart.
pub(crate) struct Graph {
    packages: BTreeMap<String, Package>,
    members: Vec<String>,
    edges: Edges,
    tests: Edges,
}

type Edges = BTreeMap<String, Vec<String>>;

impl Graph {
    /// Asks cargo, for this platform only: the packages of others need not be there.
    pub(crate) fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--locked",
                "--filter-platform",
            ])
            .arg(host())
            .current_dir(crate::repository_root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
        let edges = |wanted: fn(&Edge) -> bool| -> Edges {
            let of_node = |node: &Node| {
                let wanted = node.deps.iter().filter(|edge| wanted(edge));
                let to = wanted.map(|edge| edge.pkg.clone());
                (node.id.clone(), to.collect())
            };
            metadata.resolve.nodes.iter().map(of_node).collect()
        };
        Self {
            edges: edges(|edge| edge.dep_kinds.iter().any(|kind| !kind.is_dev())),
            tests: edges(|edge| edge.dep_kinds.iter().any(Kind::is_dev)),
            members: metadata.workspace_members,
            packages: metadata
                .packages
                .into_iter()
                .map(|package| (package.id.clone(), package))
                .collect(),
        }
    }

    /// The names of the workspace's own packages.
    pub(crate) fn members(&self) -> BTreeSet<&str> {
        self.members
            .iter()
            .map(|id| self.packages[id].name.as_str())
            .collect()
    }

    /// What the package names as its dependencies itself, those of its tests included.
    pub(crate) fn direct(&self, name: &str) -> BTreeSet<&str> {
        let id = &self.find(name).id;
        let named = self.edges[id].iter().chain(&self.tests[id]);
        named.map(|id| self.packages[id].name.as_str()).collect()
    }

    fn find(&self, name: &str) -> &Package {
        let mut packages = self.packages.values();
        packages.find(|package| package.name == name).unwrap()
    }

    /// Everything that ends up in the tests of a package, the package itself included.
    pub(crate) fn linked_by_tests(&self, name: &str) -> Vec<&Package> {
        let id = &self.find(name).id;
        let named = self.tests[id].iter().chain([id]);
        self.linked_from(named.map(String::as_str).collect())
    }

    /// Everything that ends up in what these packages build, themselves included.
    pub(crate) fn linked<'a>(&'a self, names: &[&str]) -> Vec<&'a Package> {
        let packages = self.packages.values();
        let named = packages.filter(|package| names.contains(&package.name.as_str()));
        self.linked_from(named.map(|package| package.id.as_str()).collect())
    }

    fn linked_from<'a>(&'a self, mut open: Vec<&'a str>) -> Vec<&'a Package> {
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(self.edges[id].iter().map(String::as_str));
            }
        }
        seen.into_iter().map(|id| &self.packages[id]).collect()
    }
}

/// The platform that this test runs on, as the compiler names it.
fn host() -> String {
    let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap()
        .to_owned()
}
