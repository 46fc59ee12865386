//! Memory: scratch that is kept from call to call, outputs that are written once, and disjoint writes.
#![expect(
    unsafe_code,
    reason = "outputs are not zeroed before they are written, and threads write disjoint parts of one slice"
)]

use std::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

/// Buffers not in use.
static IDLE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Working memory with arbitrary content, taken from the idle buffers and returned when dropped.
///
/// The system hands out fresh memory a page at a time, at the first touch: for the tens of megabytes that a
/// convolution needs, that costs as much as the arithmetic.
#[derive(Debug)]
pub(crate) struct Scratch {
    buffer: Vec<f32>,
    len: usize,
    /// The buffer is freed when it is dropped, and not returned to the idle ones.
    is_kept: bool,
}

impl Scratch {
    /// `len` numbers of arbitrary value.
    pub(crate) fn new(len: usize) -> Self {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is large enough; failing that the largest, which a larger one then replaces,
        // so that there are never more buffers than were once used at the same time.
        let fitting = (0..idle.len())
            .filter(|&i| idle[i].len() >= len)
            .min_by_key(|&i| idle[i].len());
        let chosen = fitting.or_else(|| (0..idle.len()).max_by_key(|&i| idle[i].len()));
        let mut buffer = chosen.map(|i| idle.swap_remove(i)).unwrap_or_default();
        drop(idle);
        if buffer.len() < len {
            drop(buffer);
            buffer = vec![0.0; len];
        }
        Self {
            buffer,
            len,
            is_kept: false,
        }
    }

    /// The same numbers to keep, in memory of their size.
    pub(crate) fn kept(self) -> Self {
        Self {
            buffer: self.to_vec(),
            len: self.len,
            is_kept: true,
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.buffer[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[..self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        IDLE.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(buffer);
    }
}

/// A number that may not be written yet.
pub(crate) type Uninit = MaybeUninit<f32>;

/// The vector of `len` numbers that `write` fills.
///
/// # Safety
/// `write` writes every element.
pub(crate) unsafe fn write_vec(len: usize, write: impl FnOnce(&mut [Uninit])) -> Vec<f32> {
    let mut vector = Vec::with_capacity(len);
    write(&mut vector.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is at least `len`, and the caller promises that `write` wrote every element.
    unsafe { vector.set_len(len) };
    vector
}

/// `numbers` as elements that may be uninitialized.
pub(crate) fn as_uninit(numbers: &mut [f32]) -> &mut [Uninit] {
    // SAFETY: same layout; nothing in this crate writes an uninitialized value to such an element.
    unsafe { &mut *(std::ptr::from_mut(numbers) as *mut [Uninit]) }
}

/// Fills `elements` with zeros.
pub(crate) fn fill_zeros(elements: &mut [Uninit]) -> &mut [f32] {
    elements.fill(MaybeUninit::new(0.0));
    // SAFETY: every element was just written.
    unsafe { assume_written(elements) }
}

/// Writes as many of `numbers` as there are elements.
pub(crate) fn write_all(elements: &mut [Uninit], numbers: impl Iterator<Item = f32>) -> &mut [f32] {
    let mut written = 0;
    for (element, number) in elements.iter_mut().zip(numbers) {
        element.write(number);
        written += 1;
    }
    assert_eq!(written, elements.len(), "a number for each element");
    // SAFETY: every element was just written, by the assertion.
    unsafe { assume_written(elements) }
}

/// `elements` as numbers.
///
/// # Safety
/// Every element was written.
pub(crate) unsafe fn assume_written(elements: &mut [Uninit]) -> &mut [f32] {
    // SAFETY: same layout; the caller promises that there are numbers.
    unsafe { &mut *(std::ptr::from_mut(elements) as *mut [f32]) }
}

/// A slice of which several threads write different parts.
#[derive(Clone, Copy)]
pub(crate) struct Disjoint<'a, T> {
    start: *mut T,
    len: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a mutable slice of `T`, whose users promise to touch different parts.
unsafe impl<T: Send> Send for Disjoint<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    /// Lends the whole slice.
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            lifetime: PhantomData,
        }
    }

    /// `len` elements from `offset` on.
    ///
    /// # Safety
    /// No other reference to these elements is alive.
    #[inline(always)]
    pub(crate) unsafe fn slice(self, offset: usize, len: usize) -> &'a mut [T] {
        assert!(
            offset <= self.len && len <= self.len - offset,
            "part of a slice within its bounds"
        );
        // SAFETY: within the bounds of the slice that is lent for `'a`; the caller promises exclusiveness.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), len) }
    }

    /// Address of the element at `offset`, for a strided write.
    #[inline(always)]
    pub(crate) fn address(self, offset: usize) -> *mut T {
        assert!(offset <= self.len, "address within the bounds of the slice");
        self.start.wrapping_add(offset)
    }

    /// Elements in all.
    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_has_the_length_asked_for() {
        let (a, b) = (Scratch::new(1000), Scratch::new(10));
        assert_eq!((a.len(), b.len()), (1000, 10));
        drop((a, b));
        assert_eq!(Scratch::new(500).len(), 500);
    }

    #[test]
    fn a_vector_has_the_numbers_written_to_it() {
        // SAFETY: every element is written.
        let vector = unsafe {
            write_vec(3, |elements| {
                for (i, element) in elements.iter_mut().enumerate() {
                    element.write(f32::from(u8::try_from(i).unwrap()));
                }
            })
        };
        assert_eq!(vector, [0.0, 1.0, 2.0]);
    }
}
