//! Pickles as data: a reader of protocols 0 to 5 that imports nothing and calls nothing.
//!
//! Objects become values in a heap and refer to each other by index, so that cycles and deep nesting cost no recursion.
//! Every opcode adds at most one value, and texts are cut from the bytes that are there: memory is bounded by the file.

use std::collections::BTreeMap;

/// Index of a value in its [`Heap`].
pub(super) type Id = usize;

/// A Python object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// An object without a use here: `None`, a float, bytes, a set.
    Opaque,
    Bool(bool),
    /// An integer of up to 64 bits.
    Int(i64),
    Text(String),
    /// A tuple or a list.
    Sequence(Vec<Id>),
    /// A dictionary, ordered or not.
    Dict(Vec<(Id, Id)>),
    /// A class or a function, by its whole name.
    Class(String),
    /// Result of calling a class or a function.
    Object {
        callable: Id,
        args: Id,
        state: Option<Id>,
        items: Vec<(Id, Id)>,
    },
    /// Object that stands outside of the pickle, by its identifier.
    Persistent(Id),
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<Value>);

impl Heap {
    pub(super) fn get(&self, id: Id) -> &Value {
        &self.0[id]
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.0
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn class(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Class(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// A sequence of integers that are not negative.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.sequence(id)?.iter().map(|id| self.size(*id)).collect()
    }

    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    fn push(&mut self, value: Value) -> Id {
        self.0.push(value);
        self.0.len() - 1
    }
}

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) heap: Heap,
    pub(super) root: Id,
    /// Bytes up to and including the final opcode.
    pub(super) length: usize,
}

/// Reads the pickle that `bytes` begin with.
///
/// # Errors
/// The bytes are no pickle or are cut short; the message says where.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        heap: Heap::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
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

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    heap: Heap,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<usize, Id>,
}

