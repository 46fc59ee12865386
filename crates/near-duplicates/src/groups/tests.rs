use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use images::{Resizer, Rgb};

const SIDE: u32 = 96;

/// A mosaic of 6 × 6 random colors.
fn mosaic(seed: u64) -> Rgb {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let colors: Vec<[u8; 3]> = (0..36).map(|_| rng.random()).collect();
    let pixels = (0..SIDE * SIDE).flat_map(|at| {
        let (x, y) = (at % SIDE * 6 / SIDE, at / SIDE * 6 / SIDE);
        colors[(y * 6 + x) as usize]
    });
    Rgb {
        width: SIDE,
        height: SIDE,
        pixels: pixels.collect(),
    }
}

fn changed(image: &Rgb, change: impl Fn(usize, u8) -> u8) -> Rgb {
    let bytes = image.pixels.iter().enumerate();
    Rgb {
        pixels: bytes.map(|(at, &byte)| change(at, byte)).collect(),
        ..image.clone()
    }
}

fn thumbnails(images: &[Rgb]) -> (Vec<Descriptor>, Vec<Thumbnail>) {
    let of = |image: &Rgb| {
        let thumbnail = Thumbnail::of(image, &mut Resizer::default()).unwrap();
        (
            Descriptor::of(&thumbnail, (image.width, image.height)),
            thumbnail,
        )
    };
    images.iter().map(of).unzip()
}

fn groups(images: &[Rgb]) -> Vec<Option<NearDuplicate>> {
    let (descriptors, thumbnails) = thumbnails(images);
    let read = |image: usize| Ok::<_, Infallible>(thumbnails[image].clone());
    near_duplicates(&descriptors, 8.0, read, || ()).unwrap()
}

fn numbers(images: &[Rgb]) -> Vec<Option<usize>> {
    let groups = groups(images);
    groups
        .iter()
        .map(|found| found.map(|found| found.group))
        .collect()
}

#[test]
fn copies_are_grouped_and_others_are_alone() {
    let images = [
        mosaic(1),
        mosaic(2),
        changed(&mosaic(3), |_, byte| byte - byte / 20),
        mosaic(4),
        changed(&mosaic(1), |at, byte| byte ^ u8::from(at % 5 == 0)),
        mosaic(3),
    ];
    assert_eq!(
        numbers(&images),
        [Some(0), None, Some(1), None, Some(0), Some(1)]
    );
    let found = groups(&images);
    let copy = found[4].unwrap();
    assert_eq!(copy.representative, 0);
    assert!(copy.difference < 2.0);
    assert_eq!(found[0].unwrap().representative, 0);
}

#[test]
fn images_of_one_kind_with_different_details_stay_apart() {
    // A white ground with the same outline and different prints.
    let garment = |seed: u64| {
        let print = mosaic(seed);
        let mut image = changed(&print, |_, _| 250);
        for at in 0..SIDE * SIDE {
            let (x, y) = (at % SIDE, at / SIDE);
            let value = match (x, y) {
                (36..60, 36..60) => print.pixels[3 * ((y - 36) * 4 * SIDE + (x - 36) * 4) as usize],
                (20..76, 10..90) => 60,
                _ => continue,
            };
            image.pixels[3 * at as usize..][..3].fill(value);
        }
        image
    };
    let images: Vec<Rgb> = (0..12).map(garment).collect();
    assert_eq!(numbers(&images), [None; 12]);
}

#[test]
fn a_chain_is_one_group() {
    // Each differs from the next by a few levels, the first from the last by many.
    let base = mosaic(5);
    let shade = |k: u32| {
        changed(&base, move |at, byte| {
            let x = at / 3 % SIDE as usize;
            if x < SIDE as usize / 2 {
                byte.saturating_sub(u8::try_from(5 * k).unwrap())
            } else {
                byte
            }
        })
    };
    let chain: Vec<Rgb> = (0..5).map(shade).collect();
    assert_eq!(numbers(&chain), [Some(0); 5]);
}

