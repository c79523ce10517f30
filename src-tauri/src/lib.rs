//! The app: a window over `clinic`. This library holds what the binary and the test of the bindings share.

pub mod commands;
pub mod events;

use specta_typescript::Typescript;

/// Commands and events, typed.
pub fn bindings() -> tauri_specta::Builder<tauri::Wry> {
    tauri_specta::Builder::new()
        .commands(commands::every_command())
        .events(events::every_event())
        .typ::<domain::NoteSection>()
        .disable_serde_phases()
}

/// The TypeScript of `ui/src/api/bindings.gen.ts`.
pub fn typescript() -> Typescript {
    Typescript::default()
        .header("// Written by `cargo test -p medieco` (test bindings_are_current). Never edited by hand.\n")
}
