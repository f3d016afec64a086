//! The plots, as SVG: plain lines and bars, readable on white and on black.

use std::fmt::Write;

use sessions_benches::{results::Results, site::Subject, stats::mean, workload::Workload};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
/// Room for the axes: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (64.0, 44.0, 176.0, 44.0);

/// Returns the files by name.
pub(super) fn all(results: &Results) -> Vec<(&'static str, String)> {
    vec![
        ("cost.svg", bars(results)),
        (
            "size-read.svg",
            lines(
                results,
                "size-read",
                "Reading one value, by the size of the session",
                "bytes of JSON",
                false,
            ),
        ),
        (
            "size-write.svg",
            lines(
                results,
                "size-write",
                "Reading and writing one value, by the size of the session",
                "bytes of JSON",
                false,
            ),
        ),
        (
            "stored-read.svg",
            lines(
                results,
                "stored-read",
                "Reading one value, by the size of the session in the store",
                "bytes of JSON",
                true,
            ),
        ),
        (
            "cookies-read.svg",
            lines(
                results,
                "cookies-read",
                "Reading one value, by the other cookies that the request carries",
                "other cookies",
                false,
            ),
        ),
        (
            "sessions-read.svg",
            lines(
                results,
                "sessions-read",
                "Reading one value, by the sessions that are in memory",
                "sessions in memory",
                true,
            ),
        ),
    ]
}

fn style(subject: &str) -> (&'static str, &'static str) {
    match subject {
        "signed" => ("#1f77b4", "sessions, signed"),
        "memory" => ("#2ca02c", "sessions, memory"),
        "actix-session-signed" => ("#d62728", "actix-session, signed"),
        _ => ("#ff7f0e", "tower-sessions, memory"),
    }
}

struct Chart {
    svg: String,
    most: f64,
}

