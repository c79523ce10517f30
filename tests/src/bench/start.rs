//! Cold start of the app to its first screen, beside the same program on an empty page.
//!
//! Cold means: a new process each time. Its files are in the system's cache, as on every start of a clinic's day but the
//! first after the machine was switched on.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    Site,
    figure::{Figure, Samples},
    machine::load,
    progress::{Progress, say},
};
use crate::{
    child::PATIENCE,
    window::{self, Window},
};

const N: usize = 7;
/// A face on the sign-in screen: somebody can begin to work.
const FIRST_SCREEN: &str = "return document.querySelector('[data-screen=sign-in] [aria-pressed]') !== null";
const EMPTY_PAGE: &str = "return document.readyState === 'complete'";
/// Each question takes the app some of its own time.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(5);

/// Starts the app on a small clinic, on the crowded one, and on an empty page, in rotation.
pub fn measure(site: &Site, folder: &Path) -> Result<Vec<Figure>> {
    if !window::can_drive() {
        say("no window can be driven here (Xvfb and WebKitWebDriver: cargo xtask setup): the start is left out");
        return Ok(Vec::new());
    }
    let home = folder.join("home");
    let on = |data: &PathBuf| {
        let words = ["--data".into(), data.display().to_string(), "--passphrase-file".into()];
        words
            .into_iter()
            .chain([site.passphrase.display().to_string()])
            .collect::<Vec<_>>()
    };
    let small = || opened(&home, &on(&site.first), FIRST_SCREEN);
    let crowded = || opened(&home, &on(&site.crowded), FIRST_SCREEN);
    let mut empty_page = on(&folder.join("nobody"));
    empty_page.push("--empty-page".into());
    let empty = || opened(&home, &empty_page, EMPTY_PAGE);

    let before = load();
    let mut progress = Progress::of("starts of the app", N);
    let (mut of_small, mut of_crowded, mut of_empty) = (Samples::default(), Samples::default(), Samples::default());
    for start in [&small as &dyn Fn() -> Result<Duration>, &crowded, &empty] {
        start()?;
    }
    for round in 1..=N {
        of_empty.push(empty()?);
        of_small.push(small()?);
        of_crowded.push(crowded()?);
        progress.at(round);
    }
    let against = "the same program on an empty page, no store opened".to_owned();
    Ok(vec![
        Figure::of(
            "start",
            "start to first screen".into(),
            against.clone(),
            of_small,
            of_empty.clone(),
        )
        .under(before),
        Figure::of(
            "start_crowded",
            "start to first screen, 20 000 patients".into(),
            against,
            of_crowded,
            of_empty,
        )
        .under(before),
    ])
}

/// How long it takes from the order to start the program until `there` is true in its window.
fn opened(home: &Path, arguments: &[String], there: &str) -> Result<Duration> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let window = Window::open(home, &arguments)?;
    let began = window.ordered_at();
    // While the page is changed for the real one a question may fail; the next will not.
    while !window.script(there, &[]).is_ok_and(|answer| answer == true) {
        ensure!(began.elapsed() < PATIENCE, "the window never showed what it should");
        std::thread::sleep(BETWEEN_QUESTIONS);
    }
    let took = Instant::now() - began;
    window.close()?;
    Ok(took)
}
