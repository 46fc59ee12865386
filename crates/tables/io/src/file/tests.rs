//! Rows survive a round trip, and files have the types that other tools expect.

use arrow_schema::DataType;
use table_balance::Balance;
use table_folds::Fold;
use table_predictions::Prediction;
use table_scores::Score;
use tables::{Assignment, Subset};

use super::*;

fn prediction(path: &str, width: usize) -> Prediction {
    Prediction {
        path: path.to_owned(),
        label: "rococo".to_owned(),
        subset: Subset::Train,
        logits: vec![0.5, -1.5],
        probabilities: vec![0.75, 0.25],
        embedding: vec![0.125; width],
        predicted: "rococo".to_owned(),
    }
}

fn write(path: &Path, groups: Vec<Vec<Prediction>>) -> Result<(), TableError> {
    let mut writer = Writer::create(path);
    for rows in groups {
        writer.append(rows)?;
    }
    writer.finish()
}

#[test]
fn rows_come_back_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    write(&path, vec![vec![prediction("b", 3), prediction("a", 3)]]).unwrap();
    let rows = Reader::<Prediction>::new(&path).read().unwrap();
    assert_eq!(rows, [prediction("a", 3), prediction("b", 3)]);
}

#[test]
fn each_append_is_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    write(
        &path,
        vec![vec![prediction("b", 3)], vec![prediction("a", 3)]],
    )
    .unwrap();
    let groups: Vec<_> = Reader::<Prediction>::new(&path)
        .batches()
        .unwrap()
        .map(|group| group.unwrap()[0].path.clone())
        .collect();
    assert_eq!(groups, ["b", "a"]);
}

#[test]
fn two_writes_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["1.parquet", "2.parquet"].map(|name| folder.path().join(name));
    for path in &paths {
        write(path, vec![vec![prediction("a", 3), prediction("b", 3)]]).unwrap();
    }
    assert_eq!(
        fs_err::read(&paths[0]).unwrap(),
        fs_err::read(&paths[1]).unwrap()
    );
}

#[test]
fn vectors_have_one_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    let error = write(&path, vec![vec![prediction("a", 3), prediction("b", 4)]]).unwrap_err();
    assert!(error.to_string().contains("(\"embedding\", 4)"), "{error}");
}

#[test]
fn columns_have_plain_types() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    write(&path, vec![vec![prediction("a", 3)]]).unwrap();
    let schema = Reader::<Prediction>::new(&path).batches.open().unwrap();
    let types: Vec<_> = schema
        .schema()
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect();
    expect_test::expect![[r#"
        path Utf8
        label Utf8
        subset Utf8
        logits FixedSizeList(2 x non-null Float32)
        probabilities FixedSizeList(2 x non-null Float32)
        embedding FixedSizeList(3 x non-null Float32)
        predicted Utf8"#]]
    .assert_eq(&types.join("\n"));
}

#[test]
fn nulls_survive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    let row = Score {
        model: "network".to_owned(),
        subset: Subset::Test,
        metric: "silhouette".to_owned(),
        value: None,
        low: Some(0.25),
        high: None,
        images: 8,
        authors: 3,
        single_author_classes: 0,
    };
    let mut writer = Writer::create(&path);
    writer.append(vec![row.clone()]).unwrap();
    writer.finish().unwrap();
    assert_eq!(Reader::<Score>::new(&path).read().unwrap(), [row]);
}

#[test]
fn an_empty_table_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    write(&path, Vec::new()).unwrap();
    assert_eq!(Reader::<Prediction>::new(&path).read().unwrap(), []);
}

#[test]
fn another_table_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    write(&path, vec![vec![prediction("a", 3)]]).unwrap();
    let error = Reader::<Score>::new(&path).read().unwrap_err().to_string();
    assert!(error.contains("as table `scores`"), "{error}");
}

#[test]
fn a_truncated_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    write(&path, vec![vec![prediction("a", 3)]]).unwrap();
    let bytes = fs_err::read(&path).unwrap();
    fs_err::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = Reader::<Prediction>::new(&path).read().unwrap_err();
    assert!(matches!(error, TableError::Parquet { .. }), "{error}");
}

#[test]
fn assignments_are_stored_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balance.parquet");
    let rows = [Assignment::Train, Assignment::Fold(2), Assignment::Test].map(|fold| Balance {
        label: "rococo".to_owned(),
        fold,
        authors: 1,
        images: 2,
    });
    let mut writer = Writer::create(&path);
    writer.append(rows.to_vec()).unwrap();
    writer.finish().unwrap();
    let reader = Reader::<Balance>::new(&path);
    assert_eq!(
        reader.batches.open().unwrap().schema().field(1).data_type(),
        &DataType::Utf8
    );
    assert_eq!(reader.read().unwrap(), rows);
}

#[test]
fn an_unknown_assignment_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folds.parquet");
    let row = TextFold {
        path: "1.jpg".to_owned(),
        label: "a".to_owned(),
        author: None,
        fold: "x".to_owned(),
    };
    let mut writer = Writer::create(&path);
    writer.append(vec![row]).unwrap();
    writer.finish().unwrap();
    let error = Reader::<Fold>::new(&path).read().unwrap_err().to_string();
    assert!(
        error.contains("found the fold `x`, expected a number, `train` or `test`"),
        "{error}"
    );
}

/// Rows with assignments as any text, as another program might write them.
#[derive(serde::Serialize, serde::Deserialize)]
struct TextFold {
    path: String,
    label: String,
    author: Option<String>,
    fold: String,
}

impl Table for TextFold {
    const NAME: &'static str = "folds";

    tables::columns!(Self);

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.path.cmp(&other.path)
    }
}
