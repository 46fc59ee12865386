//! The benchmark under the system's allocator.

mod measure;

#[global_allocator]
static ALLOCATOR: std::alloc::System = std::alloc::System;

fn main() -> measure::Outcome<()> {
    measure::run("system allocator")
}
