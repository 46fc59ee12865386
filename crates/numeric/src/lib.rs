//! Arithmetic that several crates of the study share: classes and their indices, distances, scores and their order, probabilities
//! and losses, medians, balanced draws, intervals as text. No input or output.
//!
//! All training stages depend on this crate: a function enters with its second user.
//!
//! Letters of shapes: `N` rows, `F` columns, `K` classes. A class index is below `K`; scores are any numbers of which
//! the higher is better, such as logits or probabilities.
//!
//! There are two rules for equal scores, both those of the libraries that readers compare with. The predicted class is
//! the first of equals, as in `numpy.argmax`: [`argmax`]. In ranks and top-k accuracies the later class precedes, as in
//! scikit-learn's `top_k_accuracy_score`: [`rank`], [`ranking`], [`top_k_accuracy`].

mod balance;
mod classes;
mod columns;
mod matrix;
mod quantiles;
mod ranking;
mod softmax;
mod text;

pub use balance::{balanced_draws, balanced_weights, in_turns, inverse_counts};
pub use classes::{Classes, UnknownLabel};
pub use columns::Columns;
pub use matrix::{Matrix, MatrixError, check_rows};
pub use quantiles::{median, median_high, quantile};
pub use ranking::{argmax, mean_share, rank, ranking, top_k_accuracy};
pub use softmax::{clamped_loss, cross_entropy, log_sum_exp, softmax};
pub use text::interval_text;
