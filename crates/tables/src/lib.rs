//! The tables: one module each, with row, columns, units and sort key.
