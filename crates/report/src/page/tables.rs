//! Tables of the sections: declared by the sections that read them, each read once.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::rc::Rc;

use table_io::{Reader, TableError};
use tables::Table;

use crate::ReportError;

/// Input that a section reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Name of the stage's input.
    pub(crate) name: &'static str,
    /// Files of the input, and rows that are read from them.
    pub(crate) reading: Reading,
}

/// Files of an input, and rows that are read from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// All rows of one file.
    Whole,
    /// All rows of several files, sorted as the rows of one.
    Several,
    /// The last group of rows of one file.
    LastGroup,
}

impl Reading {
    fn read<T: Table>(self, files: &[PathBuf]) -> Result<Vec<T>, TableError> {
        let mut rows = Vec::new();
        for file in files {
            match self {
                Self::Whole | Self::Several => rows.extend(Reader::new(file).read()?),
                Self::LastGroup => {
                    for group in Reader::new(file).batches()? {
                        rows = group?;
                    }
                }
            }
        }
        if self == Self::Several {
            rows.sort_by(T::order);
        }
        Ok(rows)
    }
}

/// Struct of tables; implemented by [`reads!`].
pub(crate) trait Reads: Sized {
    /// Inputs of the fields.
    const INPUTS: &'static [Declared];

    /// Reads all fields.
    ///
    /// # Errors
    /// A file cannot be read, or a table lacks a row that the section needs.
    fn read(tables: &Tables) -> Result<Self, ReportError>;
}

/// Field of a struct of tables: the rows of the input that has the field's name.
pub(crate) trait Field: Sized {
    /// Row of the table.
    type Row: Table + 'static;

    /// Files and rows of the input.
    const READING: Reading;

    /// The field with the rows of the input `name`.
    ///
    /// # Errors
    /// A row that the section needs is missing.
    fn of(name: &'static str, rows: Rows<Self::Row>) -> Result<Self, ReportError>;
}

/// Declares a section's tables: a struct each of whose fields is the input of the stage that has the field's name.
macro_rules! reads {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident {
        $($field:ident: $type:ty,)*
    }) => {
        $(#[$attribute])*
        $visibility struct $name {
            $($field: $type,)*
        }

        impl $crate::page::tables::Reads for $name {
            const INPUTS: &'static [$crate::page::tables::Declared] = &[$(
                $crate::page::tables::Declared {
                    name: stringify!($field),
                    reading: <$type as $crate::page::tables::Field>::READING,
                },
            )*];

            fn read(tables: &$crate::page::tables::Tables) -> Result<Self, $crate::ReportError> {
                Ok(Self { $($field: tables.field(stringify!($field))?,)* })
            }
        }
    };
}

pub(crate) use reads;

/// Tables by the names of the stage's inputs; each is read once, when a section first asks for it.
#[derive(Debug, Default)]
pub struct Tables {
    files: BTreeMap<&'static str, Vec<PathBuf>>,
    /// `Rc<Vec<Row>>` of each input that was read.
    read: RefCell<BTreeMap<&'static str, Rc<dyn Any>>>,
}

impl Tables {
    /// Tables in `files`, by input.
    pub(crate) fn new(files: BTreeMap<&'static str, Vec<PathBuf>>) -> Self {
        let read = RefCell::default();
        Self { files, read }
    }

    /// The input `name`; without a file it has no rows.
    ///
    /// # Errors
    /// A file cannot be read, or a row that the field needs is missing.
    pub(crate) fn field<F: Field>(&self, name: &'static str) -> Result<F, ReportError> {
        let known = self.read.borrow().get(name).cloned();
        let rows = match known {
            Some(rows) => rows,
            None => self.read_files::<F>(name)?,
        };
        let rows = rows.downcast::<Vec<F::Row>>();
        F::of(name, Rows(rows.expect("an input has one type of row")))
    }

    fn read_files<F: Field>(&self, name: &'static str) -> Result<Rc<dyn Any>, ReportError> {
        let files = self.files.get(name).map_or(&[][..], Vec::as_slice);
        let rows: Rc<dyn Any> = Rc::new(F::READING.read::<F::Row>(files)?);
        self.read.borrow_mut().insert(name, Rc::clone(&rows));
        Ok(rows)
    }
}

