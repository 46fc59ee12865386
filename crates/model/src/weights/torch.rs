//! Files of `torch.save`: the zip archive of PyTorch 1.6 and later, and the format before it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Seek};
use std::path::Path;

use candle_core::DType;
use fs_err::File;
use zip::ZipArchive;

use super::entry::{Data, Dict, Entry};
use super::pickle::{self, Heap, Id, Pickle, Value};

/// Depth of dictionaries and objects searched for tensors.
const DEEPEST: usize = 6;
/// Largest number of modules visited: more than any network has, and few enough for one that contains itself.
const MOST_PARTS: usize = 10_000;
/// Start of the format before PyTorch 1.6: a pickled integer of 10 bytes.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// Bytes before [`MAGIC`] at most: protocol and frame.
const BEFORE_MAGIC: usize = 12;

/// Location of the bytes of storages.
pub(super) enum Storages {
    /// Each in an entry `FOLDER/KEY` of an archive.
    Archive {
        archive: Box<ZipArchive<std::io::BufReader<File>>>,
        folder: String,
    },
    /// Ranges of one buffer.
    Buffer {
        bytes: Vec<u8>,
        ranges: BTreeMap<String, std::ops::Range<usize>>,
    },
}

impl Storages {
    /// The bytes of a storage.
    pub(super) fn read(&mut self, key: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Archive { archive, folder } => entry(archive, &format!("{folder}/{key}")),
            Self::Buffer { bytes, ranges } => { ranges.get(key) }
                .map(|range| bytes[range.clone()].to_vec())
                .ok_or_else(|| format!("its storage `{key}` is missing")),
        }
    }
}

/// Opens the archive at `path`: every dictionary with tensors, and the storages.
pub(super) fn open_archive(path: &Path) -> Result<(Vec<Dict>, Storages), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let archive = ZipArchive::new(std::io::BufReader::new(file));
    let mut archive = archive.map_err(|error| damaged(&error.to_string()))?;
    let names: Vec<String> = { archive.file_names() }
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .collect();
    let folder = folder(&names)?;
    if let Ok(order) = entry(&mut archive, &format!("{folder}/byteorder"))
        && order.starts_with(b"big")
    {
        return Err("it was saved on a big-endian machine; save it anew as safetensors".into());
    }
    let bytes = entry(&mut archive, &join(&folder, "data.pkl"))?;
    let Pickle { heap, root, .. } = pickle::read(&bytes)?;
    let storages = Storages::Archive {
        archive: Box::new(archive),
        folder: join(&folder, "data"),
    };
    Ok((dicts(&heap, root), storages))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The folder of an archive that has `data.pkl`.
