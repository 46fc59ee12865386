//! Splits without some of the classes.

use std::collections::BTreeMap;

use tables::Subset;
use trainer::FoldSplit;

use crate::HoldOutError;

/// Returns `split` without the classes called `held_out`: their images are [`Subset::Unseen`], and the other classes
/// are numbered anew. Held-out classes come after the learned ones.
///
/// # Errors
/// A class doesn't exist, or fewer than two are left.
pub fn hold_out(split: FoldSplit, held_out: &[String]) -> Result<FoldSplit, HoldOutError> {
    check_known(held_out, &split.classes)?;
    let is_out = |class: &String| held_out.contains(class);
    let (out, left): (Vec<String>, Vec<String>) = split.classes.iter().cloned().partition(is_out);
    if left.len() < 2 {
        return Err(HoldOutError::TooFewClasses(left.len()));
    }
    let new_indices: BTreeMap<&String, u32> = left.iter().chain(&out).zip(0..).collect();
    let (mut class_indices, mut subsets) = (split.class_indices, split.subsets);
    for (class_index, subset) in class_indices.iter_mut().zip(&mut subsets) {
        *class_index = new_indices[&split.classes[*class_index as usize]];
        if *class_index as usize >= left.len() {
            *subset = Subset::Unseen;
        }
    }
    Ok(FoldSplit {
        fold: split.fold,
        classes: left,
        class_indices,
        subsets,
    })
}

fn check_known(names: &[String], classes: &[String]) -> Result<(), HoldOutError> {
    let Some(name) = names.iter().find(|name| !classes.contains(name)) else {
        return Ok(());
    };
    let nearest = nearest_name::nearest(name, classes.iter().map(String::as_str));
    Err(HoldOutError::UnknownClass {
        name: name.clone(),
        nearest: nearest.unwrap_or_default().to_owned(),
        classes: classes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(classes: &[&str], rows: &[(u32, Subset)]) -> FoldSplit {
        FoldSplit {
            fold: 1,
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            class_indices: rows.iter().map(|row| row.0).collect(),
            subsets: rows.iter().map(|row| row.1).collect(),
        }
    }

    #[test]
    fn a_held_out_class_is_numbered_last_and_unseen() {
        let rows = [
            (0, Subset::Train),
            (1, Subset::Validation),
            (2, Subset::Validation),
            (0, Subset::Validation),
            (2, Subset::Test),
        ];
        let split = hold_out(split(&["a", "b", "c"], &rows), &["a".to_owned()]).unwrap();
        assert_eq!(split.classes, ["b", "c"]);
        assert_eq!(split.class_indices, [2, 0, 1, 2, 1]);
        assert_eq!(split.images(Subset::Unseen), [0, 3]);
        assert_eq!(split.images(Subset::Validation), [1, 2]);
        assert_eq!(split.images(Subset::Test), [4]);
    }

    #[test]
    fn held_out_classes_exist_and_leave_two() {
        let rows = [(0, Subset::Validation), (1, Subset::Train)];
        let hold = |name: &str| {
            let split = split(&["a", "b"], &rows);
            hold_out(split, &[name.to_owned()]).unwrap_err()
        };
        assert_eq!(
            hold("a").to_string(),
            "found 1 classes: expected at least 2"
        );
        assert_eq!(
            hold("bb").to_string(),
            "`bb` is no class; did you mean `b`? The classes are a, b"
        );
    }
}
