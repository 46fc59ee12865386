//! The benchmark under the allocator of the binaries that train.

mod measure;

#[global_allocator]
static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();

fn main() -> measure::Outcome<()> {
    measure::run("caching allocator")
}