impl Machine<'_> {
    fn run(&mut self) -> Option<Id> {
        loop {
            match self.byte()? {
                b'.' => return self.pop(),
                opcode => self.step(opcode)?,
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Option<()> {
        match opcode {
            0x80 => self.skip(1),                             // PROTO
            0x95 => self.skip(8),                             // FRAME
            b'(' => self.mark(),                              // MARK
            b'0' => self.discard(),                           // POP
            b'1' => self.since_mark().map(drop),              // POP_MARK
            b'2' => self.top().map(|id| self.stack.push(id)), // DUP
            b'N' | 0x97 => self.push(Value::Opaque),          // NONE, NEXT_BUFFER
            0x98 => Some(()),                                 // READONLY_BUFFER
            0x88 => self.push(Value::Bool(true)),             // NEWTRUE
            0x89 => self.push(Value::Bool(false)),            // NEWFALSE
            b'I' | b'L' => self.decimal(),                    // INT, LONG
            b'J' => self.integer(4, true),                    // BININT
            b'K' => self.integer(1, false),                   // BININT1
            b'M' => self.integer(2, false),                   // BININT2
            0x8a => self.long(1),                             // LONG1
            0x8b => self.long(4),                             // LONG4
            b'F' => self
                .line()
                .map(drop)
                .and_then(|()| self.push(Value::Opaque)), // FLOAT
            b'G' => self.skip(8).and_then(|()| self.push(Value::Opaque)), // BINFLOAT
            b'S' | b'V' => self.quoted(),                     // STRING, UNICODE
            b'U' | 0x8c => self.sized_text(1),                // SHORT_BINSTRING, SHORT_BINUNICODE
            b'T' | b'X' => self.sized_text(4),                // BINSTRING, BINUNICODE
            0x8d => self.sized_text(8),                       // BINUNICODE8
            b'C' => self.sized_bytes(1),                      // SHORT_BINBYTES
            b'B' => self.sized_bytes(4),                      // BINBYTES
            0x8e | 0x96 => self.sized_bytes(8),               // BINBYTES8, BYTEARRAY8
            b')' | b']' => self.push(Value::Sequence(Vec::new())), // EMPTY_TUPLE, EMPTY_LIST
            b't' | b'l' => self.gather(),                     // TUPLE, LIST
            0x85..=0x87 => self.tuple(usize::from(opcode - 0x84)), // TUPLE1, TUPLE2, TUPLE3
            b'a' => self.append(),                            // APPEND
            b'e' => self.appends(),                           // APPENDS
            b'}' => self.push(Value::Dict(Vec::new())),       // EMPTY_DICT
            b'd' => self.dict(),                              // DICT
            b's' => self.set_item(),                          // SETITEM
            b'u' => self.set_items(),                         // SETITEMS
            0x8f => self.push(Value::Opaque),                 // EMPTY_SET
            0x90 => self.since_mark().map(drop),              // ADDITEMS
            0x91 => self
                .since_mark()
                .map(drop)
                .and_then(|()| self.push(Value::Opaque)), // FROZENSET
            b'c' => self.global(),                            // GLOBAL
            0x93 => self.stack_global(),                      // STACK_GLOBAL
            0x82 => self.extension(1),                        // EXT1
            0x83 => self.extension(2),                        // EXT2
            0x84 => self.extension(4),                        // EXT4
            b'R' | 0x81 => self.call(),                       // REDUCE, NEWOBJ
            0x92 => self.discard().and_then(|()| self.call()), // NEWOBJ_EX
            b'i' => self.instance(),                          // INST
            b'o' => self.object(),                            // OBJ
            b'b' => self.build(),                             // BUILD
            b'P' => self.persistent_line(),                   // PERSID
            b'Q' => self.persistent(),                        // BINPERSID
            b'g' => self.number_line().and_then(|key| self.recall(key)), // GET
            b'h' => self.number(1).and_then(|key| self.recall(key)), // BINGET
            b'j' => self.number(4).and_then(|key| self.recall(key)), // LONG_BINGET
            b'p' => self.number_line().and_then(|key| self.remember(key)), // PUT
            b'q' => self.number(1).and_then(|key| self.remember(key)), // BINPUT
            b'r' => self.number(4).and_then(|key| self.remember(key)), // LONG_BINPUT
            0x94 => self.remember(self.memo.len()),           // MEMOIZE
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, n: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(n)?;
        let Some(taken) = self.bytes.get(self.at..end) else {
            self.at = self.bytes.len();
            return None;
        };
        self.at = end;
        Some(taken)
    }

    fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(drop)
    }

    /// An unsigned number of `n` bytes, at most 8.
    fn number(&mut self, n: usize) -> Option<usize> {
        let mut all = [0; 8];
        all[..n].copy_from_slice(self.take(n)?);
        usize::try_from(u64::from_le_bytes(all)).ok()
    }

    fn line(&mut self) -> Option<String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.unwrap_or(rest.len()) + 1)?;
        Some(
            String::from_utf8_lossy(&line[..line.len() - 1])
                .trim_end_matches('\r')
                .to_owned(),
        )
    }

    fn number_line(&mut self) -> Option<usize> {
        self.line()?.parse().ok()
    }

    fn push(&mut self, value: Value) -> Option<()> {
        let id = self.heap.push(value);
        self.stack.push(id);
        Some(())
    }

    fn pop(&mut self) -> Option<Id> {
        // What stands below a mark belongs to whoever set it.
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() > floor {
            self.stack.pop()
        } else {
            None
        }
    }

    fn discard(&mut self) -> Option<()> {
        self.pop().map(drop)
    }

    fn top(&self) -> Option<Id> {
        self.stack.last().copied()
    }

    fn mark(&mut self) -> Option<()> {
        self.marks.push(self.stack.len());
        Some(())
    }

    fn since_mark(&mut self) -> Option<Vec<Id>> {
        let floor = self.marks.pop()?;
        Some(self.stack.split_off(floor.min(self.stack.len())))
    }

    fn decimal(&mut self) -> Option<()> {
        let line = self.line()?;
        let value = match line.as_str() {
            "01" => Value::Bool(true),
            "00" => Value::Bool(false),
            digits => { digits.trim_end_matches('L').parse() }.map_or(Value::Opaque, Value::Int),
        };
        self.push(value)
    }

    fn integer(&mut self, n: usize, is_signed: bool) -> Option<()> {
        let mut number = i64::try_from(self.number(n)?).ok()?;
        if is_signed && number > i64::from(i32::MAX) {
            number -= 1 << 32;
        }
        self.push(Value::Int(number))
    }

    /// A two's complement number, its length in `n` bytes before it. One of more than 64 bits has no use here.
    fn long(&mut self, n: usize) -> Option<()> {
        let length = self.number(n)?;
        let bytes = self.take(length)?;
        let value = if length > 8 {
            Value::Opaque
        } else {
            let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            let mut all = [if is_negative { 0xff } else { 0 }; 8];
            all[..length].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(all))
        };
        self.push(value)
    }

    fn quoted(&mut self) -> Option<()> {
        let line = self.line()?;
        let inner = ['\'', '"'].iter().find_map(|quote| {
            line.strip_prefix(*quote)?
                .strip_suffix(*quote)
                .map(str::to_owned)
        });
        self.push(Value::Text(inner.unwrap_or(line)))
    }

    fn sized_text(&mut self, n: usize) -> Option<()> {
        let length = self.number(n)?;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Value::Text(text))
    }

    fn sized_bytes(&mut self, n: usize) -> Option<()> {
        let length = self.number(n)?;
        self.skip(length)?;
        self.push(Value::Opaque)
    }

    fn gather(&mut self) -> Option<()> {
        let items = self.since_mark()?;
        self.push(Value::Sequence(items))
    }

    fn tuple(&mut self, n: usize) -> Option<()> {
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Value::Sequence(items))
    }

    fn append(&mut self) -> Option<()> {
        let item = self.pop()?;
        self.extend(&[item])
    }

    fn appends(&mut self) -> Option<()> {
        let items = self.since_mark()?;
        self.extend(&items)
    }

    fn extend(&mut self, more: &[Id]) -> Option<()> {
        let list = self.top()?;
        // Subclasses of lists have no use here.
        if let Value::Sequence(items) = &mut self.heap.0[list] {
            items.extend_from_slice(more);
        }
        Some(())
    }

    fn dict(&mut self) -> Option<()> {
        let items = pairs(&self.since_mark()?)?;
        self.push(Value::Dict(items))
    }

    fn set_item(&mut self) -> Option<()> {
        let value = self.pop()?;
        let key = self.pop()?;
        self.put(vec![(key, value)])
    }

    fn set_items(&mut self) -> Option<()> {
        let items = pairs(&self.since_mark()?)?;
        self.put(items)
    }

    fn put(&mut self, more: Vec<(Id, Id)>) -> Option<()> {
        let target = self.top()?;
        match &mut self.heap.0[target] {
            Value::Dict(items) | Value::Object { items, .. } => items.extend(more),
            Value::Opaque => {}
            _ => return None,
        }
        Some(())
    }

    fn global(&mut self) -> Option<()> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Class(format!("{module}.{name}")))
    }

    fn stack_global(&mut self) -> Option<()> {
        let (name, module) = (self.pop()?, self.pop()?);
        let class = format!("{}.{}", self.heap.text(module)?, self.heap.text(name)?);
        self.push(Value::Class(class))
    }

    fn extension(&mut self, n: usize) -> Option<()> {
        let code = self.number(n)?;
        self.push(Value::Class(format!("copyreg extension {code}")))
    }

    fn call(&mut self) -> Option<()> {
        let args = self.pop()?;
        let callable = self.pop()?;
        self.push_call(callable, args)
    }

    fn push_call(&mut self, callable: Id, args: Id) -> Option<()> {
        let value = match self.heap.class(callable) {
            Some("collections.OrderedDict") => Value::Dict(self.items_of(args)),
            _ => Value::Object {
                callable,
                args,
                state: None,
                items: Vec::new(),
            },
        };
        self.push(value)
    }

    /// Pairs that an ordered dictionary is made of: those of its only argument, as Python 2 wrote them.
    fn items_of(&self, args: Id) -> Vec<(Id, Id)> {
        let list = self
            .heap
            .sequence(args)
            .and_then(|args| self.heap.sequence(*args.first()?));
        let pair = |id: &Id| match self.heap.sequence(*id) {
            Some([key, value]) => Some((*key, *value)),
            _ => None,
        };
        list.unwrap_or_default().iter().filter_map(pair).collect()
    }

    fn instance(&mut self) -> Option<()> {
        let class = format!("{}.{}", self.line()?, self.line()?);
        let args = self.since_mark()?;
        let callable = self.heap.push(Value::Class(class));
        let args = self.heap.push(Value::Sequence(args));
        self.push_call(callable, args)
    }

    fn object(&mut self) -> Option<()> {
        let all = self.since_mark()?;
        let (callable, args) = all.split_first()?;
        let args = self.heap.push(Value::Sequence(args.to_vec()));
        self.push_call(*callable, args)
    }

    fn build(&mut self) -> Option<()> {
        let state = self.pop()?;
        let target = self.top()?;
        // An ordered dictionary's state is `_metadata`, which has no use here.
        if let Value::Object { state: stored, .. } = &mut self.heap.0[target] {
            *stored = Some(state);
        }
        Some(())
    }

    fn persistent_line(&mut self) -> Option<()> {
        let line = self.line()?;
        let id = self.heap.push(Value::Text(line));
        self.push(Value::Persistent(id))
    }

    fn persistent(&mut self) -> Option<()> {
        let id = self.pop()?;
        self.push(Value::Persistent(id))
    }

    fn recall(&mut self, key: usize) -> Option<()> {
        let id = *self.memo.get(&key)?;
        self.stack.push(id);
        Some(())
    }

    fn remember(&mut self, key: usize) -> Option<()> {
        let id = self.top()?;
        self.memo.insert(key, id);
        Some(())
    }
}

fn pairs(items: &[Id]) -> Option<Vec<(Id, Id)>> {
    let pairs = items.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|pair| (pair[0], pair[1])).collect())
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
