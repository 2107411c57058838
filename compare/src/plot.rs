//! The figures as a picture: how fast each contender is beside the bare program.

use crate::{
    Options,
    contenders::Contender,
    measure::Results,
    report::{median, ratio, short},
};
use std::fmt::Write;

const LEFT: f64 = 190.0;
const WIDTH: f64 = 560.0;
const BAR: f64 = 15.0;
const GAP: f64 = 18.0;
const TOP: f64 = 74.0;

/// Each workload is a group of bars, of which the longest possible is `most` times the bare program.
pub fn svg(options: &Options, results: &Results) -> String {
    let ratios = results.iter().flat_map(|(_, rows)| {
        rows.iter().filter_map(|row| ratio(rows, row, |measured| measured.rate))
    });
    let most = ratios.fold(1.0, f64::max) * 1.05;
    let bars: usize = results.iter().map(|(_, rows)| rows.len()).sum();
    let height = TOP + bars as f64 * BAR + results.len() as f64 * GAP + 36.0;
    let width = LEFT + WIDTH + 130.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"white\"/>\n<text x=\"12\" y=\"24\" font-size=\"16\">Calls a second, beside a bare tokio \
         program</text>\n<text x=\"12\" y=\"42\" fill=\"#666\">medians of {} rounds; longer is \
         better</text>\n",
        options.rounds
    );
    legend(&mut out, results);
    axis(&mut out, most, height);
    let mut y = TOP;
    for (workload, rows) in results {
        let middle = y + rows.len() as f64 * BAR / 2.0 + 4.0;
        text(&mut out, LEFT - 10.0, middle, "end", workload.title());
        for row in rows {
            let rate = median(row.rounds.iter().flatten().map(|measured| measured.rate));
            match (ratio(rows, row, |measured| measured.rate), rate) {
                (Some(ratio), Some(rate)) => {
                    let length = ratio / most * WIDTH;
                    let colour = row.contender.colour();
                    let _ = writeln!(
                        out,
                        "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{:.1}\" \
                         fill=\"{colour}\"/>",
                        BAR - 3.0
                    );
                    let label = format!("{} ({rate:.0}/s)", short(ratio));
                    text(&mut out, LEFT + length + 5.0, y + 10.0, "start", &label);
                }
                _ => text(&mut out, LEFT + 5.0, y + 10.0, "start", "failed"),
            }
            y += BAR;
        }
        y += GAP;
    }
    out.push_str("</svg>\n");
    out
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        text.replace('&', "&amp;").replace('<', "&lt;")
    );
}

fn legend(out: &mut String, results: &Results) {
    let shown = |contender: Contender| {
        results.iter().flat_map(|(_, rows)| rows).any(|row| row.contender == contender)
    };
    let mut x = LEFT;
    for contender in Contender::ALL.into_iter().filter(|contender| shown(*contender)) {
        let colour = contender.colour();
        let _ = writeln!(
            out,
            "<rect x=\"{x:.0}\" y=\"50\" width=\"11\" height=\"11\" fill=\"{colour}\"/>"
        );
        text(out, x + 16.0, 60.0, "start", contender.title());
        x += 34.0 + 7.0 * contender.title().chars().count() as f64;
    }
}

/// Where a contender is as fast as the bare program, and half as fast.
fn axis(out: &mut String, most: f64, height: f64) {
    let mut at = 0.0;
    while at <= most {
        let (x, end) = (LEFT + at / most * WIDTH, height - 26.0);
        let colour = if at == 1.0 { "#444" } else { "#ddd" };
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{end:.1}\" stroke=\"{colour}\"/>",
            TOP - 6.0
        );
        text(out, x, end + 16.0, "middle", &format!("{at:.2}"));
        at += 0.25;
    }
}
