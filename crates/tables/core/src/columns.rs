//! The conversion between rows and columns, for implementations of [`Table`](crate::Table).

/// The conversion methods of a [`Table`](crate::Table) whose row type is `Serialize` and `Deserialize`.
///
/// The argument is a row type with the same columns in plain types, from which their types are derived: `Self`, but for
/// rows with a column of parsed text, as deriving deserializes empty texts.
///
/// ```
/// use std::cmp::Ordering;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Weight {
///     path: String,
///     grams: f32,
/// }
///
/// impl tables::Table for Weight {
///     const NAME: &'static str = "weights";
///
///     tables::columns!(Self);
///
///     fn order(&self, other: &Self) -> Ordering {
///         self.path.cmp(&other.path)
///     }
/// }
/// ```
#[macro_export]
macro_rules! columns {
    ($plain:ty) => {
        fn sort(rows: &mut [Self]) {
            rows.sort_by(<Self as $crate::Table>::order);
        }

        fn fields() -> $crate::conversion::Result<Vec<$crate::conversion::FieldRef>> {
            $crate::conversion::fields::<$plain>()
        }

        fn to_batch(
            rows: &[Self],
            fields: &[$crate::conversion::FieldRef],
        ) -> $crate::conversion::Result<$crate::conversion::RecordBatch> {
            $crate::conversion::to_batch(rows, fields)
        }

        fn from_batch(
            batch: &$crate::conversion::RecordBatch,
        ) -> $crate::conversion::Result<Vec<Self>> {
            $crate::conversion::from_batch(batch)
        }
    };
}
