//! The store as one end of a transfer.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use super::{Store, make_parent};
use crate::mode::set_mode;
use crate::place::persist;
use crate::read::is_plain_file;
use crate::{Digest, Error, Kind, ObjectStorage, Result};

impl ObjectStorage for Store {
    fn get(&self, kind: Kind, name: &Digest, to: &mut dyn Write) -> Result<u64> {
        match fs_err::File::open(self.place(kind, name)) {
            Ok(mut file) => Ok(io::copy(&mut file, to)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::Missing { digest: *name })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn put(&self, kind: Kind, name: &Digest, from: &mut dyn Read, n_bytes: u64) -> Result<()> {
        let copy = self.scratch();
        let mut file = fs_err::File::create(copy.path())?;
        // One byte more than expected is enough to notice that there are more.
        let found = io::copy(&mut from.take(n_bytes.saturating_add(1)), &mut file)?;
        if found != n_bytes {
            return Err(Error::Incomplete {
                name: *name,
                expected: n_bytes,
                found,
            });
        }
        drop(file);
        if kind == Kind::Object {
            set_mode(copy.path(), self.abilities()?.object_mode())?;
        }
        let path = self.place(kind, name);
        make_parent(&path)?;
        persist(copy, &path)
    }

    fn exists(&self, kind: Kind, names: &[Digest]) -> Result<Vec<bool>> {
        let paths = names.iter().map(|name| self.place(kind, name));
        Ok(paths.map(|path| is_plain_file(&path)).collect())
    }

    fn list(
        &self,
        kind: Kind,
        visit: &mut dyn FnMut(Digest, u64) -> ControlFlow<()>,
    ) -> Result<()> {
        for entry in self.entries(kind)? {
            if visit(entry.digest, entry.bytes).is_break() {
                break;
            }
        }
        Ok(())
    }
}
