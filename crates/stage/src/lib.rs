//! What a stage binary needs: job file in, tables in and out, named seeds, progress.
