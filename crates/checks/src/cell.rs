//! One value of a column.

use std::cmp::Ordering;
use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use serde_json::Value;

/// One value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Flag(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    /// A value of another type, which no check supports.
    Other,
}

impl Cell {
    /// The value in `row` of `array`, or the items of the list there.
    pub(crate) fn all_of(array: &ArrayRef, row: usize) -> Vec<Self> {
        let list = match array.data_type() {
            _ if array.is_null(row) => return vec![Cell::Null],
            DataType::List(_) => array.as_list::<i32>().value(row),
            DataType::LargeList(_) => array.as_list::<i64>().value(row),
            DataType::FixedSizeList(_, _) => array.as_fixed_size_list().value(row),
            _ => return vec![Cell::of(array, row)],
        };
        (0..list.len()).map(|item| Cell::of(&list, item)).collect()
    }

    /// The value in `row` of `array`.
    pub(crate) fn of(array: &ArrayRef, row: usize) -> Self {
        macro_rules! number {
            ($kind:ty, $cell:ident) => {
                Cell::$cell(array.as_primitive::<$kind>().value(row).into())
            };
        }
        if array.is_null(row) {
            return Cell::Null;
        }
        match array.data_type() {
            DataType::Boolean => Cell::Flag(array.as_boolean().value(row)),
            DataType::Int8 => number!(Int8Type, Integer),
            DataType::Int16 => number!(Int16Type, Integer),
            DataType::Int32 => number!(Int32Type, Integer),
            DataType::Int64 => number!(Int64Type, Integer),
            DataType::UInt8 => number!(UInt8Type, Integer),
            DataType::UInt16 => number!(UInt16Type, Integer),
            DataType::UInt32 => number!(UInt32Type, Integer),
            DataType::UInt64 => number!(UInt64Type, Integer),
            DataType::Float32 => number!(Float32Type, Float),
            DataType::Float64 => number!(Float64Type, Float),
            DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
            DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row).to_owned()),
            _ => Cell::Other,
        }
    }

    /// Order of a number relative to `bound`; none for NaN and other types.
    pub(crate) fn compared_with(&self, bound: f64) -> Option<Ordering> {
        match self {
            // Bounds are small numbers: if a float cannot represent an integer exactly, the order is still right.
            Cell::Integer(number) => {
                let text = number.to_string();
                text.parse::<f64>().ok()?.partial_cmp(&bound)
            }
            Cell::Float(number) => number.partial_cmp(&bound),
            _ => None,
        }
    }

    /// Returns whether it equals `value` of a declaration.
    pub(crate) fn equals(&self, value: &Value) -> bool {
        match self {
            Cell::Null => value.is_null(),
            Cell::Flag(flag) => value.as_bool() == Some(*flag),
            Cell::Integer(number) => value.as_i64().map(i128::from) == Some(*number),
            Cell::Float(_) => {
                let value = value.as_f64();
                value.is_some_and(|value| self.compared_with(value) == Some(Ordering::Equal))
            }
            Cell::Text(text) => value.as_str() == Some(text.as_str()),
            Cell::Other => false,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => write!(f, "missing"),
            Cell::Flag(flag) => write!(f, "{flag}"),
            Cell::Integer(number) => write!(f, "{number}"),
            Cell::Float(number) => write!(f, "{number}"),
            Cell::Text(text) => write!(f, "{text:?}"),
            Cell::Other => write!(f, "not a plain value"),
        }
    }
}

/// Name of a type in declarations and faults.
pub(crate) fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 => "string".into(),
        DataType::Boolean => "bool".into(),
        DataType::Binary | DataType::LargeBinary => "binary".into(),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            format!("list<{}>", type_name(item.data_type()))
        }
        other => format!("{other:?}").to_lowercase(),
    }
}
