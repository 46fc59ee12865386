//! Outputs of a stage.

use std::{
    marker::PhantomData,
    ops::Deref,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};
use table_io::Writer;
use tables::Table;

/// A table that the stage writes.
#[derive(Debug)]
pub struct Output<T: Table> {
    path: PathBuf,
    rows: PhantomData<T>,
}

impl<T: Table> Output<T> {
    /// Sorts the rows and writes the table.
    ///
    /// # Errors
    /// The file cannot be written, or vectors in one column differ in length.
    pub fn write(self, rows: Vec<T>) -> anyhow::Result<()> {
        let mut writer = self.writer();
        writer.append(rows)?;
        writer.finish()
    }

    /// A writer for a table that is made piece by piece.
    #[must_use]
    pub fn writer(self) -> TableWriter<T> {
        TableWriter(Writer::create(&self.path))
    }
}

impl<'de, T: Table> Deserialize<'de> for Output<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            path: PathBuf::deserialize(deserializer)?,
            rows: PhantomData,
        })
    }
}

/// Writes a table piece by piece; it is complete only after [`TableWriter::finish`].
pub struct TableWriter<T: Table>(Writer<T>);

impl<T: Table> TableWriter<T> {
    /// Sorts `rows` and appends them as one group. The caller appends groups in the table's order.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn append(&mut self, rows: Vec<T>) -> anyhow::Result<()> {
        Ok(self.0.append(rows)?)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> anyhow::Result<()> {
        Ok(self.0.finish()?)
    }
}

/// A file or folder that the stage writes. It doesn't exist yet; its parent does.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct OutputPath(PathBuf);

impl Deref for OutputPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}
