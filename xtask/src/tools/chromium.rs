//! The browser of the end-to-end tests.

use super::{debian, given, on_path};
use anyhow::{Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Where a Chromium lies inside one of Playwright's `chromium-<revision>` directories.
const INSIDE_PLAYWRIGHT: [&str; 5] = [
    "chrome-linux64/chrome",
    "chrome-linux/chrome",
    "chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
    "chrome-mac/Chromium.app/Contents/MacOS/Chromium",
    "chrome-win64/chrome.exe",
];

/// Finds Chromium: `CHROMIUM` or `CHROME_PATH`, then PATH, then Playwright's downloads; on Debian as
/// root it is installed.
///
/// # Errors
/// There is none; the message says what to install.
pub(crate) fn chromium() -> Result<PathBuf> {
    for variable in ["CHROMIUM", "CHROME_PATH"] {
        if let Some(path) = env::var_os(variable) {
            return given(variable, PathBuf::from(path));
        }
    }
    if let Some(path) = installed() {
        return Ok(path);
    }
    if debian::install("chromium")?
        && let Some(path) = installed()
    {
        return Ok(path);
    }
    bail!(
        "no Chromium found. Install one (Debian: `apt-get install chromium`; anywhere: `npx playwright-core \
         install chromium` in js/) or name one with CHROMIUM=/path/to/chromium"
    )
}

fn installed() -> Option<PathBuf> {
    NAMES.iter().find_map(|name| on_path(name)).or_else(|| {
        playwright_caches()
            .iter()
            .find_map(|cache| newest_in(cache))
    })
}

fn playwright_caches() -> Vec<PathBuf> {
    let home = |below: &str| env::var_os("HOME").map(|home| Path::new(&home).join(below));
    let local = env::var_os("LOCALAPPDATA").map(|dir| Path::new(&dir).join("ms-playwright"));
    [
        env::var_os("PLAYWRIGHT_BROWSERS_PATH").map(PathBuf::from),
        home(".cache/ms-playwright"),
        home("Library/Caches/ms-playwright"),
        local,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn newest_in(cache: &Path) -> Option<PathBuf> {
    let mut revisions: Vec<(u64, PathBuf)> = fs::read_dir(cache)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let revision = path
                .file_name()?
                .to_str()?
                .strip_prefix("chromium-")?
                .parse()
                .ok()?;
            Some((revision, path))
        })
        .collect();
    revisions.sort();
    revisions.iter().rev().find_map(|(_, dir)| {
        INSIDE_PLAYWRIGHT
            .iter()
            .map(|inside| dir.join(inside))
            .find(|path| path.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::newest_in;
    use std::fs;

    #[test]
    fn takes_the_newest_of_playwrights_revisions() {
        let cache =
            std::env::temp_dir().join(format!("swarmline-playwright-{}", std::process::id()));
        for revision in [
            "chromium-999",
            "chromium-1200",
            "chromium_headless_shell-1300",
        ] {
            fs::create_dir_all(cache.join(revision).join("chrome-linux")).unwrap();
            fs::write(cache.join(revision).join("chrome-linux/chrome"), "").unwrap();
        }
        let found = newest_in(&cache);
        fs::remove_dir_all(&cache).unwrap();
        assert_eq!(found, Some(cache.join("chromium-1200/chrome-linux/chrome")));
    }
}
