//! The recipe: all that is needed to make the study again.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;

use crate::ReportError;
use crate::draw::format::{count, counted};
use crate::draw::table::table;
use crate::page::RUN_FILE;
use crate::page::annotations::Annotations;
use crate::page::recipe::Recipe;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::reads;

/// Tables of settings that the page shows at once; the others are folded.
const SHOWN: [&str; 3] = ["model", "train", "evaluation"];

reads! {
    /// Tables of the section.
    pub(crate) struct RecipeSection {
        annotations: Annotations,
    }
}

impl Section for RecipeSection {
    fn draw(&self, context: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let recipe = &context.options.recipe;
        let (shown, others): (Vec<_>, Vec<_>) = { settings(recipe).into_iter() }
            .partition(|(name, _)| SHOWN.contains(&name.split('.').next().unwrap_or(name)));
        let body = html! {
            p {
                "The same images, settings and version of atelier give the same numbers. Settings are those of "
                code { "params.toml" } " and its overlay as this study used them; those of the same stages can be "
                "changed with " code { "--set" } "."
            }
            (self.facts(recipe))
            p.note #run {
                "Date, device, training time and commit differ between runs with the same results: they are in the file "
                code { (RUN_FILE) } " beside this page, and are shown here where it is."
            }
            (list("Settings of network and training", &shown))
            @if !others.is_empty() {
                details { summary { "All other settings" } (list("Settings of the other stages", &others)) }
            }
        };
        Ok(Some(Content {
            id: "recipe",
            heading: "Recipe",
            body,
            figures: Vec::new(),
        }))
    }
}

impl RecipeSection {
    fn facts(&self, recipe: &Recipe) -> Markup {
        html! {
            dl.settings {
                div { dt { "architecture" } dd { (self.architecture(recipe)) } }
                div { dt { "parameters" } dd { (count(recipe.parameters)) } }
                div { dt { "weights" } dd {
                    @match &recipe.weights {
                        Some(weights) => { (weights.name) ", SHA-256 " span.path { (weights.sha256) } },
                        None => "random: the networks started from no pretrained weights",
                    }
                } }
                @if let Some(seed) = find(recipe, "seed") { div { dt { "seed" } dd { (text(seed)) } } }
                div { dt { "images" } dd {
                    (counted(self.annotations.len(), "image")) ", SHA-256 " span.path { (digests::of_images(&self.annotations)) }
                    " of the lines that " code { "b3sum" } " prints for them, sorted by path"
                } }
                div { dt { "labels" } dd {
                    "SHA-256 " span.path { (digests::of_labels(&self.annotations)) }
                    " of the lines of path, class, author and existing split, with tabs between them"
                } }
            }
        }
    }

    fn architecture(&self, recipe: &Recipe) -> String {
        let of = |name| find(recipe, name).map_or_else(String::new, text);
        let size = |side: String| format!("{side} × {side} pixels");
        let side = of("train.side_px");
        // 0 stands for the side of the training.
        let evaluated = find(recipe, "evaluation.side_px").map(text);
        let evaluated = evaluated.filter(|evaluated| *evaluated != "0" && *evaluated != side);
        let images = match evaluated {
            Some(evaluated) => format!(
                "images of {} in training and of {} in evaluation",
                size(side),
                size(evaluated)
            ),
            None => format!("images of {}", size(side)),
        };
        let classifier = match find(recipe, "model.classifier") {
            Some(Value::Bool(true)) => ", its classifier of 1000 classes",
            _ => "",
        };
        format!(
            "ResNet-{}{classifier}, an embedding of {} dimensions, and a linear layer to {} classes; {images}",
            of("model.resnet"),
            of("model.embedding_size"),
            self.annotations.labels().len(),
        )
    }
}

/// The setting of a dotted name.
fn find<'a>(recipe: &'a Recipe, name: &str) -> Option<&'a Value> {
    let (table, key) = match name.split_once('.') {
        Some((table, key)) => (table, Some(key)),
        None => (name, None),
    };
    let (_, value) = recipe.settings.iter().find(|(name, _)| name == table)?;
    key.map_or(Some(value), |key| value.get(key))
}

