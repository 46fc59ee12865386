use super::*;

fn found(files: &[&str]) -> FolderScan {
    let mut files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    files.sort();
    FolderScan {
        files,
        ..FolderScan::default()
    }
}

fn settings(pattern: &str) -> Settings {
    Settings {
        author_pattern: pattern.to_owned(),
        ..Settings::default()
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// Path, class, author and subset of the split of each candidate.
fn shown(grouped: &GroupedFiles) -> Vec<(&str, &str, &str, &str)> {
    let rows = grouped.candidates.iter();
    rows.map(|row| {
        let author = row.author.as_deref().unwrap_or("-");
        (
            row.path.as_str(),
            row.label.as_str(),
            author,
            row.split.map_or("-", Subset::name),
        )
    })
    .collect()
}

fn problems(grouped: &GroupedFiles) -> Vec<(&str, &str)> {
    let problems = grouped.problems.iter();
    problems
        .map(|problem| (problem.path.as_str(), problem.reason.as_str()))
        .collect()
}

fn faults(found: FolderScan, settings: &Settings) -> Vec<String> {
    match group(found, settings, None) {
        Err(CollectionError::Settings(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

fn table(text: &str) -> LabelTable {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    fs_err::write(&path, text).unwrap();
    LabelTable::read(&path).unwrap()
}

#[test]
fn folders_are_classes_and_sub_folders_authors() {
    let files = found(&[
        "Benign/p1/0.png",
        "Benign/p2/0.png",
        "malign/p1/0.png",
        "malign/1.png",
        "notes.md",
    ]);
    let grouped = group(files, &settings("{author}/{title}"), None).unwrap();
    assert_eq!(
        shown(&grouped),
        [
            ("Benign/p1/0.png", "benign", "p1", "-"),
            ("Benign/p2/0.png", "benign", "p2", "-"),
            ("malign/p1/0.png", "malign", "p1", "-"),
        ]
    );
    // The class folder is no author.
    assert_eq!(
        problems(&grouped),
        [
            ("notes.md", "outside-classes"),
            ("malign/1.png", "no-author")
        ]
    );
}

#[test]
fn composed_and_decomposed_names_are_one_class() {
    let files = found(&["\u{c5}sa/1.png", "A\u{30a}sa/2.png", "dog/1.png"]);
    let grouped = group(files, &settings(""), None).unwrap();
    assert_eq!(grouped.labels.len(), 2);
    assert_eq!(grouped.spellings["\u{e5}sa"].len(), 2);
    let wanted = Settings {
        leave_out: names(&["A\u{30a}SA"]),
        ..settings("")
    };
    let files = found(&["\u{c5}sa/1.png", "dog/1.png"]);
    let grouped = group(files, &wanted, None).unwrap();
    assert_eq!(shown(&grouped), [("dog/1.png", "dog", "-", "-")]);
    assert_eq!(grouped.left_out["\u{e5}sa"], 1);
}

#[test]
fn names_that_mean_no_author_are_none() {
    let files = found(&[
        "a/N.A._1.png",
        "a/Unknown-Artist_2.png",
        "a/ada_3.png",
        "a/__4.png",
    ]);
    let grouped = group(files, &settings("{author}_{title}"), None).unwrap();
    let authors: Vec<_> = shown(&grouped)
        .into_iter()
        .map(|(_, _, author, _)| author)
        .collect();
    assert_eq!(authors, ["-", "-", "ada"]);
    assert_eq!(grouped.no_author.len(), 2);
    let kept = Settings {
        no_author: Vec::new(),
        ..settings("{author}_{title}")
    };
    let grouped = group(found(&["a/anon_1.png"]), &kept, None).unwrap();
    assert_eq!(shown(&grouped), [("a/anon_1.png", "a", "anon", "-")]);
}

#[test]
fn an_existing_split_is_recognized() {
    let files = || {
        found(&[
            "train/cat/ada_1.png",
            "valid/cat/bo_1.png",
            "valid/dog/bo_2.png",
            "train/list.txt",
        ])
    };
    let grouped = group(files(), &settings("{author}_{title}"), None).unwrap();
    assert_eq!(
        shown(&grouped),
        [
            ("train/cat/ada_1.png", "cat", "ada", "train"),
            ("valid/cat/bo_1.png", "cat", "bo", "validation"),
            ("valid/dog/bo_2.png", "dog", "bo", "validation"),
        ]
    );
    assert_eq!(problems(&grouped), [("train/list.txt", "outside-classes")]);
    let ignored = Settings {
        split_folders: SplitFolders::Ignore,
        ..settings("")
    };
    let grouped = group(files(), &ignored, None).unwrap();
    assert_eq!(shown(&grouped)[0].1, "train");
    let wanted = Settings {
        split_folders: SplitFolders::Use,
        ..settings("")
    };
    let faults = faults(found(&["train/cat/1.png", "extra/cat/1.png"]), &wanted);
    assert!(faults[0].contains("found extra"), "{faults:?}");
}

#[test]
fn classes_are_chosen_left_out_and_merged() {
    let files = || found(&["cat/1.png", "dog/1.png", "owl/1.png", "rare/1.png"]);
    let wanted = Settings {
        leave_out: names(&["rare"]),
        merge: [("Pets".to_owned(), names(&["cat", "Dog"]))].into(),
        ..settings("")
    };
    let grouped = group(files(), &wanted, None).unwrap();
    let labels: Vec<_> = grouped
        .candidates
        .iter()
        .map(|row| (row.label.as_str(), row.own_label.as_str()))
        .collect();
    assert_eq!(labels, [("pets", "cat"), ("pets", "dog"), ("owl", "owl")]);
    let chosen = Settings {
        classes: names(&["owl", "cat"]),
        ..settings("")
    };
    let grouped = group(files(), &chosen, None).unwrap();
    assert_eq!(shown(&grouped).len(), 2);
}

#[test]
fn all_settings_that_name_no_class_are_listed() {
    let wrong = Settings {
        without_authors: names(&["cta"]),
        leave_out: names(&["owls"]),
        merge: [
            ("pets".to_owned(), names(&["cat", "dgo"])),
            ("owl".to_owned(), names(&["cat"])),
        ]
        .into(),
        one_class: "bird".to_owned(),
        ..settings("")
    };
    let faults = faults(found(&["cat/1.png", "dog/1.png", "owl/1.png"]), &wrong);
    let starts = [
        "`merge.owl` makes a class `owl`, which is there already",
        "`merge.pets` names `dgo`, which is no class; did you mean `dog`?",
        "`merge` puts `cat` into `owl` and into `pets`",
        "`without_authors` names `cta`, which is no class; did you mean `cat`?",
        "`leave_out` names `owls`, which is no class; did you mean `owl`?",
        "`one_class` names `bird`, which is no class",
    ];
    for start in starts {
        assert!(
            faults.iter().any(|fault| fault.starts_with(start)),
            "{start}: {faults:?}"
        );
    }
    assert_eq!(faults.len(), starts.len(), "{faults:?}");
}

#[test]
fn a_table_gives_class_author_split_and_attributes() {
    let table = table(
        "path,label,author,split,year\n1.png,Cat,Ada,train,1990\n2.png,dog,,test,\nodd/3.png,dog,unknown,train,2001\ngone.png,dog,bo,,\n4.png,,bo,,\n",
    );
    let files = found(&["1.png", "2.png", "odd/3.png", "4.png", "5.png"]);
    let grouped = group(files, &settings("{author}_{title}"), Some(&table)).unwrap();
    assert_eq!(
        shown(&grouped),
        [
            ("1.png", "cat", "ada", "train"),
            ("2.png", "dog", "-", "test"),
            ("odd/3.png", "dog", "-", "train"),
        ]
    );
    assert!(!grouped.authors_by_pattern);
    assert_eq!(
        problems(&grouped),
        [
            ("4.png", "no-label"),
            ("5.png", "no-row"),
            ("gone.png", "no-file")
        ]
    );
    assert_eq!(
        grouped.candidates[0].attributes,
        [("year".to_owned(), "1990".to_owned())]
    );
    assert!(grouped.candidates[1].attributes.is_empty());
}

#[test]
fn a_table_of_other_paths_is_refused() {
    let table = table("path,author\nimages/cat/1.png,ada\n");
    let error = group(found(&["cat/1.png"]), &settings(""), Some(&table)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no `path` of the table of labels is a file of the folder: expected paths relative to it such as `cat/1.png`, found `images/cat/1.png`"
    );
}

#[test]
fn a_pattern_may_name_the_class() {
    let files = found(&["cat.1.jpg", "Dog.2.jpg", "readme"]);
    let grouped = group(files, &settings("{label}.{title}"), None).unwrap();
    assert_eq!(
        shown(&grouped),
        [
            ("Dog.2.jpg", "dog", "-", "-"),
            ("cat.1.jpg", "cat", "-", "-")
        ]
    );
    assert_eq!(problems(&grouped), [("readme", "no-label")]);
    let files = found(&["ada/cat/1.jpg", "bo/dog/1.jpg"]);
    let grouped = group(files, &settings("{author}/{label}/{title}"), None).unwrap();
    assert_eq!(shown(&grouped)[1], ("bo/dog/1.jpg", "dog", "bo", "-"));
}
