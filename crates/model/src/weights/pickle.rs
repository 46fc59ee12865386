//! Pickles as data: a reader of protocols 0 to 5 that imports nothing and calls nothing.
//!
//! Objects become values in a heap and refer to each other by index, so that cycles and deep nesting cost no recursion.
//! Every opcode adds at most one value, and texts are slices of the bytes: memory is bounded by the file.

mod heap;
mod machine;

pub(super) use heap::{Heap, Id, Value};
use machine::Machine;

/// A parsed pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) heap: Heap,
    pub(super) root: Id,
    /// Bytes up to and including the final opcode.
    pub(super) length: usize,
}

/// Reads the pickle at the start of `bytes`.
///
/// # Errors
/// The bytes are no pickle or are cut short; the message has the position.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine::new(bytes);
    match machine.run() {
        Some(root) => Ok(Pickle {
            heap: machine.heap,
            root,
            length: machine.at,
        }),
        None if machine.at >= bytes.len() => {
            Err(format!("its pickle ends early, at byte {}", bytes.len()))
        }
        None => Err(format!("its pickle is malformed at byte {}", machine.at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"a": (1, -2), "b": [True, None]}` by `pickle.dumps(…, protocol)`, Python 3.11.
    const BY_PROTOCOL: [&[u8]; 6] = [
        b"(dp0\nVa\np1\n(I1\nI-2\ntp2\nsVb\np3\n(lp4\nI01\naNas.",
        b"}q\x00(X\x01\x00\x00\x00aq\x01(K\x01J\xfe\xff\xff\xfftq\x02X\x01\x00\x00\x00bq\x03]q\x04(I01\nNeu.",
        b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01J\xfe\xff\xff\xff\x86q\x02X\x01\x00\x00\x00bq\x03]q\x04(\x88Neu.",
        b"\x80\x03}q\x00(X\x01\x00\x00\x00aq\x01K\x01J\xfe\xff\xff\xff\x86q\x02X\x01\x00\x00\x00bq\x03]q\x04(\x88Neu.",
        b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01J\xfe\xff\xff\xff\x86\x94\x8c\x01b\x94]\x94(\x88Neu.",
        b"\x80\x05\x95\x1c\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01J\xfe\xff\xff\xff\x86\x94\x8c\x01b\x94]\x94(\x88Neu.",
    ];

    #[test]
    fn every_protocol_gives_the_same_values() {
        for (protocol, bytes) in BY_PROTOCOL.iter().enumerate() {
            let Pickle { heap, root, length } = read(bytes).unwrap();
            let Value::Dict(items) = heap.get(root) else {
                panic!("protocol {protocol}: {:?}", heap.get(root))
            };
            let names: Vec<_> = items.iter().map(|(key, _)| heap.text(*key)).collect();
            assert_eq!(names, [Some("a"), Some("b")], "protocol {protocol}");
            let numbers = heap.sequence(items[0].1).unwrap();
            assert_eq!(heap.get(numbers[0]), &Value::Int(1));
            assert_eq!(heap.get(numbers[1]), &Value::Int(-2));
            let list = heap.sequence(items[1].1).unwrap();
            assert_eq!(heap.get(list[0]), &Value::Bool(true));
            assert_eq!(heap.get(list[1]), &Value::Opaque);
            assert_eq!(length, bytes.len());
        }
    }

    #[test]
    fn a_shared_object_keeps_what_is_added_after_it_was_shared() {
        // A list is memoized while it is empty, filled, and recalled.
        let Pickle { heap, root, .. } = read(b"(]q\x00K\x01ah\x00t.").unwrap();
        let pair = heap.sequence(root).unwrap();
        assert_eq!(pair[0], pair[1]);
        assert_eq!(heap.sequence(pair[1]).unwrap().len(), 1);
    }

    #[test]
    fn a_call_is_recorded_and_not_made() {
        let Pickle { heap, root, .. } = read(b"cos\nsystem\n(X\x02\x00\x00\x00lstR.").unwrap();
        let Value::Object { callable, args, .. } = heap.get(root) else {
            panic!("{:?}", heap.get(root))
        };
        assert_eq!(heap.class(*callable), Some("os.system"));
        assert_eq!(heap.sequence(*args).unwrap().len(), 1);
    }

    #[test]
    fn every_prefix_of_a_pickle_is_refused() {
        for bytes in BY_PROTOCOL {
            for end in 0..bytes.len() {
                read(&bytes[..end]).unwrap_err();
            }
        }
    }

    #[test]
    fn malformed_pickles_are_refused_without_a_panic() {
        let many: Vec<u8> = (0..=255).collect();
        for first in &many {
            for second in &many {
                // Any outcome but a panic is right.
                let _ = read(&[*first, *second, b'.']);
                let _ = read(&[b'}', b'(', *first, *second, b'K', 1, b'.']);
            }
        }
        assert!(
            read(b"X\xff\xff\xff\xffab.")
                .unwrap_err()
                .contains("ends early")
        );
        assert!(
            read(b"K\x01\xffK.")
                .unwrap_err()
                .contains("malformed at byte 3")
        );
    }
}
