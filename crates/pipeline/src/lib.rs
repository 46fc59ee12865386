//! The runner: graph, params, code closure, manifest, plan, execute, lock.
