//! The figures as tables.

use crate::{
    Options,
    contenders::Contender,
    measure::{Measured, Results, Row},
};
use std::fmt::Write;

/// The median of what there is, if there is anything.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    match values.len() % 2 {
        0 => Some((upper + values.get(values.len() / 2 - 1)?) / 2.0),
        _ => Some(upper),
    }
}

/// The median of the ratios to the bare program, each within its round.
pub fn ratio(rows: &[Row], row: &Row, what: impl Fn(&Measured) -> f64) -> Option<f64> {
    let bare = rows.iter().find(|row| row.contender == Contender::Bare)?;
    let pairs = row.rounds.iter().zip(&bare.rounds);
    median(pairs.filter_map(|(own, bare)| Some(what(own.as_ref()?) / what(bare.as_ref()?))))
}

/// A ratio with as many digits as say something.
pub fn short(ratio: f64) -> String {
    match ratio {
        ..0.01 => format!("{ratio:.4}"),
        ..0.1 => format!("{ratio:.3}"),
        ..10.0 => format!("{ratio:.2}"),
        _ => format!("{ratio:.0}"),
    }
}

pub fn tables(options: &Options, results: &Results) -> String {
    let mut out = String::new();
    let cores = match options.one_core {
        true => "one core for both processes",
        false => "each process where the system puts it",
    };
    let _ = writeln!(
        out,
        "Medians of {} rounds of {} s; {cores}. In brackets the ratio to bare tokio in the same round.\n",
        options.rounds, options.seconds
    );
    table(&mut out, "calls/s", results, |measured| measured.rate, 0);
    out.push('\n');
    table(&mut out, "CPU µs/call, both processes", results, |measured| measured.cpu, 1);
    out
}

fn table(
    out: &mut String,
    title: &str,
    results: &Results,
    what: impl Fn(&Measured) -> f64 + Copy,
    digits: usize,
) {
    let shown = |contender: Contender| {
        results.iter().flat_map(|(_, rows)| rows).any(|row| row.contender == contender)
    };
    let contenders: Vec<_> = Contender::ALL.into_iter().filter(|each| shown(*each)).collect();
    let _ = write!(out, "| {title} |");
    contenders.iter().for_each(|contender| _ = write!(out, " {} |", contender.title()));
    let _ = write!(out, "\n|---|");
    contenders.iter().for_each(|_| out.push_str("--:|"));
    for (workload, rows) in results {
        let _ = write!(out, "\n| {} |", workload.title());
        for contender in &contenders {
            let row = rows.iter().find(|row| row.contender == *contender);
            let value = row.and_then(|row| median(row.rounds.iter().flatten().map(what)));
            let ratio = row.and_then(|row| ratio(rows, row, what));
            let _ = match (row, value, ratio) {
                (None, ..) => write!(out, " – |"),
                (_, Some(value), Some(_)) if *contender == Contender::Bare => {
                    write!(out, " {value:.digits$} |")
                }
                (_, Some(value), Some(ratio)) => {
                    write!(out, " {value:.digits$} ({}) |", short(ratio))
                }
                (_, Some(value), None) => write!(out, " {value:.digits$} |"),
                (Some(_), None, _) => write!(out, " failed |"),
            };
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    fn results() -> Results {
        let row = |contender, rates: &[f64]| Row {
            contender,
            rounds: rates
                .iter()
                .map(|rate| Some(Measured { rate: *rate, cpu: 1e6 / rate }))
                .collect(),
        };
        let rows = vec![
            row(Contender::Bare, &[100.0, 200.0, 400.0]),
            row(Contender::Native, &[90.0, 100.0, 300.0]),
            Row { contender: Contender::Tarpc, rounds: vec![None; 3] },
        ];
        vec![(Workload::Sequential, rows)]
    }

    #[test]
    fn the_middle_one_counts() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn ratios_are_those_within_a_round() {
        let results = results();
        let (_, rows) = &results[0];
        // 0.9, 0.5 and 0.75, although the medians are 200 and 100.
        assert_eq!(ratio(rows, &rows[1], |measured| measured.rate), Some(0.75));
        assert_eq!(ratio(rows, &rows[2], |measured| measured.rate), None);
    }

    #[test]
    fn a_table_says_who_failed() {
        let options = Options { workloads: Vec::new(), seconds: 0.7, rounds: 3, one_core: false };
        let tables = tables(&options, &results());
        let row = "| one call after the other | 200 | 100 (0.75) | failed |";
        assert!(tables.lines().any(|line| line == row), "{tables}");
        let svg = crate::plot::svg(&options, &results());
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("0.75") && svg.contains("failed"), "{svg}");
    }
}