impl Chart {
    fn new(title: &str, most: f64) -> Self {
        let mut svg = String::new();
        let (left, _, right, _) = MARGIN;
        write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
             <text x=\"{left}\" y=\"18\" font-size=\"14\" font-weight=\"bold\">{title}</text>\n\
             <text x=\"{left}\" y=\"34\" fill=\"#555\">nanoseconds of a request above the bare framework</text>\n"
        )
        .expect("a string takes text");
        let step = round_step(most / 4.0);
        let most = (most / step).ceil() * step;
        let mut chart = Self { svg, most };
        let mut at = 0.0;
        while at <= most {
            let y = chart.y(at);
            let line = if at == 0.0 { "#333" } else { "#ddd" };
            writeln!(
                chart.svg,
                "<line x1=\"{left}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{line}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{at:.0}</text>",
                WIDTH - right,
                left - 6.0,
                y + 4.0,
            )
            .expect("a string takes text");
            at += step;
        }
        chart
    }

    fn y(&self, value: f64) -> f64 {
        let (_, top, _, bottom) = MARGIN;
        HEIGHT - bottom - value.max(0.0) / self.most * (HEIGHT - top - bottom)
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, fill: &str, text: &str) {
        writeln!(
            self.svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{text}</text>"
        )
        .expect("a string takes text");
    }

    fn end(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

/// A step of 1, 2 or 5 times a power of ten.
fn round_step(about: f64) -> f64 {
    let power = 10_f64.powf(about.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|n| n * power)
        .into_iter()
        .find(|step| *step >= about)
        .unwrap_or(about)
}

fn bars(results: &Results) -> String {
    let subjects =
        [Subject::Signed, Subject::ActixSessionSigned, Subject::Memory, Subject::TowerMemory];
    let cost = |workload: Workload, subject: Subject| {
        let tax = results.tax(workload.code(), subject.name(), subject.bare().map(Subject::name));
        tax.map_or(0.0, |blocks| mean(&blocks).mean)
    };
    let all = Workload::ALL.iter().flat_map(|w| subjects.map(|s| cost(*w, s)));
    let mut chart = Chart::new("What a session costs", all.fold(1.0, f64::max));
    let (left, _, right, bottom) = MARGIN;
    let group = (WIDTH - left - right) / Workload::ALL.len() as f64;
    let bar = group / (subjects.len() as f64 + 1.0);
    for (at, workload) in Workload::ALL.into_iter().enumerate() {
        let start = left + group * at as f64 + bar / 2.0;
        for (nth, subject) in subjects.into_iter().enumerate() {
            let y = chart.y(cost(workload, subject));
            writeln!(
                chart.svg,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                start + bar * nth as f64,
                bar * 0.9,
                HEIGHT - bottom - y,
                style(subject.name()).0,
            )
            .expect("a string takes text");
        }
        let middle = left + group * (at as f64 + 0.5);
        chart.text(middle, HEIGHT - bottom + 16.0, "middle", "black", workload.code());
        let words = workload.title().rsplit(", ").next().unwrap_or_default();
        chart.text(middle, HEIGHT - bottom + 30.0, "middle", "#555", short(workload, words));
    }
    for (nth, subject) in subjects.into_iter().enumerate() {
        let (colour, name) = style(subject.name());
        chart.text(WIDTH - right + 8.0, 60.0 + 18.0 * nth as f64, "start", colour, name);
    }
    chart.end()
}

/// What fits under a group of bars.
fn short(workload: Workload, words: &str) -> &str {
    match workload {
        Workload::Untouched => "no cookie",
        Workload::Unused => "unused",
        Workload::Read => "read",
        Workload::Write => "write",
        Workload::ReadLarge => "read 2 KB",
        Workload::WriteLarge => "write 2 KB",
        Workload::Create => words,
    }
}

fn lines(results: &Results, curve: &str, title: &str, axis: &str, log: bool) -> String {
    let Some(by_subject) = results.curves.get(curve) else { return String::new() };
    let points: Vec<(&str, Vec<(f64, f64)>)> = by_subject
        .iter()
        .map(|(subject, places)| {
            let point = |(at, blocks): (&u64, &Vec<f64>)| (*at as f64, mean(blocks).mean);
            (subject.as_str(), places.iter().map(point).collect())
        })
        .collect();
    let each = || points.iter().flat_map(|(_, points)| points);
    let mut chart = Chart::new(title, each().map(|(_, y)| *y).fold(1.0, f64::max));
    let (left, _, right, bottom) = MARGIN;
    let scale = |x: f64| if log { x.log10() } else { x };
    let first = each().map(|(x, _)| scale(*x)).fold(f64::INFINITY, f64::min);
    let last = each().map(|(x, _)| scale(*x)).fold(f64::NEG_INFINITY, f64::max);
    let x =
        |at: f64| left + (scale(at) - first) / (last - first).max(1e-9) * (WIDTH - left - right);
    let mut places: Vec<f64> = each().map(|(x, _)| *x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    for place in places {
        chart.text(x(place), HEIGHT - bottom + 16.0, "middle", "black", &format!("{place:.0}"));
    }
    chart.text((left + WIDTH - right) / 2.0, HEIGHT - 8.0, "middle", "#555", axis);
    let mut labels: Vec<(f64, &str)> = Vec::new();
    for (subject, points) in &points {
        let (colour, _) = style(subject);
        let path: Vec<String> =
            points.iter().map(|(at, y)| format!("{:.1},{:.1}", x(*at), chart.y(*y))).collect();
        writeln!(
            chart.svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        )
        .expect("a string takes text");
        labels.push((chart.y(points.last().map_or(0.0, |(_, y)| *y)), subject));
    }
    // Names stand at the ends of their lines, and not upon each other.
    labels.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut free = 0.0_f64;
    for (y, subject) in labels {
        let (colour, name) = style(subject);
        let y = y.max(free);
        free = y + 15.0;
        chart.text(WIDTH - right + 8.0, y + 4.0, "start", colour, name);
    }
    chart.end()
}
