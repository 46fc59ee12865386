//! The machine that runs a pickle's opcodes, without imports and calls.

use std::collections::BTreeMap;

use super::heap::{Heap, Id, Value};

/// A pickle machine: the bytes, the position in them, and the state that opcodes change.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) heap: Heap,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<usize, Id>,
}

impl<'a> Machine<'a> {
    /// A machine before the first opcode of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            heap: Heap::default(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
        }
    }
}

impl Machine<'_> {
    /// Runs all opcodes and returns the resulting object; none if an opcode is malformed or the bytes end early.
    pub(super) fn run(&mut self) -> Option<Id> {
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
        // Objects below a mark are not popped above it.
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

    /// A two's complement number, its length in `n` bytes before it. One of more than 64 bits is not used.
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
        // Subclasses of lists are not used.
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

    /// Pairs of an ordered dictionary: those of its only argument, as Python 2 wrote them.
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
        // An ordered dictionary's state is `_metadata`, which is not used.
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
