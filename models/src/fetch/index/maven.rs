//! Maven repositories: where a jar lies follows from its name.

use crate::catalogue::Package;

/// Below the address of a repository.
pub(super) fn path(package: &Package) -> String {
    let name = &package.package;
    let (group, artefact) = name.split_once(':').unwrap_or(("", name));
    let (group, version) = (group.replace('.', "/"), &package.version);
    format!("{group}/{artefact}/{version}/{artefact}-{version}.jar")
}
