//! A global allocator that keeps large blocks for their next use, in huge pages where the system has them.
//!
//! A training step frees and allocates the same gigabyte again and again. The system's allocator returns every large
//! block at once and maps it again in zeroed pages of 4 KiB, which costs as much as a third of the step's arithmetic.
#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    ptr::null_mut,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Blocks from this size on are kept; it is also their unit and alignment, that of a huge page.
const UNIT: usize = 2 << 20;
/// Classes of sizes: one for each number of units to 16, then 8 for each doubling, to 64 GiB.
const N_CLASSES: usize = 16 + 11 * 8;

/// An allocator that keeps freed blocks of 2 MiB and more; smaller ones are the system's.
///
/// It holds at most one and a half times the memory that was ever in use at once. A binary that trains declares:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct CachingAllocator {
    blocks: Mutex<Blocks>,
}

/// The large blocks.
#[derive(Debug)]
struct Blocks {
    /// For each class a list of idle blocks, linked through their first bytes.
    idle: [*mut u8; N_CLASSES],
    /// Bytes of idle blocks.
    idle_bytes: usize,
    /// Bytes of blocks in use.
    used_bytes: usize,
    /// The largest number of bytes in use so far.
    peak_bytes: usize,
}

// SAFETY: the pointers are to memory which belongs to the lists alone.
unsafe impl Send for Blocks {}

/// Class of a block of `size` bytes, from [`UNIT`] on; `None` if it is too large to be kept.
fn class_of(size: usize) -> Option<usize> {
    let units = size.div_ceil(UNIT);
    if units <= 16 {
        return Some(units - 1);
    }
    // 2^doubling < units ≤ 2^(doubling + 1), in eighths of 2^doubling
    let doubling = (units - 1).ilog2() as usize;
    let eighths = (units - (1 << doubling)).div_ceil(1 << (doubling - 3));
    let class = 15 + (doubling - 4) * 8 + eighths;
    (class < N_CLASSES).then_some(class)
}

/// Layout of the blocks of a class.
fn layout_of(class: usize) -> Layout {
    let units = if class < 16 {
        class + 1
    } else {
        let (doubling, eighths) = (4 + (class - 16) / 8, (class - 16) % 8 + 1);
        (1 << doubling) + (eighths << (doubling - 3))
    };
    Layout::from_size_align(units * UNIT, UNIT).expect("classes end at 64 GiB")
}

impl CachingAllocator {
    /// An allocator without blocks.
    #[must_use]
    pub const fn new() -> Self {
        let blocks = Blocks {
            idle: [null_mut(); N_CLASSES],
            idle_bytes: 0,
            used_bytes: 0,
            peak_bytes: 0,
        };
        Self {
            blocks: Mutex::new(blocks),
        }
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The class of blocks for `layout`; `None` if the system's allocator serves it.
    fn class(layout: Layout) -> Option<usize> {
        if layout.size() < UNIT || layout.align() > UNIT {
            None
        } else {
            class_of(layout.size())
        }
    }

    /// A block of `class`, idle or new; null if the system has no memory.
    fn take(&self, class: usize) -> *mut u8 {
        let layout = layout_of(class);
        let excess = {
            let mut blocks = self.blocks();
            let idle = blocks.pop(class);
            blocks.used_bytes += layout.size();
            blocks.peak_bytes = blocks.peak_bytes.max(blocks.used_bytes);
            if !idle.is_null() {
                return idle;
            }
            blocks.remove_excess()
        };
        excess.free();
        // SAFETY: the size is not 0.
        let block = unsafe { System.alloc(layout) };
        if block.is_null() {
            self.blocks().used_bytes -= layout.size();
        } else {
            use_huge_pages(block, layout.size());
        }
        block
    }

    /// Returns a block of `class` to the idle ones, for its next use.
    ///
    /// # Safety
    /// The block came from [`Self::take`] with this class, and has no user any more.
    unsafe fn put_back(&self, block: *mut u8, class: usize) {
        let mut blocks = self.blocks();
        blocks.used_bytes -= layout_of(class).size();
        // SAFETY: passed on.
        unsafe { blocks.push(block, class) };
    }
}

impl Default for CachingAllocator {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for CachingAllocator {
    fn drop(&mut self) {
        let mut blocks = self.blocks();
        blocks.peak_bytes = 0;
        blocks.used_bytes = 0;
        let excess = blocks.remove_excess();
        drop(blocks);
        excess.free();
    }
}

impl Blocks {
    /// An idle block of the class; null if there is none.
    fn pop(&mut self, class: usize) -> *mut u8 {
        let block = self.idle[class];
        if !block.is_null() {
            // SAFETY: an idle block begins with the address of the next; blocks are aligned to their unit.
            self.idle[class] = unsafe { block.cast::<*mut u8>().read() };
            self.idle_bytes -= layout_of(class).size();
        }
        block
    }

    /// # Safety
    /// The block has the class's layout and belongs to the caller alone.
    unsafe fn push(&mut self, block: *mut u8, class: usize) {
        // SAFETY: the block is large enough for an address, aligned, and has no other owner.
        unsafe { block.cast::<*mut u8>().write(self.idle[class]) };
        self.idle[class] = block;
        self.idle_bytes += layout_of(class).size();
    }

