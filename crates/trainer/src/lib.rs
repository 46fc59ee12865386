//! Training loop, losses, optimizer, schedule, checkpoint.
