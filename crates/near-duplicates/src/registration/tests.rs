use super::*;
use images::{Resizer, Rgb};

/// A place from 0 to 1 in both directions to a color of levels.
type Scene = dyn Fn(f64, f64) -> [f64; 3];

fn drawn(size: (u32, u32), scene: &Scene) -> Rgb {
    let (width, height) = size;
    let place = |at: u32, size: u32| (f64::from(at) + 0.5) / f64::from(size);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to levels"
    )]
    let pixels = (0..width * height)
        .flat_map(|at| {
            scene(place(at % width, width), place(at / width, height))
                .map(|value| value.round().clamp(0.0, 255.0) as u8)
        })
        .collect();
    Rgb {
        width,
        height,
        pixels,
    }
}

fn of(size: (u32, u32), scene: &Scene) -> Subject {
    Subject::new(Thumbnail::of(&drawn(size, scene), &mut Resizer::default()).unwrap())
}

/// Hills, an edge and a colored disc.
fn scene(x: f64, y: f64) -> [f64; 3] {
    let hills = 110.0 + 50.0 * (7.0 * x + 2.0 * y).sin() * (5.0 * y - x).cos();
    let edge = if x + 0.4 * y > 0.8 { 40.0 } else { -20.0 };
    let disc = if (x - 0.35).hypot(y - 0.6) < 0.15 {
        60.0
    } else {
        0.0
    };
    [hills + edge + disc, hills + edge, hills - disc / 2.0]
}

const SIZE: (u32, u32) = (240, 180);

const LIMIT: f32 = 8.0;

fn from_scene(other: &Subject) -> f32 {
    let reference = of(SIZE, &scene);
    let found = difference(&reference, other, f32::INFINITY);
    // A limit changes no difference up to it.
    let limited = difference(&reference, other, LIMIT);
    assert!(
        (limited - found).abs() < 1e-6 || found.min(limited) > LIMIT,
        "{found} {limited}"
    );
    found
}

#[test]
fn copies_differ_by_few_levels() {
    let resized = of((97, 73), &scene);
    assert!(from_scene(&resized) < 4.0, "{}", from_scene(&resized));
    let brighter = of(SIZE, &|x, y| scene(x, y).map(|value| 1.1 * value + 6.0));
    assert!(from_scene(&brighter) < 4.0, "{}", from_scene(&brighter));
    let noisy = of(SIZE, &|x, y| {
        scene(x, y).map(|value| value + 12.0 * (3917.0 * x + 2553.0 * y).sin())
    });
    assert!(from_scene(&noisy) < 4.0, "{}", from_scene(&noisy));
}

#[test]
fn a_slight_crop_is_aligned() {
    for (left, top, share) in [(0.03, 0.02, 0.95), (0.0, 0.05, 0.95), (0.02, 0.0, 0.97)] {
        let cropped = of(SIZE, &move |x, y| scene(left + share * x, top + share * y));
        let found = from_scene(&cropped);
        assert!(found < 6.0, "{left} {top}: {found}");
    }
}

#[test]
fn a_large_crop_is_another_image() {
    let cropped = of(SIZE, &|x, y| scene(0.3 + 0.6 * x, 0.3 + 0.6 * y));
    assert!(from_scene(&cropped) > 15.0);
}

#[test]
fn a_small_object_makes_another_image() {
    let changed = of(SIZE, &|x, y| {
        let inside = (0.1..0.2).contains(&x) && (0.2..0.3).contains(&y);
        scene(x, y).map(|value| if inside { value - 80.0 } else { value })
    });
    assert!(from_scene(&changed) > 15.0, "{}", from_scene(&changed));
}

#[test]
fn another_color_makes_another_image() {
    let recolored = of(SIZE, &|x, y| {
        let [red, green, blue] = scene(x, y);
        [blue, green, red]
    });
    assert!(from_scene(&recolored) > 15.0, "{}", from_scene(&recolored));
}

#[test]
fn a_mirrored_copy_is_another_image() {
    let mirrored = of(SIZE, &|x, y| scene(1.0 - x, y));
    assert!(from_scene(&mirrored) > 15.0);
}

#[test]
fn images_of_low_contrast_are_compared_at_equal_contrast() {
    let faint = |x: f64, y: f64| [200.0 + 4.0 * (9.0 * x).sin() * (7.0 * y).cos(); 3];
    let other = |x: f64, y: f64| [200.0 + 4.0 * (6.0 * x).cos() * (11.0 * y).sin(); 3];
    assert!(difference(&of(SIZE, &faint), &of(SIZE, &other), LIMIT) > 12.0);
    assert!(difference(&of(SIZE, &faint), &of((120, 90), &faint), LIMIT) < 3.0);
}

#[test]
fn elimination_solves_a_system() {
    let mut matrix = [[0.0; UNKNOWNS]; UNKNOWNS];
    for (i, row) in matrix.iter_mut().enumerate() {
        // A permutation with one more number, so that pivots are needed.
        row[(i + 1) % UNKNOWNS] = 2.0;
        row[0] += 1.0;
    }
    let x = [1.0, -2.0, 3.0, 0.5, -1.0, 4.0];
    let right = matrix.map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum());
    let found = solve(matrix, right).unwrap();
    for (found, expected) in found.iter().zip(x) {
        assert!((found - expected).abs() < 1e-12);
    }
    assert!(solve([[0.0; UNKNOWNS]; UNKNOWNS], [1.0; UNKNOWNS]).is_none());
}
