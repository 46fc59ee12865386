/// What is wrong with a space, or keeps a sampler from drawing.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A parameter's declaration cannot be understood.
    #[error("`{param}` {what}")]
    Declared {
        /// The parameter.
        param: String,
        /// What was found and what was expected.
        what: String,
    },
    /// There is nothing to search.
    #[error("the space has no parameter")]
    Empty,
    /// Parameters wait for each other.
    #[error("the conditions of `{0}` form a cycle")]
    Cycle(String),
    /// argmin gave up.
    #[error("cannot move the swarm: {0}")]
    Swarm(String),
}
