//! Inputs of a stage.

use std::{
    marker::PhantomData,
    ops::Deref,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};
use table_io::Reader;
use tables::Table;

/// A table that the stage reads.
#[derive(Debug)]
pub struct Input<T: Table> {
    path: PathBuf,
    rows: PhantomData<T>,
}

impl<T: Table> Input<T> {
    /// All rows, in the order of [`Table::order`].
    ///
    /// # Errors
    /// The file is missing, damaged, or another table.
    pub fn read(&self) -> anyhow::Result<Vec<T>> {
        Ok(Reader::new(&self.path).read()?)
    }

    /// The rows as they were appended, one group in memory at a time.
    ///
    /// # Errors
    /// The file is missing or damaged; each item fails as [`Input::read`] does.
    pub fn batches(&self) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Vec<T>>>> {
        let batches = Reader::new(&self.path).batches()?;
        Ok(batches.map(|batch| Ok(batch?)))
    }
}

impl<'de, T: Table> Deserialize<'de> for Input<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            path: PathBuf::deserialize(deserializer)?,
            rows: PhantomData,
        })
    }
}

/// A file or folder that the stage reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct InputPath(PathBuf);

impl Deref for InputPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}