fn folder(names: &[String]) -> Result<String, String> {
    let ends = |end: &str| {
        let found = names.iter().filter_map(|name| {
            let folder = name.strip_suffix(end)?;
            (folder.is_empty() || folder.ends_with('/')).then(|| folder.trim_end_matches('/'))
        });
        found.min_by_key(|folder| folder.len()).map(str::to_owned)
    };
    if ends("constants.pkl").is_some() {
        let reason = "it is a TorchScript archive, a program; save the weights alone: \
                      `torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")`";
        return Err(reason.into());
    }
    ends("data.pkl").ok_or_else(|| {
        let found = names.first().map_or("nothing", String::as_str);
        format!(
            "it is a zip archive that `torch.save` didn't write: it holds `{found}` and no `data.pkl`; \
             unpack it, and name the file of weights in it"
        )
    })
}

fn damaged(reason: &str) -> String {
    format!("the file is truncated or damaged ({reason}); fetch or copy it again")
}

fn entry<R: std::io::Read + Seek>(
    archive: &mut ZipArchive<R>,
    name: &str,
) -> Result<Vec<u8>, String> {
    let mut file = archive.by_name(name).map_err(|error| match error {
        zip::result::ZipError::FileNotFound => format!("its storage `{name}` is missing"),
        zip::result::ZipError::UnsupportedArchive(reason) => format!(
            "its entry `{name}` cannot be unpacked ({reason}): `torch.save` doesn't compress; save it anew"
        ),
        error => damaged(&error.to_string()),
    })?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| damaged(&format!("`{name}`: {error}")))?;
    Ok(bytes)
}

/// Returns `true` if the file has the format before PyTorch 1.6.
pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    let begin = &bytes[..bytes.len().min(BEFORE_MAGIC + MAGIC.len())];
    begin.windows(MAGIC.len()).any(|window| window == MAGIC)
}

/// Reads the format before PyTorch 1.6: pickles of a magic number, a version, the machine, the object and the keys of
/// the storages, and then each storage, with its number of elements before it.
pub(super) fn open_legacy(bytes: Vec<u8>) -> Result<(Vec<Dict>, Storages), String> {
    let mut at = 0;
    let mut next = || -> Result<Pickle, String> {
        let pickle = pickle::read(bytes.get(at..).unwrap_or_default())?;
        at += pickle.length;
        Ok(pickle)
    };
    let (_magic, _version, _machine, object, keys) = (next()?, next()?, next()?, next()?, next()?);
    let sizes = element_sizes(&object.heap);
    let mut ranges = BTreeMap::new();
    for id in keys.heap.sequence(keys.root).unwrap_or_default() {
        let key = keys
            .heap
            .text(*id)
            .ok_or("its list of storages is malformed")?;
        let count = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
        let count = count
            .map(|count| u64::from_le_bytes(*count))
            .and_then(|n| usize::try_from(n).ok());
        let size = sizes.get(key).copied().unwrap_or(1);
        let range = count.and_then(|count| {
            let start = at + 8;
            let end = start.checked_add(count.checked_mul(size)?)?;
            (end <= bytes.len()).then_some(start..end)
        });
        let range = range.ok_or_else(|| damaged(&format!("it ends in storage `{key}`")))?;
        at = range.end;
        ranges.insert(key.to_owned(), range);
    }
    let dicts = dicts(&object.heap, object.root);
    Ok((dicts, Storages::Buffer { bytes, ranges }))
}

/// Bytes of an element of each storage that a pickle names.
fn element_sizes(heap: &Heap) -> BTreeMap<String, usize> {
    let persistent = heap.values().iter().filter_map(|value| match value {
        Value::Persistent(id) => storage(heap, *id),
        _ => None,
    });
    persistent
        .map(|found| (found.key.to_owned(), found.size))
        .collect()
}

struct Storage<'h> {
    key: &'h str,
    type_name: String,
    dtype: Option<DType>,
    /// Bytes of an element.
    size: usize,
}

/// A storage by its persistent identifier: `("storage", class, key, location, number of elements, …)`.
fn storage(heap: &Heap, id: Id) -> Option<Storage<'_>> {
    let [kind, class, key, ..] = heap.sequence(id)? else {
        return None;
    };
    if heap.text(*kind) != Some("storage") {
        return None;
    }
    let class = heap.class(*class)?;
    let class = class.rsplit('.').next().unwrap_or(class);
    let (type_name, dtype, size) = match class {
        "FloatStorage" => ("float32", Some(DType::F32), 4),
        "DoubleStorage" => ("float64", Some(DType::F64), 8),
        "HalfStorage" => ("float16", Some(DType::F16), 2),
        "BFloat16Storage" => ("bfloat16", Some(DType::BF16), 2),
        "LongStorage" => ("int64", Some(DType::I64), 8),
        "IntStorage" => ("int32", Some(DType::I32), 4),
        "ShortStorage" => ("int16", Some(DType::I16), 2),
        "ByteStorage" => ("uint8", Some(DType::U8), 1),
        "CharStorage" => ("int8", None, 1),
        "BoolStorage" => ("bool", None, 1),
        "ComplexFloatStorage" => ("complex64", None, 8),
        "ComplexDoubleStorage" => ("complex128", None, 16),
        other => (other, None, 1),
    };
    Some(Storage {
        key: heap.text(*key)?,
        type_name: type_name.to_owned(),
        dtype,
        size,
    })
}

/// Every dictionary and module in an object that holds tensors by name, with the path of keys to it.
fn dicts(heap: &Heap, root: Id) -> Vec<Dict> {
    let mut search = Search {
        heap,
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    search.visit(root, String::new(), 0);
    search.found
}

struct Search<'h> {
    heap: &'h Heap,
    seen: BTreeSet<Id>,
    found: Vec<Dict>,
}

impl Search<'_> {
    fn visit(&mut self, id: Id, key_path: String, depth: usize) {
        if depth > DEEPEST || !self.seen.insert(id) {
            return;
        }
        if let Some(parts) = Module::of(self.heap, id) {
            let (mut tensors, mut left) = (BTreeMap::new(), MOST_PARTS);
            parts.flatten(self.heap, "", &mut left, &mut tensors);
            self.found.push(Dict {
                key_path,
                class: parts.class,
                tensors,
            });
            return;
        }
        let mut tensors = BTreeMap::new();
        for (key, value) in named(self.heap, id) {
            match entry_of(self.heap, value, 0) {
                Some(entry) => drop(tensors.insert(key.to_owned(), entry)),
                None => {
                    let key_path = if key_path.is_empty() {
                        key.to_owned()
                    } else {
                        format!("{key_path}.{key}")
                    };
                    self.visit(value, key_path, depth + 1);
                }
            }
        }
        if !tensors.is_empty() {
            self.found.push(Dict {
                key_path,
                class: None,
                tensors,
            });
        }
    }
}

/// Items of a dictionary or attributes of an object whose keys are texts.
fn named(heap: &Heap, id: Id) -> Vec<(&str, Id)> {
    let items = match heap.get(id) {
        Value::Dict(items) => items.clone(),
        Value::Object { state, items, .. } => {
            let state = state.map(|state| heap.get(state));
            let state = match state {
                Some(Value::Dict(attributes)) => attributes.as_slice(),
                _ => &[],
            };
            [items.as_slice(), state].concat()
        }
        _ => Vec::new(),
    };
    let named = items
        .into_iter()
        .filter_map(|(key, value)| Some((heap.text(key)?, value)));
    named.collect()
}

/// A pickled `torch.nn.Module`.
struct Module {
    class: Option<String>,
    tensors: Vec<Id>,
    children: Option<Id>,
}

impl Module {
    fn of(heap: &Heap, id: Id) -> Option<Self> {
        let Value::Object { callable, .. } = heap.get(id) else {
            return None;
        };
        let attributes = named(heap, id);
        let attribute = |name| {
            { attributes.iter() }
                .find(|(key, _)| *key == name)
                .map(|(_, id)| *id)
        };
        let tensors = [attribute("_parameters")?, attribute("_buffers")?];
        Some(Self {
            class: heap.class(*callable).map(str::to_owned),
            tensors: tensors.to_vec(),
            children: attribute("_modules"),
        })
    }

    /// Adds the tensors of the module and of those in it, of at most `left` modules.
    fn flatten(
        &self,
        heap: &Heap,
        prefix: &str,
        left: &mut usize,
        into: &mut BTreeMap<String, Entry>,
    ) {
        *left = left.saturating_sub(1);
        for id in &self.tensors {
            for (name, value) in named(heap, *id) {
                if let Some(entry) = entry_of(heap, value, 0) {
                    into.insert(format!("{prefix}{name}"), entry);
                }
            }
        }
        // The search of a module that contains itself ends here, too.
        let is_shallow = prefix.matches('.').count() < 4 * DEEPEST;
        let children = self.children.filter(|_| is_shallow && *left > 0);
        for (name, child) in children.map_or_else(Vec::new, |id| named(heap, id)) {
            if let Some(module) = Self::of(heap, child) {
                module.flatten(heap, &format!("{prefix}{name}."), left, into);
            }
        }
    }
}

/// The tensor of an object, of any type, behind `depth` others.
fn entry_of(heap: &Heap, id: Id, depth: usize) -> Option<Entry> {
    let Value::Object { callable, args, .. } = heap.get(id) else {
        return None;
    };
    rebuilt(heap, heap.class(*callable)?, heap.sequence(*args)?, depth)
}

fn rebuilt(heap: &Heap, function: &str, args: &[Id], depth: usize) -> Option<Entry> {
    let other = |name: &str| Some(Entry::unsupported(name));
    match function {
        _ if depth > DEEPEST => None,
        "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => strided(heap, args),
        "torch._tensor._rebuild_from_type_v2" => rebuilt(
            heap,
            heap.class(*args.first()?)?,
            heap.sequence(*args.get(2)?)?,
            depth + 1,
        ),
        "torch._utils._rebuild_parameter"
        | "torch._utils._rebuild_parameter_with_state"
        | "torch.nn.parameter.Parameter"
        | "torch.autograd.variable.Variable" => entry_of(heap, *args.first()?, depth + 1),
        "torch._utils._rebuild_qtensor" => other("quantized"),
        "torch._utils._rebuild_sparse_tensor" => other("sparse"),
        "torch._utils._rebuild_tensor_v3" => other(
            args.get(6)
                .and_then(|id| heap.class(*id))
                .unwrap_or("unknown"),
        ),
        _ if function.starts_with("torch._utils._rebuild_") => {
            other(function.trim_start_matches("torch._utils._rebuild_"))
        }
        _ if function.starts_with("numpy.") && function.ends_with("._reconstruct") => {
            other("NumPy array")
        }
        _ => None,
    }
}

/// A tensor by `(storage, offset, sizes, strides, …)`.
fn strided(heap: &Heap, args: &[Id]) -> Option<Entry> {
    let [stored, offset, sizes, strides, ..] = args else {
        return None;
    };
    let Value::Persistent(id) = heap.get(*stored) else {
        return Some(Entry::unsupported("without a storage"));
    };
    let found = storage(heap, *id)?;
    Some(Entry {
        type_name: found.type_name,
        dtype: found.dtype,
        dims: heap.sizes(*sizes)?,
        data: Data::Strided {
            storage: found.key.to_owned(),
            offset: heap.size(*offset)?,
            strides: heap.sizes(*strides)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Option<Vec<Dict>> {
        let Pickle { heap, root, .. } = pickle::read(bytes).ok()?;
        Some(dicts(&heap, root))
    }

    #[test]
    fn search_ends_for_objects_that_contain_themselves() {
        // A parameter made of a list of itself.
        let bytes =
            b"}X\x01\x00\x00\x00actorch._utils\n_rebuild_parameter\n]q\x00Rq\x01h\x00h\x01a0s.";
        assert!(found(bytes).unwrap().is_empty());
        // A module with ten children, each of them itself.
        let mut bytes = b"cM\nM\n)Rq\x00}(X\x0b\x00\x00\x00_parameters}X\x08\x00\x00\x00_buffers}X\x08\x00\x00\x00_modules}(".to_vec();
        for child in b'a'..=b'j' {
            bytes.extend_from_slice(&[b'X', 1, 0, 0, 0, child, b'h', 0]);
        }
        bytes.extend_from_slice(b"uub.");
        let dicts = found(&bytes).unwrap();
        assert_eq!(dicts[0].class.as_deref(), Some("M.M"));
        assert!(dicts[0].tensors.is_empty());
    }

    #[test]
    fn damaged_pickles_are_read_or_refused_without_a_panic() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/checkpoints/module.pth"
        );
        let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
        let whole = entry(&mut archive, "module/data.pkl").unwrap();
        assert_eq!(found(&whole).unwrap()[0].tensors.len(), 9);
        for at in (0..whole.len()).step_by(2) {
            for change in [0x01, 0x10, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                // Any outcome but a panic is right.
                let _ = found(&bytes);
            }
        }
    }
}
