//! From arguments to a window.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::{Context, Result};
use clinic::{Desk, DeskConfig, LanReach, machine};
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

use crate::Cli;

/// Opens the app; returns when its window is closed.
pub fn start(cli: Cli) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("MEDIECO_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    // Blank windows on many graphics chips otherwise. No thread runs yet that could read the environment meanwhile.
    #[cfg(target_os = "linux")]
    if std::env::var_os("WEBKIT_DISABLE_DMABUF_RENDERER").is_none() {
        #[expect(unsafe_code, reason = "set_var is sound while this is the only thread")]
        unsafe {
            std::env::set_var("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
        }
    }
    let data_dir = match cli.data {
        Some(dir) => dir,
        None => system_folder()?,
    };
    fs::create_dir_all(&data_dir).with_context(|| format!("{} can't be made", data_dir.display()))?;
    let crash_report = report_panics(&data_dir);
    let demo = cli.demo.as_deref().map(read_demo).transpose()?;
    // The demo network is on this machine; nobody else's is to hear of it.
    let reach = demo.as_ref().map_or(LanReach::Everywhere, |_| LanReach::ThisMachine);
    let passphrase = cli
        .passphrase_file
        .as_deref()
        .map(machine::read_passphrase_file)
        .transpose()?;

    let bindings = medieco::bindings();
    let window: Arc<OnceLock<AppHandle>> = Arc::default();
    let teller = Arc::clone(&window);
    let handler = bindings.invoke_handler();
    tauri::Builder::default()
        .plugin(
            tauri_plugin_single_instance::Builder::new()
                .callback(|app, _, _| {
                    if let Some(first) = app.get_webview_window("main") {
                        let _ = first.unminimize();
                        let _ = first.set_focus();
                    }
                })
                .dbus_id(instance_name(&data_dir))
                .build(),
        )
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(handler)
        .setup(move |app| {
            if cli.empty_page {
                show(app, WebviewUrl::CustomProtocol("about:blank".parse()?))?;
                return Ok(());
            }
            bindings.mount_events(app);
            let desk = Desk::start(DeskConfig {
                data_dir,
                engine: machine::engine_beside_this_program(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                demo,
                passphrase,
                crash_report,
                clock: Arc::new(machine::SystemClock),
                make_rng: machine::system_rng(),
                events: Arc::new(move |event| {
                    if let Some(app) = teller.get() {
                        medieco::events::tell(app, event);
                    }
                }),
                runtime: tauri::async_runtime::handle().inner().clone(),
                lan: Some(reach),
            })?;
            app.manage(desk);
            let _ = window.set(app.handle().clone());
            Ok(show(app, WebviewUrl::default())?)
        })
        .build(tauri::generate_context!())?
        .run(|app, event| {
            if let (tauri::RunEvent::Exit, Some(desk)) = (event, app.try_state::<Desk>()) {
                desk.shut_down();
            }
        });
    Ok(())
}

fn show(app: &tauri::App, page: WebviewUrl) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, "main", page)
        .title("MediEco")
        .inner_size(1280.0, 800.0)
        .min_inner_size(800.0, 600.0)
        .build()?;
    Ok(())
}

fn system_folder() -> Result<PathBuf> {
    let folders = directories::ProjectDirs::from("my", "medieco", "medieco").context("this user has no home folder")?;
    Ok(folders.data_dir().to_path_buf())
}

fn read_demo(file: &Path) -> Result<clinic::views::setup::Demo> {
    let text = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no demo description", file.display()))
}

/// One running app per data folder: a D-Bus name made from the folder's path.
fn instance_name(data_dir: &Path) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    fs::canonicalize(data_dir)
        .unwrap_or_else(|_| data_dir.to_path_buf())
        .hash(&mut hasher);
    format!("my.medieco.app.d{:016x}", hasher.finish())
}

/// A panic leaves a report without personal data beside the data; the next start says so, once.
fn report_panics(data_dir: &Path) -> Option<String> {
    let report = data_dir.join("panic.txt");
    let earlier = report.exists().then(|| data_dir.join("panic-last.txt"));
    if let Some(earlier) = &earlier {
        let _ = fs::rename(&report, earlier);
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // The place only: a panic's message could quote what a person typed.
        let place = info
            .location()
            .map(|place| format!("{}:{}", place.file(), place.line()))
            .unwrap_or_default();
        let _ = fs::write(
            &report,
            format!("MediEco {} stopped at {place}\n", env!("CARGO_PKG_VERSION")),
        );
        usual(info);
    }));
    earlier.map(|path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_data_folders_are_two_instances_with_lawful_bus_names() {
        let (a, b) = (
            instance_name(Path::new("/nowhere/a")),
            instance_name(Path::new("/nowhere/b")),
        );
        assert_ne!(a, b);
        assert!(
            a.len() < 200
                && a.split('.')
                    .all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()))
        );
    }
}
