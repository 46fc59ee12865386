//! Rows to parquet and back, a row group at a time.

use std::{
    marker::PhantomData,
    path::{Path, PathBuf},
};

use tables::Table;

use crate::{TableError, batches};

/// Writes rows to a parquet file, one row group for each [`Writer::append`].
///
/// The file is complete only after [`Writer::finish`].
pub struct Writer<T: Table> {
    /// Opened at the first append, whose rows tell the lengths of the vectors.
    open: Option<batches::Writer>,
    path: PathBuf,
    rows: PhantomData<T>,
}

impl<T: Table> Writer<T> {
    /// A writer of `path`, which is created at the first append or at the end.
    pub fn create(path: &Path) -> Self {
        Self {
            open: None,
            path: path.to_owned(),
            rows: PhantomData,
        }
    }

    /// Sorts `rows` and writes them as one row group.
    ///
    /// # Errors
    /// The file cannot be written, or a row's vectors differ in length from the first row's.
    pub fn append(&mut self, mut rows: Vec<T>) -> Result<(), TableError> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let writer = match &mut self.open {
            Some(writer) => writer,
            None => self.open.insert(open::<T>(&self.path, first.vectors())?),
        };
        for row in &rows {
            writer.check_lengths(row.vectors())?;
        }
        T::sort(&mut rows);
        for rows in rows.chunks(batches::ROWS) {
            let batch = T::to_batch(rows, writer.fields());
            writer.append(&batch.map_err(|error| writer.rows_error(error))?)?;
        }
        writer.end_group()
    }

    /// Writes the file's footer; a table without rows becomes a file without row groups.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<(), TableError> {
        match self.open {
            Some(writer) => writer.finish(),
            None => open::<T>(&self.path, Vec::new())?.finish(),
        }
    }
}

fn open<T: Table>(
    path: &Path,
    vectors: Vec<(&'static str, usize)>,
) -> Result<batches::Writer, TableError> {
    batches::Writer::create(path, T::NAME, T::fields(), vectors)
}

/// Reads the rows of a parquet file.
pub struct Reader<T: Table> {
    batches: batches::Reader,
    rows: PhantomData<T>,
}

impl<T: Table> Reader<T> {
    /// A reader of `path`, which is opened at the first read.
    pub fn new(path: &Path) -> Self {
        Self {
            batches: batches::Reader::new(path, T::NAME),
            rows: PhantomData,
        }
    }

    /// All rows, in the file's order.
    ///
    /// # Errors
    /// The file is missing, damaged, or has other columns.
    pub fn read(&self) -> Result<Vec<T>, TableError> {
        let mut rows = Vec::new();
        for group in 0..self.batches.n_groups()? {
            rows.append(&mut self.group(group)?);
        }
        Ok(rows)
    }

    /// Rows by row group; each is from one [`Writer::append`].
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn batches(&self) -> Result<Batches<T>, TableError> {
        Ok(Batches {
            n_groups: self.batches.n_groups()?,
            reader: Self {
                batches: self.batches.clone(),
                rows: PhantomData,
            },
            group: 0,
        })
    }

    fn group(&self, group: usize) -> Result<Vec<T>, TableError> {
        let mut rows = Vec::new();
        for batch in self.batches.group(group)? {
            let batch =
                T::from_batch(&batch?).map_err(|error| self.batches.columns_error(error))?;
            rows.extend(batch);
        }
        Ok(rows)
    }
}

/// Iterates over a file's row groups; memory holds one at a time.
pub struct Batches<T: Table> {
    reader: Reader<T>,
    n_groups: usize,
    group: usize,
}

impl<T: Table> Iterator for Batches<T> {
    type Item = Result<Vec<T>, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.group;
        self.group += 1;
        (group < self.n_groups).then(|| self.reader.group(group))
    }
}

#[cfg(test)]
mod tests;
