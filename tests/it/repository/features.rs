//! Each agent can be left out: a feature of its name, on by default, in `aimass-agents` and in `aimass`.

use std::collections::BTreeSet;

use aimass::AGENTS;
use toml::{Table, Value};

/// The features that a manifest declares.
fn features(manifest: &str) -> Table {
    let path = crate::repository_root().join(manifest);
    let manifest: Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    manifest["features"].as_table().unwrap().clone()
}

fn names(of: &Value) -> BTreeSet<&str> {
    let names = of.as_array().unwrap().iter();
    names.map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn each_agent_has_a_feature_of_its_name_that_is_on_by_default() {
    let agents: BTreeSet<&str> = AGENTS.iter().map(|manifest| manifest.name).collect();
    let own = features("agents/Cargo.toml");
    let facade = features("Cargo.toml");
    assert_eq!(names(&own["default"]), agents);
    assert_eq!(names(&facade["default"]), agents);
    let list = crate::repository_root().join("agents/src/lib.rs");
    let list = std::fs::read_to_string(list).unwrap();
    for agent in agents {
        assert!(own.contains_key(agent), "{agent}");
        let forwarded = format!("aimass-agents/{agent}");
        assert_eq!(names(&facade[agent]), BTreeSet::from([&*forwarded]));
        let listed = format!("#[cfg(feature = {agent:?})]\n    {agent}::MANIFEST,");
        assert!(list.contains(&listed), "{agent} is not left out of AGENTS");
    }
}
