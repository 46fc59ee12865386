//! The page in headless Chromium; without it the test is skipped by name.

use std::path::Path;
use std::process::{Command, Output};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::fixture::{options, pixels, png, report_with_pixels, study};
use super::large::with_classes;
use crate::{Report, RunFacts, render};

/// Examines every figure, rotates those in three dimensions, and writes its findings into the page.
const PROBE: &str = include_str!("browser.js");

/// Examines the tiles of the table of images.
const TILES_PROBE: &str = include_str!("tiles.js");

/// A browser without a screen paints frames when it likes; time it keeps.
const FRAMES: &str = "<script>window.requestAnimationFrame = (act) => setTimeout(act, 1);</script>";

/// Findings of the probe.
#[derive(Debug, Deserialize)]
struct Seen {
    /// Figures of the page.
    figures: usize,
    /// Those without a size or without marks.
    undrawn: Vec<String>,
    /// Figures in three dimensions.
    spaces: usize,
    /// Failures of these.
    failures: Vec<String>,
}

fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find(|name| {
        let version = Command::new(name).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    })
}

/// Opens `page`; returns the final document, and the log.
fn open(browser: &str, profile: &Path, page: &Path) -> Output {
    Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=120000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap()
}

fn seen<T: DeserializeOwned>(page: &str) -> T {
    let (_, rest) = page.split_once("<pre id=\"seen\">").unwrap();
    let (json, _) = rest.split_once("</pre>").unwrap();
    serde_json::from_str(json).unwrap()
}

/// Findings of the script `probe` in the page of `report`, which is written to `folder`.
fn examine<T: DeserializeOwned>(browser: &str, folder: &Path, report: &Report, probe: &str) -> T {
    let page = folder.join("index.html");
    let probed = report
        .page
        .replace("<head>", &format!("<head>{FRAMES}"))
        .replace("</body>", &format!("<script>{probe}</script></body>"));
    fs_err::write(&page, probed).unwrap();
    let run = RunFacts::find(&[]).unwrap().script();
    fs_err::write(folder.join("run.js"), run).unwrap();
    let output = open(browser, &folder.join("profile"), &page);
    let log = String::from_utf8_lossy(&output.stderr);
    let console: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(console.is_empty(), "{console:#?}");
    assert!(output.status.success(), "{log}");
    seen(&String::from_utf8_lossy(&output.stdout))
}

#[test]
fn a_browser_draws_every_figure_and_turns_those_in_space() {
    let browser = browser();
    if skip::unless(browser.is_some(), "chromium") {
        return;
    }
    let browser = browser.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = report_with_pixels(&study(), folder.path());
    let seen: Seen = examine(browser, folder.path(), &report, PROBE);
    assert_eq!(seen.figures, report.figures.len());
    assert!(seen.undrawn.is_empty(), "{seen:?}");
    assert!(seen.spaces > 0 && seen.failures.is_empty(), "{seen:?}");
}

#[test]
fn a_browser_shows_tiles_of_several_rows_in_their_places() {
    let browser = browser();
    if skip::unless(browser.is_some(), "chromium") {
        return;
    }
    let browser = browser.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<String> = (0..100).map(|number| format!("{number:05}.png")).collect();
    let images = paths.iter().map(|path| (path.as_str(), [200, 100, 50]));
    let pixels = pixels(folder.path(), images);
    let study = with_classes(3, 100);
    let report = render(&study, &options(), Some(&pixels), |_| Ok(png())).unwrap();
    let failures: Vec<String> = examine(browser, folder.path(), &report, TILES_PROBE);
    assert!(failures.is_empty(), "{failures:#?}");
}
