//! Rows to parquet and back, a row group at a time.

use std::{
    marker::PhantomData,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use serde_arrow::schema::{SchemaLike, TracingOptions};

use crate::TableError;
use tables::Table;

/// Writes rows to a parquet file, one row group for each [`Writer::append`].
///
/// The file is complete only after [`Writer::finish`].
pub struct Writer<T: Table> {
    path: PathBuf,
    /// Opened at the first append, whose rows tell the lengths of the vectors.
    open: Option<Open>,
    rows: PhantomData<T>,
}

struct Open {
    fields: Vec<FieldRef>,
    vectors: Vec<(&'static str, usize)>,
    writer: ArrowWriter<fs_err::File>,
}

impl<T: Table> Writer<T> {
    /// A writer of `path`, which is created at the first append or at the end.
    pub fn create(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open: None,
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
        if self.open.is_none() {
            self.open = Some(Open::new::<T>(&self.path, first.vectors())?);
        }
        let open = self.open.as_mut().expect("opened above");
        open.check_lengths(&self.path, &rows)?;
        rows.sort_by(T::order);
        let batch = serde_arrow::to_record_batch(&open.fields, &rows)
            .map_err(|error| rows_error::<T>(&self.path, error))?;
        open.writer
            .write(&batch)
            .and_then(|()| open.writer.flush())
            .map_err(|source| parquet_error(&self.path, source))
    }

    /// Writes the file's footer; a table without rows becomes a file without row groups.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<(), TableError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => Open::new::<T>(&self.path, Vec::new())?,
        };
        open.writer
            .close()
            .map(drop)
            .map_err(|source| parquet_error(&self.path, source))
    }
}

impl Open {
    fn new<T: Table>(path: &Path, vectors: Vec<(&'static str, usize)>) -> Result<Self, TableError> {
        let fields = fields::<T>(path, &vectors)?;
        let schema = Arc::new(Schema::new(fields.clone()));
        let writer = ArrowWriter::try_new(fs_err::File::create(path)?, schema, Some(properties()))
            .map_err(|source| parquet_error(path, source))?;
        Ok(Self {
            fields,
            vectors,
            writer,
        })
    }

    fn check_lengths<T: Table>(&self, path: &Path, rows: &[T]) -> Result<(), TableError> {
        match rows.iter().find(|row| row.vectors() != self.vectors) {
            None => Ok(()),
            Some(row) => Err(TableError::Rows {
                path: path.to_owned(),
                table: T::NAME,
                reason: format!(
                    "the first row's vectors have lengths {:?}, another's {:?}",
                    self.vectors,
                    row.vectors()
                ),
            }),
        }
    }
}

/// Properties that are the same for every file: a library's version in a file would change bytes without changing data.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by("atelier".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build()
}

/// The columns of `T`, with vectors as lists of fixed size.
fn fields<T: Table>(
    path: &Path,
    vectors: &[(&'static str, usize)],
) -> Result<Vec<FieldRef>, TableError> {
    let options = TracingOptions::default()
        .strings_as_large_utf8(false)
        .sequence_as_large_list(false)
        .enums_without_data_as_strings(true);
    let mut fields = Vec::<FieldRef>::from_type::<T::Columns>(options)
        .map_err(|error| rows_error::<T>(path, error))?;
    for field in &mut fields {
        // An enum is traced as a dictionary. All readers of parquet have plain strings.
        if let DataType::Dictionary(_, text) = field.data_type() {
            *field = Arc::new(Field::new(
                field.name(),
                text.as_ref().clone(),
                field.is_nullable(),
            ));
        }
        let length = vectors.iter().find(|(name, _)| name == field.name());
        if let (DataType::List(item), Some((_, length))) = (field.data_type(), length) {
            let item = Arc::new(Field::new("item", item.data_type().clone(), false));
            let length = i32::try_from(*length).expect("a vector is shorter than 2^31");
            *field = Arc::new(Field::new(
                field.name(),
                DataType::FixedSizeList(item, length),
                field.is_nullable(),
            ));
        }
    }
    Ok(fields)
}

/// Reads the rows of a parquet file.
pub struct Reader<T: Table> {
    path: PathBuf,
    rows: PhantomData<T>,
}

impl<T: Table> Reader<T> {
    /// A reader of `path`, which is opened at the first read.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            rows: PhantomData,
        }
    }

    /// All rows, in the file's order.
    ///
    /// # Errors
    /// The file is missing, damaged, or has other columns.
    pub fn read(&self) -> Result<Vec<T>, TableError> {
        let mut rows = Vec::new();
        for batch in self.batches()? {
            rows.extend(batch?);
        }
        Ok(rows)
    }

    /// Rows by row group; each is from one [`Writer::append`].
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn batches(&self) -> Result<Batches<T>, TableError> {
        Ok(Batches {
            n_groups: self.open()?.metadata().num_row_groups(),
            reader: Self::new(&self.path),
            group: 0,
        })
    }

    #[expect(
        clippy::disallowed_types,
        reason = "parquet reads from the standard library's file; fs-err opened it"
    )]
    fn open(&self) -> Result<ParquetRecordBatchReaderBuilder<std::fs::File>, TableError> {
        let file = fs_err::File::open(&self.path)?.into_file();
        ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|source| parquet_error(&self.path, source))
    }

    fn group(&self, group: usize) -> Result<Vec<T>, TableError> {
        let builder = self.open()?;
        let n_rows = usize::try_from(builder.metadata().row_group(group).num_rows()).unwrap_or(0);
        let reader = builder
            .with_row_groups(vec![group])
            .with_batch_size(n_rows.max(1))
            .build()
            .map_err(|source| parquet_error(&self.path, source))?;
        self.rows_of(reader)
    }

    fn rows_of(&self, reader: ParquetRecordBatchReader) -> Result<Vec<T>, TableError> {
        let mut rows = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|error| self.columns_error(error))?;
            rows.extend(self.rows_of_batch(&batch)?);
        }
        Ok(rows)
    }

    fn rows_of_batch(&self, batch: &RecordBatch) -> Result<Vec<T>, TableError> {
        serde_arrow::from_record_batch(batch).map_err(|error| self.columns_error(error))
    }

    fn columns_error(&self, error: impl std::fmt::Display) -> TableError {
        TableError::Columns {
            path: self.path.clone(),
            table: T::NAME,
            reason: error.to_string(),
        }
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

fn rows_error<T: Table>(path: &Path, error: impl std::fmt::Display) -> TableError {
    TableError::Rows {
        path: path.to_owned(),
        table: T::NAME,
        reason: error.to_string(),
    }
}

fn parquet_error(path: &Path, source: parquet::errors::ParquetError) -> TableError {
    TableError::Parquet {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
