//! Content-addressed cache and file-state index.
