//! The instruction set, chosen once at run time.
#![expect(
    unsafe_code,
    reason = "the extents of tiled work are its caller's promise"
)]

use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

#[cfg(test)]
thread_local! {
    /// Tests run the same kernel with a smaller instruction set, in threads of their own.
    pub(crate) static OVERRIDE: std::cell::Cell<Option<Arch>> = const { std::cell::Cell::new(None) };
}

/// The widest instruction set of this processor.
pub(crate) fn arch() -> Arch {
    #[cfg(test)]
    if let Some(arch) = OVERRIDE.get() {
        return arch;
    }
    *ARCH
}

/// Runs `work` compiled for the widest instruction set. The closure needs `#[inline(always)]`.
///
/// It is called as `FnMut`: as `FnOnce`, a closure that only borrows would be called by an adapter, which need not
/// be inlined, and would then be compiled for the smallest instruction set.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnMut() -> R) -> R {
    arch().dispatch(Work(work))
}

struct Work<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Work<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}

/// Work on tiles of as many rows as the registers hold beside two of columns.
pub(crate) trait Tiled {
    /// Does the work, by tiles of `ROWS` rows.
    ///
    /// # Safety
    /// The operands have the extents that the work reads and writes.
    unsafe fn sweep<S: Simd, const ROWS: usize>(self, simd: S);
}

/// Runs tiled work compiled for the widest instruction set.
///
/// # Safety
/// That of [`Tiled::sweep`].
pub(crate) unsafe fn by_tiles(work: impl Tiled) {
    arch().dispatch(ByTiles(work));
}

struct ByTiles<W>(W);

impl<W: Tiled> WithSimd for ByTiles<W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: the caller of `by_tiles` promises the extents.
        unsafe {
            match S::F32_LANES {
                16 => self.0.sweep::<S, 12>(simd),
                8 => self.0.sweep::<S, 6>(simd),
                4 => self.0.sweep::<S, 8>(simd),
                _ => self.0.sweep::<S, 4>(simd),
            }
        }
    }
}

/// Numbers in one register.
pub(crate) fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch().dispatch(Lanes)
}
