//! A global allocator which keeps large blocks.