#[test]
fn a_collection_of_one_scene_is_compared_in_linear_time() {
    let base = mosaic(6);
    let images: Vec<Rgb> = (0..300)
        .map(|k| changed(&base, |at, byte| if at == 31 * k { byte ^ 3 } else { byte }))
        .collect();
    let (descriptors, thumbnails) = thumbnails(&images);
    let n_read = AtomicUsize::new(0);
    let read = |image: usize| {
        n_read.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(thumbnails[image].clone())
    };
    let found = near_duplicates(&descriptors, 8.0, read, || ()).unwrap();
    assert!(
        found
            .iter()
            .all(|found| found.is_some_and(|found| found.group == 0))
    );
    assert!(n_read.into_inner() <= 2 * images.len());
}

#[test]
fn images_of_one_kind_are_compared_in_linear_time() {
    // Different images whose low frequencies are much the same.
    let base = mosaic(7);
    let images: Vec<Rgb> = (0..200)
        .map(|seed| {
            let other = mosaic(1000 + seed);
            let mix = |at: usize, byte: u8| {
                let mixed = (u16::from(byte) * 3 + u16::from(other.pixels[at])) / 4;
                u8::try_from(mixed).unwrap()
            };
            changed(&base, mix)
        })
        .collect();
    let (descriptors, thumbnails) = thumbnails(&images);
    let candidates = |image: &Descriptor| {
        let others = descriptors.iter();
        others
            .filter(|other| image.distance(other) <= CANDIDATE)
            .count()
    };
    assert!(candidates(&descriptors[0]) > 2 * NEAREST);
    let n_read = AtomicUsize::new(0);
    let read = |image: usize| {
        n_read.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(thumbnails[image].clone())
    };
    let found = near_duplicates(&descriptors, 8.0, read, || ()).unwrap();
    assert!(found.iter().all(Option::is_none));
    assert!(n_read.into_inner() <= (1 + NEAREST) * images.len());
}

/// A thumbnail of one kind: the same ground, faintly overlaid with 8 × 8 random squares and with noise.
fn of_one_kind(seed: u64, noise: u64) -> Thumbnail {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let squares: Vec<u8> = (0..64).map(|_| rng.random_range(0..48)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(noise);
    let luma = (0..64 * 64).map(|at| {
        let (x, y) = (at % 64, at / 64);
        let ground = if (16..40).contains(&x) && y > 20 {
            30
        } else {
            180
        };
        ground + squares[y / 8 * 8 + x / 8] + rng.random_range(0..8)
    });
    let chroma = vec![128; Thumbnail::BYTES - 64 * 64];
    Thumbnail::from_bytes(luma.chain(chroma).collect()).unwrap()
}

#[test]
fn copies_among_many_images_of_one_kind_are_found_by_few_comparisons() {
    const N: usize = 4000;
    const COPIES: usize = 40;
    let originals = (0..N).map(|image| of_one_kind(image as u64, 0));
    // Copies of images from all parts of the collection.
    let copied = |copy: usize| copy * N / COPIES;
    let copies = (0..COPIES).map(|copy| of_one_kind(copied(copy) as u64, 1));
    let descriptors: Vec<Descriptor> = { originals.chain(copies) }
        .map(|thumbnail| Descriptor::of(&thumbnail, (64, 64)))
        .collect();
    let mut search = Search::new(&descriptors);
    for table in &mut search.tables {
        (0..N).for_each(|image| table.insert(image));
    }
    for copy in 0..COPIES {
        let image = N + copy;
        let is_alike = |other: &&Descriptor| descriptors[image].distance(other) <= CANDIDATE;
        assert_eq!(descriptors[..N].iter().filter(is_alike).count(), N);
        assert_eq!(search.candidates(image)[0], copied(copy));
        let n_compared = { search.seen_by.iter() }.filter(|&&by| by == image).count();
        assert!(n_compared <= TABLES * NEIGHBORS, "{n_compared}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let images: Vec<Rgb> = (0..40)
        .map(|k| {
            changed(&mosaic(k % 9), |at, byte| {
                byte.saturating_add(u8::try_from(at as u64 % (k + 1)).unwrap() / 8)
            })
        })
        .collect();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| groups(&images))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_failed_read_ends_the_search() {
    let images = [mosaic(1), mosaic(1)];
    let (descriptors, _) = thumbnails(&images);
    let found = near_duplicates(&descriptors, 8.0, Err::<Thumbnail, _>, || ());
    assert_eq!(found.unwrap_err(), 1);
}
