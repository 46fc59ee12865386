//! Writing into files of params.

use std::path::Path;

use serde_json::Value;
use workflow::params::with_values;
use workflow::source::Source;

use crate::error::Result;

/// Writes `values` at their dotted keys into the TOML file at `path`, which messages call `name`; all else stays as it
/// is, comments included. A key that isn't there is added at the end of its table.
///
/// # Errors
/// The file cannot be read or written, isn't TOML, or has no table where a key needs one.
pub(crate) fn write<'a>(
    path: &Path,
    name: &str,
    values: impl IntoIterator<Item = (&'a str, Value)>,
) -> Result<()> {
    let text = with_values(&Source::read(path, name)?, values)?;
    // A link stays one.
    let path = fs_err::canonicalize(path)?;
    Ok(store::write_whole(&path, text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("params.toml");
        fs_err::write(&path, "seed = 7 # lucky\n").unwrap();
        write(&path, "params.toml", [("seed", Value::from(8))]).unwrap();
        let error = write(&path, "params.toml", [("seed.x", Value::from(1))]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`seed.x` cannot be written into `params.toml`"
        );
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "seed = 8 # lucky\n");
    }
}
