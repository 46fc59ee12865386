//! The runner through its real binary, in small workspaces whose stages are
//! shell commands.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod after;
mod cache;
mod change;
mod checked;
mod code;
mod defaults;
mod device;
mod dist;
mod doctor;
mod each;
mod experiments;
mod failures;
mod figures;
mod full;
mod keys;
mod kills;
mod light;
mod looks;
mod metrics;
mod mounts;
mod outputs;
mod people;
mod predict;
mod processes;
mod progress;
mod provenance;
mod running;
mod sandbox;
mod search;
mod sources;
mod space;
mod stages;
mod take;
mod targets;
mod untrusted;
mod watch;
mod weights;
mod writers;
mod wrong;
