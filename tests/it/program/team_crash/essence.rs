//! What facts say, without what differs between two runs over the same files: ids, times, and the order in which they came.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::{Value, json};

/// What each skill, or the user by a file, says about each source. What is about all of them has a source without a name.
pub(super) type Essence = BTreeMap<(String, String), Value>;

/// The essence of an episode's facts, of which no skill may have said two about a source.
#[track_caller]
pub(super) fn essence(facts: &[Value]) -> Essence {
    let mut essence = Essence::new();
    let mut sources: HashMap<u64, String> = HashMap::new();
    for fact in facts {
        let kind = fact["kind"].as_str().unwrap().to_owned();
        let mut value = fact["value"].clone();
        let source = match fact["provenance"]["cause"].as_u64() {
            Some(cause) => sources[&cause].clone(),
            None => name(&value),
        };
        sources.insert(fact["revision"].as_u64().unwrap(), source.clone());
        strip(&mut value);
        let twice = essence.insert((kind.clone(), source.clone()), value);
        assert!(twice.is_none(), "{kind} was said twice about `{source}`");
    }
    essence
}

/// The same said by the same about the same. Fails by naming what is not.
#[track_caller]
pub(super) fn assert_same(expected: &Essence, found: &Essence) {
    let names = |essence: &Essence| essence.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(expected), names(found));
    for (key, value) in expected {
        assert_eq!(value, &found[key], "{key:?}");
    }
}

/// The name of the file that the content is about.
fn name(value: &Value) -> String {
    let path = value["path"].as_str().map(Path::new);
    let name = path.and_then(|path| path.file_name()?.to_str());
    name.unwrap_or_default().to_owned()
}

/// Takes out where a file lay, and the revisions by which a report names facts that it also names by kind and source.
fn strip(value: &mut Value) {
    let name = name(value);
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    for path in ["path", "given"] {
        fields.entry(path).and_modify(|path| *path = json!(name));
    }
    let references = fields.get_mut("references").and_then(Value::as_array_mut);
    for reference in references.into_iter().flatten() {
        reference.as_object_mut().unwrap().remove("revision");
    }
}