/// Settings by dotted name: the stages in their order, the settings of each sorted.
fn settings(recipe: &Recipe) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    for (name, value) in &recipe.settings {
        collect(name.clone(), value, &mut settings);
    }
    settings
}

fn collect(name: String, value: &Value, settings: &mut Vec<(String, String)>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            let sorted: BTreeMap<&String, &Value> = table.iter().collect();
            for (key, value) in sorted {
                collect(format!("{name}.{key}"), value, settings);
            }
        }
        value => settings.push((name, text(value))),
    }
}

/// A value as `params.toml` writes it.
fn text(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(table) => {
            let items = table.iter();
            let items: Vec<String> = items
                .map(|(key, value)| format!("{key} = {}", text(value)))
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
        // Text and numbers are written as in JSON.
        other => other.to_string(),
    }
}

fn list(caption: &str, settings: &[(String, String)]) -> Markup {
    let head = html! { tr { th scope="col" { "setting" } th.words scope="col" { "value" } } };
    let body = html! {
        @for (name, value) in settings { tr { th.path scope="row" { (name) } td."path words" { (value) } } }
    };
    table(caption, &head, &body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::page::recipe::{Recipe, Weights};
    use crate::tests::fixture::{options, png, report, study};
    use crate::{Options, render};

    fn recipe() -> Recipe {
        Recipe {
            settings: vec![
                ("seed".to_owned(), json!(7)),
                (
                    "model".to_owned(),
                    json!({ "resnet": 18, "classifier": true, "embedding_size": 32 }),
                ),
                (
                    "train".to_owned(),
                    json!({ "side_px": 224, "lr": 1e-4, "optimizer": "adam", "augmentation": { "flip": true } }),
                ),
                (
                    "forest-search".to_owned(),
                    json!({ "space": { "n_trees": { "int": [10, 1000] } } }),
                ),
            ],
            weights: Some(Weights {
                name: "resnet18.pth".to_owned(),
                sha256: "0123abcd".to_owned(),
            }),
            parameters: 11_689_512,
        }
    }

    #[test]
    fn the_page_has_the_recipe() {
        let options = Options {
            recipe: recipe(),
            ..options()
        };
        let report = render(&study(), &options, None, |_| Ok(png())).unwrap();
        for part in [
            "ResNet-18, its classifier of 1000 classes, an embedding of 32 dimensions, and a linear layer to 2 classes; images of 224 × 224 pixels",
            "<dd>11,689,512</dd>",
            "resnet18.pth, SHA-256 <span class=\"path\">0123abcd</span>",
            "<dt>seed</dt><dd>7</dd>",
            "run.js",
        ] {
            assert!(report.page.contains(part), "{part}");
        }
        let csv = |name: &str| {
            let file = report.tables.iter().find(|file| file.name == name);
            file.unwrap().csv.clone()
        };
        assert_eq!(
            csv("settings-of-network-and-training.csv"),
            "setting,value\nmodel.classifier,true\nmodel.embedding_size,32\nmodel.resnet,18\n\
             train.augmentation.flip,true\ntrain.lr,0.0001\ntrain.optimizer,\"\"\"adam\"\"\"\ntrain.side_px,224\n"
        );
        assert!(
            csv("settings-of-the-other-stages.csv")
                .contains("forest-search.space.n_trees.int,\"[10, 1000]\"")
        );
    }

    #[test]
    fn another_side_in_evaluation_is_named() {
        let page = |side_px: u32| {
            let mut recipe = recipe();
            let evaluation = json!({ "flip": false, "crops": 1, "side_px": side_px });
            recipe.settings.push(("evaluation".to_owned(), evaluation));
            let options = Options {
                recipe,
                ..options()
            };
            render(&study(), &options, None, |_| Ok(png()))
                .unwrap()
                .page
        };
        let both = "images of 224 × 224 pixels in training and of 256 × 256 pixels in evaluation";
        assert!(page(256).contains(both));
        assert!(page(0).contains("2 classes; images of 224 × 224 pixels</dd>"));
    }

    #[test]
    fn a_study_from_random_weights_says_so() {
        let page = report(&study()).page;
        assert!(page.contains("random: the networks started from no pretrained weights"));
    }
}
