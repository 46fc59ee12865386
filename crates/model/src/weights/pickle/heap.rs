//! The values of a pickle.

/// Index of a value in its [`Heap`].
pub(in crate::weights) type Id = usize;

/// A Python object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::weights) enum Value {
    /// An object that is not used: `None`, a float, bytes, a set.
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
    /// An object outside of the pickle, by its identifier.
    Persistent(Id),
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(in crate::weights) struct Heap(pub(super) Vec<Value>);

impl Heap {
    pub(in crate::weights) fn get(&self, id: Id) -> &Value {
        &self.0[id]
    }

    pub(in crate::weights) fn values(&self) -> &[Value] {
        &self.0
    }

    pub(in crate::weights) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::weights) fn class(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Class(name) => Some(name),
            _ => None,
        }
    }

    pub(in crate::weights) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// A sequence of integers that are not negative.
    pub(in crate::weights) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.sequence(id)?.iter().map(|id| self.size(*id)).collect()
    }

    pub(in crate::weights) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    pub(super) fn push(&mut self, value: Value) -> Id {
        self.0.push(value);
        self.0.len() - 1
    }
}
