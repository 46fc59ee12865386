//! Conditions on experiments.

use std::cmp::Ordering;

use super::columns::{Column, Row, named, plain};
use crate::error::{Error, Result};

/// A condition: `test.f1>0.8`.
#[derive(Debug)]
pub struct Filter<'c> {
    column: &'c Column,
    operator: &'static str,
    value: String,
}

impl<'c> Filter<'c> {
    /// Reads a condition on one of the columns.
    ///
    /// # Errors
    /// It has no operator, or there is no such column.
    pub fn read(text: &str, columns: &'c [Column]) -> Result<Self> {
        // The longer ones first: `>=` begins with `>`.
        const OPERATORS: [&str; 7] = [">=", "<=", "==", "!=", ">", "<", "="];
        let at = text.find(['<', '>', '=', '!']);
        let split = at.and_then(|at| {
            let mut operators = OPERATORS.into_iter();
            let operator = operators.find(|operator| text[at..].starts_with(operator))?;
            Some((&text[..at], operator, &text[at + operator.len()..]))
        });
        let Some((column, operator, value)) = split else {
            return Err(Error::Filter(text.to_owned()));
        };
        Ok(Filter {
            column: named(column.trim(), columns)?,
            operator,
            value: value.trim().trim_matches(['"', '\'']).to_owned(),
        })
    }

    /// Returns whether the condition holds for a row. Without a value in the column, none does.
    #[must_use]
    pub fn is_true_of(&self, row: &Row) -> bool {
        let Some(value) = self.column.value(row) else {
            return false;
        };
        let order = match (value.as_f64(), self.value.parse::<f64>()) {
            (Some(value), Ok(bound)) => value.partial_cmp(&bound),
            _ => Some(plain(&value).as_str().cmp(&self.value)),
        };
        match self.operator {
            ">" => order == Some(Ordering::Greater),
            "<" => order == Some(Ordering::Less),
            ">=" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            "!=" => order != Some(Ordering::Equal),
            _ => order == Some(Ordering::Equal),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_by_size_and_texts_as_they_are() {
        let columns = [
            Column::Metric("score.test.f1".to_owned()),
            Column::Param("train.loss".to_owned()),
        ];
        let mut row = Row::default();
        row.metrics.insert("score.test.f1".to_owned(), 0.9);
        row.params.insert("train.loss".to_owned(), json!("arcface"));
        let is_true = |text: &str| Filter::read(text, &columns).unwrap().is_true_of(&row);
        assert!(is_true("f1>0.8") && is_true("test.f1 <= 0.90") && is_true("f1!=1"));
        assert!(!is_true("f1<0.10") && !is_true("f1==1"));
        assert!(is_true("loss=arcface") && is_true("train.loss=='arcface'"));
        assert!(
            !Filter::read("f1>0", &columns)
                .unwrap()
                .is_true_of(&Row::default())
        );
    }

    #[test]
    fn a_condition_needs_an_operator_and_a_column() {
        let error = Filter::read("f1", &[]).unwrap_err().to_string();
        assert!(error.contains("cannot read `--filter f1`"), "{error}");
        let error = Filter::read("f1>0", &[]).unwrap_err().to_string();
        assert!(error.contains("there is no column `f1`"), "{error}");
    }
}
