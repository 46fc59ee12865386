//! A comparison as text.

use std::fmt::Write as _;

use metrics::text::signed;

use crate::{Document, MetricDocument};

/// A block for each subset, with a line for each metric.
pub(crate) fn of(document: &Document) -> String {
    let (a, b) = (&document.a, &document.b);
    let mut text =
        format!("{b} less {a}, paired by image, with 95 % intervals by author within classes\n");
    if document.left_out > 0 {
        let _ = writeln!(
            text,
            "{} images that only one of them has are left out",
            document.left_out
        );
    }
    let width = a.len().max(b.len()).max(7);
    for subset in &document.subsets {
        let _ = write!(
            text,
            "\n{}: {} images, {} authors",
            subset.subset, subset.images, subset.authors
        );
        if subset.single_author_classes > 0 {
            let _ = write!(
                text,
                "; classes with a single author: {}",
                subset.single_author_classes
            );
        }
        let _ = writeln!(
            text,
            "\n{:10}  {a:>width$}  {b:>width$}  difference",
            "metric"
        );
        for metric in &subset.metrics {
            let _ = writeln!(
                text,
                "{:10}  {:>width$.3}  {:>width$.3}  {}",
                metric.metric,
                metric.a,
                metric.b,
                difference(metric)
            );
        }
    }
    text
}

fn difference(metric: &MetricDocument) -> String {
    let value = signed(metric.difference);
    match (metric.low, metric.high, metric.significant) {
        (Some(low), Some(high), Some(significant)) => {
            let verdict = if significant { "" } else { "  not significant" };
            format!("{value} ({} to {}){verdict}", signed(low), signed(high))
        }
        _ => format!("{value} (no interval)"),
    }
}

#[cfg(test)]
mod tests {
    use tables::Subset;

    use super::*;
    use crate::SubsetDocument;

    #[test]
    fn differences_stand_with_their_verdict() {
        let metric = |difference: f64, low, significant| MetricDocument {
            metric: "top1",
            a: 0.75,
            b: 0.75 + difference,
            difference,
            low,
            high: low.map(|low| low + 0.2),
            significant,
        };
        let document = Document {
            a: "wide".to_owned(),
            b: "deep".to_owned(),
            left_out: 0,
            subsets: vec![SubsetDocument {
                subset: Subset::Validation,
                images: 76,
                authors: 20,
                single_author_classes: 1,
                metrics: vec![
                    metric(0.125, Some(0.02), Some(true)),
                    metric(0.0, Some(-0.1), Some(false)),
                    metric(-0.0001, None, None),
                ],
            }],
        };
        let expected = "deep less wide, paired by image, with 95 % intervals by author within classes\n\
            \n\
            validation: 76 images, 20 authors; classes with a single author: 1\n\
            metric         wide     deep  difference\n\
            top1          0.750    0.875  +0.125 (+0.020 to +0.220)\n\
            top1          0.750    0.750  0.000 (-0.100 to +0.100)  not significant\n\
            top1          0.750    0.750  0.000 (no interval)\n";
        assert_eq!(of(&document), expected);
    }
}
