//! The card as a whole.

use export::ModelConfig;

use crate::data::count_classes;
use crate::front_matter::front_matter;
use crate::markdown::code;
use crate::{Data, Recipe, Scores, limits};

/// Contents of the card.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Configuration of the exported model.
    pub config: ModelConfig,
    /// The images.
    pub data: Data,
    /// The training.
    pub recipe: Recipe,
    /// The scores.
    pub scores: Scores,
}

impl Card {
    /// Name of the model.
    pub(crate) fn title(&self) -> String {
        let ModelConfig {
            architecture,
            classes,
            ..
        } = &self.config;
        format!(
            "{architecture} for images of {}",
            count_classes(classes.len())
        )
    }

    /// Layers before the embedding.
    fn backbone(&self) -> String {
        let architecture = &self.config.architecture;
        match self.config.has_classifier() {
            true => format!("{architecture} → 1000 → ReLU"),
            false => architecture.clone(),
        }
    }

    /// Sentence on the views of an image, where there are several.
    fn views(&self) -> &'static str {
        if !self.config.test_time_flip && self.config.test_time_crops == 1 {
            return "";
        }
        " All scores below and the temperature are of means of logits over several views of an image (`test_time_flip` and \
         `test_time_crops` in `config.json`), while `example.py` and `model.onnx` see one view."
    }

    /// The card in Markdown, with front matter.
    #[must_use]
    pub fn text(&self) -> String {
        let classes: Vec<String> = self.config.classes.iter().map(|name| code(name)).collect();
        let side = self.config.side_px;
        [
            format!(
                "{}\n# {}\n\nPredicts the class of an image, one of {}.\n",
                front_matter(
                    &self.title(),
                    &self.config.architecture,
                    &self.data,
                    &self.scores
                ),
                self.title(),
                classes.join(", ")
            ),
            format!(
                "## Use\n\n`python example.py IMAGE` predicts images with Pillow, numpy and onnxruntime alone. `model.onnx` \
                 takes normalized images `[N, 3, {side}, {side}]`; `config.json` has each step that leads from a file to \
                 them, and from logits to probabilities. `model.safetensors` has the weights by torchvision's names.{}\n",
                self.views()
            ),
            self.data.section(),
            self.recipe.section(&self.backbone()),
            self.scores.section(),
            self.scores.calibration(self.config.temperature),
            limits::section(&self.data),
            "## License\n\nUndecided. Whoever publishes this model decides, with regard to the rights in the images, and to \
             the license of the pretrained weights: replace this section, and `license` and `license_name` at the top.\n"
                .to_owned(),
        ]
        .join("\n")
    }
}
