//! `/control/…`: what left the origin, and what is to go wrong. For tests and for the curious.

use crate::demo::App;
use crate::demo::counters::Totals;
use crate::demo::faults::Faults;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(flatten)]
    totals: Totals,
    /// Peers that the tracker knows, over all swarms.
    tracker_peers: usize,
}

/// The routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/control/stats", get(stats))
        .route("/control/reset", post(reset))
        .route("/control/faults", get(faults).post(set_faults))
}

async fn stats(State(app): State<Arc<App>>) -> Response {
    json(&Stats {
        totals: app.counters.totals(),
        tracker_peers: app.tracker.peers(),
    })
}

async fn reset(State(app): State<Arc<App>>) -> StatusCode {
    app.counters.reset();
    StatusCode::NO_CONTENT
}

async fn faults(State(app): State<Arc<App>>) -> Response {
    json(&*app.faults.borrow())
}

async fn set_faults(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match Faults::parse(&body) {
        Ok(faults) => {
            app.faults.send_replace(faults.clone());
            json(&faults)
        }
        Err(reason) => (StatusCode::BAD_REQUEST, reason).into_response(),
    }
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