/// All rows of an input with one file.
#[derive(Debug)]
pub(crate) struct Rows<T>(Rc<Vec<T>>);

impl<T> Deref for Rows<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Table + 'static> Field for Rows<T> {
    type Row = T;

    const READING: Reading = Reading::Whole;

    fn of(_: &'static str, rows: Self) -> Result<Self, ReportError> {
        Ok(rows)
    }
}

/// All rows of an input with several files.
pub(crate) struct Several<T>(Rows<T>);

impl<T> Deref for Several<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Table + 'static> Field for Several<T> {
    type Row = T;

    const READING: Reading = Reading::Several;

    fn of(_: &'static str, rows: Rows<T>) -> Result<Self, ReportError> {
        Ok(Self(rows))
    }
}

/// The last group of rows of an input: the last epoch, where a group is an epoch.
pub(crate) struct LastGroup<T>(Rows<T>);

impl<T> Deref for LastGroup<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Table + 'static> Field for LastGroup<T> {
    type Row = T;

    const READING: Reading = Reading::LastGroup;

    fn of(_: &'static str, rows: Rows<T>) -> Result<Self, ReportError> {
        Ok(Self(rows))
    }
}

/// The first row of an input, which has at least one.
pub(crate) struct One<T>(T);

impl<T> Deref for One<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Table + Clone + 'static> Field for One<T> {
    type Row = T;

    const READING: Reading = Reading::Whole;

    fn of(name: &'static str, rows: Rows<T>) -> Result<Self, ReportError> {
        let row = rows.first().cloned();
        row.map(Self).ok_or(ReportError::NoRow(name))
    }
}

#[cfg(test)]
impl Tables {
    /// Puts `rows` in the place of the input `name`.
    pub(crate) fn insert<T: 'static>(&mut self, name: &'static str, rows: Vec<T>) {
        self.read.get_mut().insert(name, Rc::new(rows));
    }

    /// Edits the rows of the input `name`.
    pub(crate) fn edit<T: Clone + 'static>(
        &mut self,
        name: &'static str,
        edit: impl FnOnce(&mut Vec<T>),
    ) {
        let rows = self.read.get_mut().remove(name).unwrap();
        let mut rows = Rc::unwrap_or_clone(rows.downcast::<Vec<T>>().unwrap());
        edit(&mut rows);
        self.insert(name, rows);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use table_history::History;
    use table_io::Writer;

    use super::*;

    reads! {
        struct Histories {
            whole: Rows<History>,
            several: Several<History>,
            last: LastGroup<History>,
            absent: Rows<History>,
        }
    }

    fn history(fold: u32, epoch: u32) -> History {
        History {
            fold,
            epoch,
            learning_rate: 1e-4,
            train_loss: 1.0,
            validation_loss: 1.0,
            test_loss: None,
            score: 0.5,
            best: false,
        }
    }

    fn write(path: &Path, groups: &[&[History]]) {
        let mut writer = Writer::create(path);
        for group in groups {
            writer.append(group.to_vec()).unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn inputs_are_read_as_their_fields_say() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [0, 1].map(|fold| folder.path().join(format!("{fold}.parquet")));
        write(&paths[0], &[&[history(0, 0)], &[history(0, 1)]]);
        write(&paths[1], &[&[history(1, 0)]]);
        let files = [
            ("whole", vec![paths[0].clone()]),
            ("several", vec![paths[1].clone(), paths[0].clone()]),
            ("last", vec![paths[0].clone()]),
        ];
        let read = Histories::read(&Tables::new(files.into())).unwrap();
        assert_eq!(*read.whole, [history(0, 0), history(0, 1)]);
        assert_eq!(*read.several, [history(0, 0), history(0, 1), history(1, 0)]);
        assert_eq!(*read.last, [history(0, 1)]);
        assert!(read.absent.is_empty());
    }

    #[test]
    fn a_table_of_one_row_has_a_row() {
        let error = Tables::default().field::<One<History>>("selection").err();
        assert_eq!(
            error.unwrap().to_string(),
            "the table `selection` has no row, expected one"
        );
    }
}