    /// Removes idle blocks, the largest first, until the memory held is within the limit.
    fn remove_excess(&mut self) -> Excess {
        let mut excess = Excess { first: null_mut() };
        let limit = self.peak_bytes + self.peak_bytes / 2;
        for class in (0..N_CLASSES).rev() {
            while self.used_bytes + self.idle_bytes > limit && !self.idle[class].is_null() {
                let block = self.pop(class);
                // SAFETY: a popped block is ours, and has room for both.
                unsafe {
                    block
                        .cast::<(*mut u8, usize)>()
                        .write((excess.first, class))
                };
                excess.first = block;
            }
        }
        excess
    }
}

/// Blocks to return to the system, linked through their first bytes with their class.
struct Excess {
    first: *mut u8,
}

impl Excess {
    fn free(self) {
        let mut block = self.first;
        while !block.is_null() {
            // SAFETY: `remove_excess` wrote the link; the block came from the system with its class's layout.
            unsafe {
                let (next, class) = block.cast::<(*mut u8, usize)>().read();
                System.dealloc(block, layout_of(class));
                block = next;
            }
        }
    }
}

/// Requests huge pages; small ones serve where the system has none.
#[cfg(target_os = "linux")]
fn use_huge_pages(block: *mut u8, size: usize) {
    // A kernel without huge pages refuses, which affects the speed alone.
    // SAFETY: the range is a block of ours, and the advice does not change what it holds.
    let _ = unsafe { rustix::mm::madvise(block.cast(), size, rustix::mm::Advice::LinuxHugepage) };
}

#[cfg(not(target_os = "linux"))]
fn use_huge_pages(_: *mut u8, _: usize) {}

// SAFETY: blocks come from the system's allocator, with at least the size and alignment asked for, and are in one
// list or in one owner's hands.
unsafe impl GlobalAlloc for CachingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match Self::class(layout) {
            Some(class) => self.take(class),
            // SAFETY: passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(class) = Self::class(layout) else {
            // SAFETY: passed on.
            return unsafe { System.alloc_zeroed(layout) };
        };
        let block = self.take(class);
        if !block.is_null() {
            // SAFETY: the block has at least the layout's size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match Self::class(layout) {
            // SAFETY: a block of this layout came from `take` with this class.
            Some(class) => unsafe { self.put_back(block, class) },
            // SAFETY: passed on.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size is valid with the old alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (Self::class(layout), Self::class(new_layout)) {
            // SAFETY: passed on.
            (None, None) => unsafe { System.realloc(block, layout, new_size) },
            (old, new) if old == new => block,
            _ => {
                // SAFETY: a new block, a copy of what both hold, and the old one back.
                unsafe {
                    let moved = self.alloc(new_layout);
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
                        self.dealloc(block, layout);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_its_sizes_and_wastes_little() {
        for units in (1..600).chain([1 << 12, (1 << 15) - 1, 1 << 15]) {
            for size in [(units - 1) * UNIT + 1, units * UNIT] {
                let held = layout_of(class_of(size).unwrap()).size();
                assert!(
                    held >= size && held <= size + size / 8 + UNIT,
                    "{size} bytes in a block of {held}"
                );
            }
        }
        assert_eq!(class_of((1 << 15) * UNIT + 1), None);
    }

    #[test]
    fn a_freed_block_is_used_again_and_zeroed_if_asked() {
        let allocator = CachingAllocator::new();
        let layout = Layout::from_size_align(5 * UNIT - 7, 4).unwrap();
        // SAFETY: blocks are used within their layout and freed with it.
        unsafe {
            let first = allocator.alloc(layout);
            first.write_bytes(1, layout.size());
            allocator.dealloc(first, layout);
            let second = allocator.alloc_zeroed(layout);
            assert_eq!(first, second);
            assert!((0..layout.size()).all(|i| *second.add(i) == 0));
            allocator.dealloc(second, layout);
        }
    }

    #[test]
    fn a_growing_block_keeps_its_content() {
        let allocator = CachingAllocator::new();
        let layout = |size| Layout::from_size_align(size, 4).unwrap();
        let sizes = [100, UNIT + 1, 2 * UNIT, 7 * UNIT, 60];
        // SAFETY: as above.
        unsafe {
            let mut block = allocator.alloc(layout(sizes[0]));
            block.write_bytes(7, 60);
            for pair in sizes.windows(2) {
                block = allocator.realloc(block, layout(pair[0]), pair[1]);
                assert!((0..60).all(|i| *block.add(i) == 7));
            }
            allocator.dealloc(block, layout(60));
        }
    }

    #[test]
    fn idle_blocks_go_back_when_sizes_change() {
        let allocator = CachingAllocator::new();
        for units in 1..40 {
            let layout = Layout::from_size_align(units * UNIT, 4).unwrap();
            // SAFETY: as above.
            unsafe { allocator.dealloc(allocator.alloc(layout), layout) };
        }
        let blocks = allocator.blocks();
        assert_eq!(blocks.used_bytes, 0);
        assert!(blocks.idle_bytes <= blocks.peak_bytes + blocks.peak_bytes / 2);
    }
}
