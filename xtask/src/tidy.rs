//! Holds the arrows between the crates: each points to a strictly lower layer, and some are never drawn at all.

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::shell::root;

/// Layers of ARCHITECTURE.md. A crate may know only strictly lower ones.
const LAYERS: &[(&str, u8)] = &[
    ("seal", 0),
    ("domain", 0),
    ("consent", 1),
    ("knowledge", 1),
    ("sync-protocol", 2),
    ("pharmacy", 2),
    ("fhir", 2),
    ("devices", 2),
    ("scribe", 2),
    ("medieco-engine", 2),
    ("vault", 3),
    ("sync-client", 4),
    ("clinic", 5),
    ("medieco", 6),
    ("sync-server", 6),
    ("ctl", 6),
    ("testkit", 6),
    ("fuzz-targets", 7),
    ("journeys", 7),
    ("xtask", 7),
];

/// What a crate may know at the most, where its layer alone would allow more.
const ONLY: &[(&str, &[&str])] = &[
    ("consent", &["seal"]),
    ("sync-protocol", &["consent", "seal"]),
    ("sync-server", &["sync-protocol", "consent", "seal"]),
    ("medieco-engine", &[]),
    ("testkit", &["domain"]),
    ("xtask", &[]),
];

/// Fails on the first arrow that ARCHITECTURE.md doesn't draw.
pub fn tidy() -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let layer = |name: &str| {
        LAYERS
            .iter()
            .find(|(crate_name, _)| *crate_name == name)
            .map(|(_, layer)| *layer)
    };
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let own = layer(name).with_context(|| format!("{name} has no layer: give it one in xtask/src/tidy.rs"))?;
        // A test may look down from anywhere, and may use the testkit; what ships may not.
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind != DependencyKind::Development)
        {
            let Some(other) = layer(&dependency.name) else { continue };
            let allowed = ONLY
                .iter()
                .find(|(crate_name, _)| *crate_name == name)
                .map(|(_, only)| *only);
            let is_named = allowed.is_none_or(|only| only.contains(&dependency.name.as_str()));
            if other >= own || !is_named {
                wrong.push(format!(
                    "{name} (layer {own}) may not know {} (layer {other})",
                    dependency.name
                ));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("arrows that the layers forbid:\n  {}", wrong.join("\n  "));
    }
    println!("tidy: {} crates, every arrow points down", metadata.packages.len());
    Ok(())
}
