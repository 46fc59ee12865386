/// A mistake in a space, or the failure of a sampler.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A parameter's declaration is invalid.
    #[error("`{param}` {what}")]
    Declared {
        /// The parameter.
        param: String,
        /// Its mistake: value found and value expected.
        what: String,
    },
    /// A space without parameters.
    #[error("the space has no parameter")]
    Empty,
    /// Conditions that depend on each other.
    #[error("the conditions of `{0}` form a cycle")]
    Cycle(String),
    /// argmin failed.
    #[error("cannot move the swarm: {0}")]
    Swarm(String),
}
