//! The benchmark under mimalloc.

mod measure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> measure::Outcome<()> {
    measure::run("mimalloc")
}
