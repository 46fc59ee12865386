//! Settings of a grouping, with their reasons.

use collection::{FolderScan, SplitFolders, split_folders};

use super::{Grouping, NAMES, Table};
use crate::authors::{Candidate, Source};
use crate::columns::{self, Matched};
use crate::layout::Layout;
use crate::plan::{Setting, counted};

impl Grouping {
    pub(super) fn set(&mut self, key: &str, value: serde_json::Value, reason: impl Into<String>) {
        self.reasons.push(Setting::new(key, value, reason));
    }

    /// An existing split in folders; forced where the stage wouldn't recognize it.
    pub(super) fn split(&mut self, layout: &Layout, found: &FolderScan) {
        for folder in &layout.unlabelled {
            self.remarks.push(format!(
                "`{folder}` has no folders for classes: its images are left out"
            ));
        }
        if layout.subsets.is_empty() {
            return;
        }
        let by_itself = split_folders(found.files.iter().map(String::as_str));
        if by_itself.is_empty() {
            self.settings.split_folders = SplitFolders::Use;
            let names: Vec<&str> = layout.subsets.keys().map(String::as_str).collect();
            self.set(
                "annotate.split_folders",
                "use".into(),
                format!("{} are subsets of a split", names.join(", ")),
            );
        }
        for folder in &layout.beside {
            self.undecided.push(format!(
                "whether `{folder}` beside the subsets belongs to the study: move it, or name it in `.atelierignore`"
            ));
        }
    }

    /// `annotate.author_pattern` and what goes with it.
    pub(super) fn set_pattern(&mut self, prefix: Option<&str>, n_images: usize) {
        let label = prefix.map(|separator| format!("{{label}}{separator}"));
        let chosen = self.authors.clone();
        let pattern = chosen.as_ref().and_then(|chosen| chosen.source.pattern());
        let reason = match (&chosen, &label) {
            (Some(chosen), _) => chosen_reason(chosen),
            (None, Some(_)) => "names of files begin with the class".to_owned(),
            (None, None) => none_reason(&self.refused),
        };
        self.settings.author_pattern = match (label, pattern) {
            (Some(label), Some(pattern)) => label + pattern,
            (Some(label), None) => label + "{title}",
            (None, Some(pattern)) => pattern.to_owned(),
            (None, None) => String::new(),
        };
        let value = self.settings.author_pattern.clone();
        self.set("annotate.author_pattern", value.into(), reason);
        let Some(chosen) = &chosen else {
            self.undecided.push(format!(
                "whether images have authors (people, patients, sites, cameras) who stand in several of the {n_images} images: \
                 `annotate.author_pattern` or `images.table`"
            ));
            return;
        };
        if !chosen.without.is_empty() && pattern.is_some() {
            self.settings.without_authors.clone_from(&chosen.without);
            let value = serde_json::json!(chosen.without);
            self.set(
                "annotate.without_authors",
                value,
                "names of these classes follow no pattern with several authors",
            );
        }
        self.unknown_authors(chosen);
    }

    /// Names that mean "no author" besides the usual ones, and names that might.
    pub(super) fn unknown_authors(&mut self, chosen: &Candidate) {
        let letters = |name: &str| crate::names::key(name);
        let usual: Vec<String> = self
            .settings
            .no_author
            .iter()
            .map(|name| letters(name))
            .collect();
        let new: Vec<String> = { chosen.no_author.iter() }
            .filter(|name| !letters(name).is_empty() && !usual.contains(&letters(name)))
            .cloned()
            .collect();
        if !new.is_empty() {
            self.settings.no_author.extend(new.iter().cloned());
            let value = serde_json::json!(self.settings.no_author);
            let names: Vec<String> = new.iter().map(|name| format!("`{name}`")).collect();
            self.set(
                "annotate.no_author",
                value,
                format!("{} stands where no author is known", names.join(", ")),
            );
        }
        let (name, count) = &chosen.largest;
        if count * 3 > chosen.images {
            self.undecided.push(format!(
                "whether `{name}` is an author: {count} of {} images are by it; if it is none, name it in `annotate.no_author`",
                chosen.images
            ));
        }
    }

    /// `images.table`, written first where its columns have other names.
    pub(super) fn set_table(
        &mut self,
        table: &Table,
        matched: &Matched,
        with_label: bool,
        paths: &[&str],
        file: &str,
    ) {
        let column = match self.authors.as_ref().map(|chosen| &chosen.source) {
            Some(Source::Column(name)) => {
                table.cells.columns.iter().position(|other| other == name)
            }
            _ => None,
        };
        if !with_label && column.is_none() && matched.split.is_none() {
            return;
        }
        let is_first = column.is_none() || column == matched.authors.first().copied();
        let is_plain = matched.is_plain && is_first && matched.n_rows() == paths.len();
        // A label column beside class folders would take their place.
        if is_plain && (with_label || matched.label.is_none()) {
            self.table = Some((table.setting.clone(), None));
        } else {
            let text = columns::plain(&table.cells, matched, column, with_label, paths);
            self.table = Some((file.to_owned(), Some(text)));
        }
        let name = |column: Option<usize>| {
            column.map(|column| format!("`{}`", table.cells.columns[column]))
        };
        let used = [
            ("files", name(Some(matched.path))),
            ("classes", name(matched.label.filter(|_| with_label))),
            ("authors", name(column)),
            ("the split", name(matched.split)),
        ];
        let used: Vec<String> = { used.into_iter() }
            .filter_map(|(what, column)| Some(format!("{what} by {}", column?)))
            .collect();
        let setting = self
            .table
            .as_ref()
            .map_or("", |(setting, _)| setting)
            .to_owned();
        let reason = match table.setting.as_str() {
            NAMES => "names of files begin with the class: a table of them".to_owned(),
            setting => format!("`{setting}` has {}", used.join(", ")),
        };
        self.set("images.table", setting.into(), reason);
        let missing = paths.len() - matched.n_rows();
        if missing > 0 {
            let without = counted(missing, "image has", "images have");
            self.remarks
                .push(format!("{without} no row in `{}`: left out", table.setting));
        }
    }
}

fn chosen_reason(chosen: &Candidate) -> String {
    let each = chosen.images as f64 / chosen.authors.max(1) as f64;
    let by = match &chosen.source {
        Source::Name(_) => "names of files".to_owned(),
        Source::Folders(_) => "sub-folders of the classes".to_owned(),
        Source::Column(name) => format!("the column `{name}`"),
    };
    format!(
        "{} authors of {} images by {by}: {each:.1} images each, {} of them in several classes",
        chosen.authors, chosen.images, chosen.in_several_classes
    )
}

fn none_reason(refused: &[Candidate]) -> String {
    let tried: Vec<String> = { refused.iter().take(2) }
        .filter_map(|candidate| {
            let source = match &candidate.source {
                Source::Name(pattern) | Source::Folders(pattern) => pattern,
                Source::Column(name) => name,
            };
            Some(format!("`{source}`: {}", candidate.refusal.as_ref()?))
        })
        .collect();
    match tried.is_empty() {
        true => "neither names of files nor folders tell authors".to_owned(),
        false => format!("no authors: {}", tried.join("; ")),
    }
}
