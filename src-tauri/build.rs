//! Tells Tauri which commands exist, so that each needs its own permission.

include!("src/verb_list.rs");

macro_rules! names {
    ($($name:ident($($input:ident: $type:ty),*) -> $answer:ty;)*) => { &[$(stringify!($name)),*] };
}

const COMMANDS: &[&str] = with_verbs!(names);

fn main() {
    println!("cargo:rerun-if-changed=src/verb_list.rs");
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))
        .expect("tauri.conf.json and capabilities are sound");
}
