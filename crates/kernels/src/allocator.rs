//! A global allocator that keeps large blocks for their next use, in huge pages where the system has them.
//!
//! A training step frees and allocates the same gigabyte again and again. The system's allocator returns every large
//! block at once and maps it again in zeroed pages of 4 KiB, which costs as much as a third of the step's arithmetic.
#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::BTreeMap,
    ptr::{null_mut, with_exposed_provenance_mut},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Blocks from this size on are kept; it is also their unit and alignment.
const UNIT: usize = 64 << 10;
/// Alignment of segments: that of a huge page.
const SEGMENT_ALIGNMENT: usize = 2 << 20;
/// Bytes that are requested from the system at a time. It maps the pages of them that are used.
const SEGMENT: usize = 4 << 30;
/// The same where the system refuses so many, as with a limit of addresses.
const SMALL_SEGMENT: usize = 64 << 20;

/// An allocator that keeps freed blocks of 64 KiB and more; smaller ones are the system's.
///
/// Idle blocks are joined with idle neighbors and split again, so that those of one size serve for another. Typically it
/// holds little more than the memory that was ever in use at once; none of it is returned to the system. A binary that
/// trains declares:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: kernels::CachingAllocator = kernels::CachingAllocator::new();
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct CachingAllocator {
    memory: Mutex<Memory>,
}

/// The memory of the large blocks.
#[derive(Debug)]
struct Memory {
    /// Bytes of the idle ranges, by address. No two of one segment touch.
    idle: BTreeMap<usize, usize>,
    /// Bytes of the segments, by address.
    segments: BTreeMap<usize, usize>,
}

/// Bytes of a block for `layout`; `None` if the system's allocator serves it.
fn block_bytes(layout: Layout) -> Option<usize> {
    let is_large = layout.size() >= UNIT && layout.align() <= UNIT;
    // No layout is so large that this overflows.
    is_large.then(|| layout.size().next_multiple_of(UNIT))
}

/// Layout of a segment; `None` if no system has as many bytes.
fn segment_layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes, SEGMENT_ALIGNMENT).ok()
}

impl CachingAllocator {
    /// An allocator without memory.
    #[must_use]
    pub const fn new() -> Self {
        let memory = Memory {
            idle: BTreeMap::new(),
            segments: BTreeMap::new(),
        };
        Self {
            memory: Mutex::new(memory),
        }
    }

    // The maps' own nodes are small, so that they come from the system while this is locked.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for CachingAllocator {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for CachingAllocator {
    fn drop(&mut self) {
        for (&segment, &bytes) in &self.memory().segments {
            if let Some(layout) = segment_layout(bytes) {
                // SAFETY: the segment came from the system with this layout. A static is never dropped; who drops another
                // one no longer uses its blocks.
                unsafe { System.dealloc(with_exposed_provenance_mut(segment), layout) };
            }
        }
    }
}

impl Memory {
    /// A block of `bytes`, idle or new; null if the system has no memory.
    fn take(&mut self, bytes: usize) -> *mut u8 {
        let Some(block) = self.smallest(bytes).or_else(|| {
            self.grow(bytes)?;
            self.smallest(bytes)
        }) else {
            return null_mut();
        };
        // An allocator may not panic.
        let Some(idle) = self.idle.remove(&block) else {
            return null_mut();
        };
        if idle > bytes {
            self.idle.insert(block + bytes, idle - bytes);
        }
        with_exposed_provenance_mut(block)
    }

    /// The smallest idle range with room for `bytes`.
    fn smallest(&self, bytes: usize) -> Option<usize> {
        let fitting = self.idle.iter().filter(|&(_, &idle)| idle >= bytes);
        let smallest = fitting.min_by_key(|&(_, &idle)| idle);
        smallest.map(|(&range, _)| range)
    }

    /// Adds an idle segment with room for `bytes`; `None` if the system has no memory.
    fn grow(&mut self, bytes: usize) -> Option<()> {
        let sizes = [SEGMENT, SMALL_SEGMENT, bytes].map(|size| size.max(bytes));
        let (segment, bytes) = sizes
            .into_iter()
            .filter_map(segment_layout)
            .find_map(|layout| {
                // SAFETY: the size is not 0.
                let segment = unsafe { System.alloc(layout) };
                (!segment.is_null()).then_some((segment, layout.size()))
            })?;
        use_huge_pages(segment, bytes);
        let segment = segment.expose_provenance();
        self.segments.insert(segment, bytes);
        self.put_back(segment, bytes);
        Some(())
    }

