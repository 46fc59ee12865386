//! A table of any columns, and its differences from another.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cell::Cell;
use crate::mapping::Mapping;

/// All cells of a table, by column.
#[derive(Debug)]
pub(crate) struct Table {
    columns: BTreeMap<String, Vec<Cell>>,
    n_rows: usize,
}

impl Table {
    /// Reads a parquet file.
    #[expect(
        clippy::disallowed_types,
        reason = "parquet reads from the standard library's file; fs-err opened it"
    )]
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let file: std::fs::File = fs_err::File::open(path)?.into_file();
        let name = || format!("`{}`", path.display());
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).with_context(name)?;
        let fields = builder.schema().fields().iter();
        let mut columns: BTreeMap<String, Vec<Cell>> = fields
            .map(|field| (field.name().clone(), Vec::new()))
            .collect();
        let mut n_rows = 0;
        for batch in builder.build().with_context(name)? {
            let batch = batch.with_context(name)?;
            let rows: Vec<BTreeMap<String, Cell>> =
                serde_arrow::from_record_batch(&batch).with_context(name)?;
            n_rows += rows.len();
            for (column, cell) in rows.into_iter().flatten() {
                columns.entry(column).or_default().push(cell);
            }
        }
        Ok(Self { columns, n_rows })
    }

    /// Gives columns and values of the table that is at `path` their new names.
    pub(crate) fn rename(&mut self, path: &str, mapping: &Mapping) -> anyhow::Result<()> {
        let mut renamed = BTreeMap::new();
        for (column, mut cells) in std::mem::take(&mut self.columns) {
            if let Some(names) = mapping.values(path, &column) {
                for cell in &mut cells {
                    if let Cell::Text(text) = cell
                        && let Some(name) = names.get(text)
                    {
                        text.clone_from(name);
                    }
                }
            }
            let name = mapping.column(path, &column).to_owned();
            ensure!(
                renamed.insert(name.clone(), cells).is_none(),
                "`{path}` has two columns that become `{name}`"
            );
        }
        self.columns = renamed;
        Ok(())
    }

    /// A line for each column that one of the tables lacks, for the number of rows, or for the first cell of a column
    /// that differs.
    pub(crate) fn differences(mut self, mut other: Self) -> Vec<String> {
        let missing = { self.columns.keys() }.filter(|name| !other.columns.contains_key(*name));
        let added = { other.columns.keys() }.filter(|name| !self.columns.contains_key(*name));
        let mut differences: Vec<String> = missing
            .map(|name| format!("missing column `{name}`"))
            .chain(added.map(|name| format!("additional column `{name}`")))
            .collect();
        if self.n_rows != other.n_rows {
            differences.push(format!("{} rows, {} before", other.n_rows, self.n_rows));
            return differences;
        }
        let keys: Vec<String> = { self.columns.iter() }
            .filter(|(name, cells)| {
                other.columns.contains_key(*name) && cells.iter().all(Cell::is_key)
            })
            .map(|(name, _)| name.clone())
            .collect();
        let is_number = |cells: &[Cell]| !cells.iter().any(|cell| matches!(cell, Cell::List(_)));
        let numbers = { self.columns.iter() }
            .filter(|(name, cells)| !keys.contains(name) && is_number(cells))
            .filter(|(name, _)| { other.columns.get(*name) }.is_some_and(|cells| is_number(cells)))
            .map(|(name, _)| name.clone());
        let order: Vec<String> = keys.iter().cloned().chain(numbers).collect();
        self.sort(&order);
        other.sort(&order);
        for (name, before) in &self.columns {
            let Some(after) = other.columns.get(name) else {
                continue;
            };
            let mut cells = before.iter().zip(after).enumerate();
            if let Some((row, (before, after))) = cells.find(|(_, (before, after))| before != after)
            {
                let key = keys
                    .iter()
                    .map(|key| format!("{key} {}", self.columns[key][row]));
                let key = key.collect::<Vec<_>>().join(", ");
                let n = n_different(&self.columns[name], &other.columns[name]);
                differences.push(format!(
                    "column `{name}`: {after}, {before} before, at {key} ({n} of {} cells differ)",
                    self.n_rows
                ));
            }
        }
        differences
    }

    /// Sorts the rows by the columns `keys`, the first of them first; rows with equal ones stay in their order.
    fn sort(&mut self, keys: &[String]) {
        let mut order: Vec<usize> = (0..self.n_rows).collect();
        order.sort_by(|&a, &b| {
            let mut columns = keys.iter().map(|key| &self.columns[key]);
            columns
                .find_map(|cells| Some(cells[a].cmp(&cells[b])).filter(|order| order.is_ne()))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        for cells in self.columns.values_mut() {
            let mut sorted: Vec<Cell> = order
                .iter()
                .map(|&row| std::mem::replace(&mut cells[row], Cell::Null))
                .collect();
            std::mem::swap(cells, &mut sorted);
        }
    }
}

/// The number of cells that differ.
fn n_different(before: &[Cell], after: &[Cell]) -> usize {
    before.iter().zip(after).filter(|(a, b)| a != b).count()
}
