//! The card of the exported model, in Markdown with the front matter of the Hugging Face hub: what the model is, what it
//! was made from and how, its scores, and its limits.
//!
//! A card has no date and nothing of the machine: the same study has the same card.

mod card;
mod data;
mod front_matter;
mod limits;
mod markdown;
mod recipe;
mod scores;

pub use card::Card;
pub use data::Data;
pub use recipe::{Recipe, Weights};
pub use scores::Scores;
