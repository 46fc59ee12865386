//! Record batches to parquet and back. Nothing here depends on a row type: it is compiled once.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};

use crate::TableError;

/// Rows that are converted at a time, so that a table is in memory as rows and encoded, and not as columns of Arrow
/// besides.
pub(crate) const ROWS: usize = 8 * 1024;

/// Writes record batches to a parquet file.
pub(crate) struct Writer {
    path: PathBuf,
    table: &'static str,
    fields: Vec<FieldRef>,
    vectors: Vec<(&'static str, usize)>,
    writer: ArrowWriter<fs_err::File>,
}

impl Writer {
    /// A writer of the table `table`, whose vector columns have the lengths `vectors`.
    ///
    /// # Errors
    /// The row type has no columns, or the file cannot be created.
    pub(crate) fn create(
        path: &Path,
        table: &'static str,
        fields: serde_arrow::Result<Vec<FieldRef>>,
        vectors: Vec<(&'static str, usize)>,
    ) -> Result<Self, TableError> {
        let mut fields = fields.map_err(|error| rows_error(path, table, error))?;
        for field in &mut fields {
            *field = plain(field, &vectors);
        }
        let schema = Arc::new(Schema::new(fields.clone()));
        let writer = ArrowWriter::try_new(fs_err::File::create(path)?, schema, Some(properties()))
            .map_err(|source| parquet_error(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            table,
            fields,
            vectors,
            writer,
        })
    }

    /// The columns.
    pub(crate) fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    /// An error unless a row's vectors have the file's lengths.
    pub(crate) fn check_lengths(
        &self,
        vectors: Vec<(&'static str, usize)>,
    ) -> Result<(), TableError> {
        if vectors == self.vectors {
            return Ok(());
        }
        Err(self.rows_error(format!(
            "the first row's vectors have lengths {:?}, another's {vectors:?}",
            self.vectors
        )))
    }

    /// Writes rows of the current row group.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let written = self.writer.write(batch);
        written.map_err(|source| parquet_error(&self.path, source))
    }

    /// Ends the current row group.
    pub(crate) fn end_group(&mut self) -> Result<(), TableError> {
        let flushed = self.writer.flush();
        flushed.map_err(|source| parquet_error(&self.path, source))
    }

    /// Writes the footer.
    pub(crate) fn finish(self) -> Result<(), TableError> {
        self.writer
            .close()
            .map(drop)
            .map_err(|source| parquet_error(&self.path, source))
    }

    /// An error about rows that don't fit the columns.
    pub(crate) fn rows_error(&self, reason: impl Display) -> TableError {
        rows_error(&self.path, self.table, reason)
    }
}

/// A column of plain strings for a dictionary, which an enum is traced as, since all readers of parquet have those; a list
/// of fixed size for a vector.
fn plain(field: &FieldRef, vectors: &[(&'static str, usize)]) -> FieldRef {
    let length = vectors.iter().find(|(name, _)| name == field.name());
    let data_type = match (field.data_type(), length) {
        (DataType::Dictionary(_, text), _) => text.as_ref().clone(),
        (DataType::List(item), Some((_, length))) => {
            let item = Arc::new(Field::new("item", item.data_type().clone(), false));
            let length = i32::try_from(*length).expect("a vector is shorter than 2^31");
            DataType::FixedSizeList(item, length)
        }
        _ => return Arc::clone(field),
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
}

/// Properties that are the same for every file: a library's version in a file would change bytes without changing data.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by("atelier".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build()
}

/// Reads the row groups of a parquet file.
#[derive(Clone)]
pub(crate) struct Reader {
    path: PathBuf,
    table: &'static str,
}

impl Reader {
    /// A reader of `path`, which is opened at each read.
    pub(crate) fn new(path: &Path, table: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            table,
        }
    }

    /// Number of row groups.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub(crate) fn n_groups(&self) -> Result<usize, TableError> {
        Ok(self.open()?.metadata().num_row_groups())
    }

    /// The rows of a group, read lazily.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub(crate) fn group(
        &self,
        group: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, TableError>>, TableError> {
        let batches = self
            .open()?
            .with_row_groups(vec![group])
            .with_batch_size(ROWS)
            .build()
            .map_err(|source| parquet_error(&self.path, source))?;
        Ok(batches.map(|batch| batch.map_err(|error| self.columns_error(error))))
    }

    /// The file and its metadata.
    ///
    /// # Errors
    /// The file is missing or damaged.
    #[expect(
        clippy::disallowed_types,
        reason = "parquet reads from the standard library's file; fs-err opened it"
    )]
    pub(crate) fn open(
        &self,
    ) -> Result<ParquetRecordBatchReaderBuilder<std::fs::File>, TableError> {
        let file = fs_err::File::open(&self.path)?.into_file();
        ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|source| parquet_error(&self.path, source))
    }

    /// An error about columns that aren't the table's.
    pub(crate) fn columns_error(&self, reason: impl Display) -> TableError {
        TableError::Columns {
            path: self.path.clone(),
            table: self.table,
            reason: reason.to_string(),
        }
    }
}

fn rows_error(path: &Path, table: &'static str, reason: impl Display) -> TableError {
    TableError::Rows {
        path: path.to_owned(),
        table,
        reason: reason.to_string(),
    }
}

fn parquet_error(path: &Path, source: ParquetError) -> TableError {
    TableError::Parquet {
        path: path.to_owned(),
        source,
    }
}
