//! The page and the built package, from a checkout's `www/` and `js/`.

use anyhow::{Context as _, bail};
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use std::path::{Path, PathBuf};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// The folder that holds `www/` and `js/`: the given one, or the nearest above the current directory
/// or the executable.
///
/// # Errors
/// There is none, or the package in it has not been built.
pub(super) fn locate(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = match given {
        Some(folder) => folder.to_owned(),
        None => search().context(
            "no folder with www/ and js/ at or above the current directory or the executable; \
             name one with --assets",
        )?,
    };
    if !folder.join("js/dist").is_dir() {
        bail!(
            "{} is missing; run `cargo xtask build` first",
            folder.join("js/dist").display()
        );
    }
    Ok(folder)
}

fn search() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let program = std::env::current_exe().ok();
    let starts = here.iter().chain(&program);
    let mut folders = starts.flat_map(|start| start.ancestors());
    let found = folders.find(|folder| folder.join("www").is_dir() && folder.join("js").is_dir());
    found.map(Path::to_owned)
}

/// The routes. Nothing is cached without asking: these files are being worked on.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(folder: &Path) -> Router<S> {
    let no_cache = HeaderValue::from_static("no-cache");
    Router::new()
        .route_service("/", ServeFile::new(folder.join("www/index.html")))
        .nest_service("/www", ServeDir::new(folder.join("www")))
        .nest_service("/dist", ServeDir::new(folder.join("js/dist")))
        .nest_service(
            "/vendor/hls.js",
            ServeDir::new(folder.join("js/node_modules/hls.js/dist")),
        )
        .nest_service(
            "/vendor/dash.js",
            ServeDir::new(folder.join("js/node_modules/dashjs/dist/modern/esm")),
        )
        .layer(map_response(modern_javascript))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            no_cache,
        ))
}

/// The one media type that RFC 9239 leaves to JavaScript.
async fn modern_javascript(mut response: Response) -> Response {
    if let Some(mime) = response.headers_mut().get_mut(header::CONTENT_TYPE)
        && mime == "application/javascript"
    {
        *mime = HeaderValue::from_static("text/javascript");
    }
    response
}
