//! Conditions on experiments.

use std::cmp::Ordering;

use anyhow::Context;

use super::columns::{Column, Row, named, plain};

/// What must be true of an experiment: `test.f1>0.8`.
pub(super) struct Filter<'c> {
    column: &'c Column,
    operator: &'static str,
    value: String,
}

impl<'c> Filter<'c> {
    pub(super) fn read(text: &str, columns: &'c [Column]) -> anyhow::Result<Self> {
        // The longer ones first: `>=` begins with `>`.
        const OPERATORS: [&str; 7] = [">=", "<=", "==", "!=", ">", "<", "="];
        let at = text.find(['<', '>', '=', '!']);
        let split = at.and_then(|at| {
            let mut operators = OPERATORS.into_iter();
            let operator = operators.find(|operator| text[at..].starts_with(operator))?;
            Some((&text[..at], operator, &text[at + operator.len()..]))
        });
        let (column, operator, value) = split.with_context(|| {
            format!("cannot read `--filter {text}`: expected a column, one of `>`, `>=`, `<`, `<=`, `==` and `!=`, and a value")
        })?;
        Ok(Filter {
            column: named(column.trim(), columns)?,
            operator,
            value: value.trim().trim_matches(['"', '\'']).to_owned(),
        })
    }

    /// Of what has no value, nothing is true.
    pub(super) fn is_true_of(&self, row: &Row) -> bool {
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
