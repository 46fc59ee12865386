//! Work on many items by all threads. It does what `par_iter` of rayon would, on the threads of `rayon-core`: the
//! iterators took twice as long to compile as all else of a walk.

use std::sync::atomic::{AtomicBool, Ordering};

/// Number of parts into which many items are cut, so that no thread is without work before the others.
const PARTS: usize = 256;

/// Results of `map` for all items, in their order. A thread takes `least` items or more at once.
///
/// # Errors
/// `map` fails for an item; work that hasn't begun by then is left out. Of several errors, one is returned.
pub fn try_map<'a, T: Sync, U: Send, E: Send>(
    items: &'a [T],
    least: usize,
    map: impl Fn(&'a T) -> Result<U, E> + Sync,
) -> Result<impl Iterator<Item = U>, E> {
    let work = Work {
        map,
        least: least.max(items.len() / PARTS).max(1),
        has_failed: AtomicBool::new(false),
    };
    let parts: Vec<Vec<U>> = work.on(items).into_iter().collect::<Result<_, _>>()?;
    Ok(parts.into_iter().flatten())
}

struct Work<F> {
    map: F,
    least: usize,
    has_failed: AtomicBool,
}

impl<F> Work<F> {
    /// Results by parts, in their order, up to the first error; parts behind an error may be missing.
    fn on<'a, T: Sync, U: Send, E: Send>(&self, items: &'a [T]) -> Vec<Result<Vec<U>, E>>
    where
        F: Fn(&'a T) -> Result<U, E> + Sync,
    {
        if items.len() >= 2 * self.least {
            let (first, second) = items.split_at(items.len() / 2);
            let (mut parts, mut others) = rayon_core::join(|| self.on(first), || self.on(second));
            parts.append(&mut others);
            return parts;
        }
        if self.has_failed.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let part: Result<Vec<U>, E> = items.iter().map(&self.map).collect();
        if part.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        vec![part]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for n in [0, 1, 2, 3, 1000, 10_000] {
            let items: Vec<usize> = (0..n).collect();
            let squares = try_map(&items, 1, |item| Ok::<_, ()>(item * item));
            let expected = (0..n).map(|item| item * item);
            assert!(squares.unwrap().eq(expected));
        }
    }

    #[test]
    fn an_error_anywhere_is_an_error() {
        let items: Vec<usize> = (0..1000).collect();
        for at in [0, 1, 500, 999] {
            let failing = try_map(&items, 7, |&item| if item == at { Err(at) } else { Ok(()) });
            assert_eq!(failing.err(), Some(at));
        }
    }
}