    /// Returns a range to the idle ones, for its next use.
    fn put_back(&mut self, range: usize, bytes: usize) {
        let (mut start, mut end) = (range, range + bytes);
        // Segments can touch, but a block is part of one.
        let before = self.idle.range(..start).next_back();
        if let Some((&before, &idle)) = before
            && before + idle == start
            && !self.segments.contains_key(&start)
        {
            start = before;
        }
        if !self.segments.contains_key(&end)
            && let Some(after) = self.idle.remove(&end)
        {
            end += after;
        }
        self.idle.insert(start, end - start);
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

// SAFETY: blocks are parts of segments, of at least the requested size and alignment, and idle or in use by one
// owner.
unsafe impl GlobalAlloc for CachingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match block_bytes(layout) {
            Some(bytes) => self.memory().take(bytes),
            // SAFETY: passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(bytes) = block_bytes(layout) else {
            // SAFETY: passed on.
            return unsafe { System.alloc_zeroed(layout) };
        };
        let block = self.memory().take(bytes);
        if !block.is_null() {
            // SAFETY: the block has at least the layout's size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match block_bytes(layout) {
            Some(bytes) => self.memory().put_back(block.expose_provenance(), bytes),
            // SAFETY: passed on.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size is valid with the old alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (block_bytes(layout), block_bytes(new_layout)) {
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
    fn a_freed_block_is_used_again_and_zeroed_on_request() {
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
    fn blocks_are_apart_and_idle_neighbors_are_joined() {
        let allocator = CachingAllocator::new();
        let layout = |units| Layout::from_size_align(units * UNIT, 4).unwrap();
        for round in 0..3 {
            let sizes: Vec<usize> = (1..30).map(|i| 1 + (i * 7 + round * 5) % 11).collect();
            // SAFETY: as above.
            let blocks: Vec<*mut u8> = sizes
                .iter()
                .map(|&units| unsafe { allocator.alloc(layout(units)) })
                .collect();
            let mut ranges: Vec<_> = blocks
                .iter()
                .zip(&sizes)
                .map(|(block, units)| (block.addr(), block.addr() + units * UNIT))
                .collect();
            ranges.sort_unstable();
            assert!(ranges.windows(2).all(|two| two[0].1 <= two[1].0));
            // Every other one first, so that most have neighbors in use.
            for start in [0, 1] {
                for i in (start..sizes.len()).step_by(2) {
                    // SAFETY: as above.
                    unsafe { allocator.dealloc(blocks[i], layout(sizes[i])) };
                }
            }
            let memory = allocator.memory();
            assert_eq!(
                memory.idle, memory.segments,
                "all is idle again, in one range"
            );
            assert_eq!(memory.segments.len(), 1);
        }
    }

    #[test]
    fn segments_that_touch_are_not_joined() {
        let segments = [(UNIT, 2 * UNIT), (3 * UNIT, UNIT)];
        let mut memory = Memory {
            idle: BTreeMap::new(),
            segments: BTreeMap::from(segments),
        };
        for (range, bytes) in [(UNIT, UNIT), (3 * UNIT, UNIT), (2 * UNIT, UNIT)] {
            memory.put_back(range, bytes);
        }
        assert_eq!(memory.idle, BTreeMap::from(segments));
    }

    #[test]
    fn blocks_larger_than_a_segment_have_one_of_their_own() {
        let allocator = CachingAllocator::new();
        let layout = Layout::from_size_align(SEGMENT + 1, 4).unwrap();
        // SAFETY: as above; the pages of the block are never touched.
        let block = unsafe { allocator.alloc(layout) };
        assert!(!block.is_null());
        // SAFETY: as above.
        unsafe { allocator.dealloc(block, layout) };
        let memory = allocator.memory();
        assert_eq!(
            memory.segments.values().copied().collect::<Vec<_>>(),
            [SEGMENT + UNIT]
        );
    }
}
