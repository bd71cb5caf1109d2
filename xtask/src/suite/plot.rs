//! Offload against uplink, with the limit as a line.

use super::runs::Run;
use super::table::number;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use serde_json::{Map, Value};

/// One run: mean uplink in times the bitrate, offload of eligible viewers, its limit.
pub(crate) struct Point {
    uplink: f64,
    offload: f64,
    limit: f64,
}

/// The runs that are plotted and have figures.
pub(crate) fn points(runs: &[Run], kept: &Map<String, Value>) -> Vec<Point> {
    let points = runs.iter().filter_map(|run| {
        let figures = kept.get(&run.command())?;
        Some(Point {
            uplink: run.uplink?,
            offload: number(figures, "offload_eligible"),
            limit: number(figures, "limit_eligible"),
        })
    });
    points.collect()
}

/// The plot.
///
/// # Errors
/// None that is known of: it is drawn into a string.
pub(crate) fn svg(points: &[Point]) -> Result<String> {
    let mut out = String::new();
    draw(points, &mut out).map_err(|error| anyhow!("cannot draw: {error}"))?;
    Ok(out)
}

fn draw(points: &[Point], out: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(out, (720, 400)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.5..3.1, 0.0..1.0)?;
    chart
        .configure_mesh()
        .max_light_lines(1)
        .x_desc("mean usable uplink ÷ bitrate")
        .y_desc("offload of viewers with a working link")
        .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
        .draw()?;
    let limit = points.iter().map(|point| (point.uplink, point.limit));
    chart
        .draw_series(LineSeries::new(limit, BLACK.stroke_width(1)))?
        .label("limit")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], BLACK));
    let measured = || points.iter().map(|point| (point.uplink, point.offload));
    chart.draw_series(LineSeries::new(measured(), BLUE.stroke_width(2)))?;
    chart
        .draw_series(measured().map(|at| Circle::new(at, 4, BLUE.filled())))?
        .label("simulated")
        .legend(|(x, y)| Circle::new((x + 10, y), 4, BLUE.filled()));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .border_style(BLACK)
        .background_style(WHITE)
        .draw()?;
    root.present()?;
    Ok(())
}
