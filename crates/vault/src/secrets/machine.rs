//! What the operating system calls this machine: the one place that asks.

/// Linux: `machine-id(5)`; macOS: `gethostuuid(3)`; Windows: `MachineGuid` of the registry. Empty where nobody knows: then a copy
/// is told by its words and its count alone.
pub(super) fn id() -> Vec<u8> {
    let id = pretended().unwrap_or_else(asked);
    if is_a_name(&id) { id } else { Vec::new() }
}

/// As it stands in the file, with the end of its line: the marks that there are were made of it.
#[cfg(not(any(target_os = "macos", windows)))]
fn asked() -> Vec<u8> {
    named_in(&["/etc/machine-id", "/var/lib/dbus/machine-id"])
}

#[cfg(any(target_os = "macos", windows))]
fn asked() -> Vec<u8> {
    machine_uid::get().map(String::into_bytes).unwrap_or_default()
}

#[cfg(not(any(target_os = "macos", windows)))]
fn named_in(files: &[&str]) -> Vec<u8> {
    let mut found = files.iter().filter_map(|file| std::fs::read(file).ok());
    found.find(|id| is_a_name(id)).unwrap_or_default()
}

/// Whether it names one machine: an image that was not started yet has an empty file, or `uninitialized`; firmware without a
/// number has zeros.
fn is_a_name(id: &[u8]) -> bool {
    let id = id.trim_ascii();
    id != b"uninitialized" && id.iter().any(|byte| !matches!(byte, b'0' | b'-'))
}

/// In debug builds only, for tests that play two machines on one: `MEDIECO_MACHINE_ID`.
fn pretended() -> Option<Vec<u8>> {
    let name = cfg!(debug_assertions).then(|| std::env::var("MEDIECO_MACHINE_ID").ok());
    name.flatten().map(String::into_bytes)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_file_that_names_a_machine_counts_and_what_names_none_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let real = file("real", "8d3f0c5be1a94f0c9a1f6a7d2b3c4d5e\n");
        let nowhere = folder.path().join("none").to_str().unwrap().to_owned();
        for (name, text) in [
            ("empty", ""),
            ("line", "\n"),
            ("image", "uninitialized\n"),
            ("zeros", "00000000000000000000000000000000\n"),
            ("guid", "00000000-0000-0000-0000-000000000000"),
        ] {
            let none = file(name, text);
            assert!(named_in(&[&none]).is_empty(), "{name}");
            assert_eq!(
                named_in(&[&none, &nowhere, &real]),
                b"8d3f0c5be1a94f0c9a1f6a7d2b3c4d5e\n",
                "{name}"
            );
        }
        assert!(named_in(&[&nowhere]).is_empty());
    }
}
