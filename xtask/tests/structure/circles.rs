//! Circles of a graph: its strongly connected components of more than one node (Tarjan, 1972).

use std::collections::{BTreeMap, BTreeSet};

/// Nodes by name, each with those that it leads to.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// Circles of `graph`, each sorted.
pub(crate) fn of(graph: &Graph) -> Vec<Vec<String>> {
    let mut search = Search {
        graph,
        seen: BTreeMap::new(),
        stack: Vec::new(),
        circles: Vec::new(),
    };
    for node in graph.keys() {
        if !search.seen.contains_key(node.as_str()) {
            search.visit(node);
        }
    }
    search.circles
}

struct Search<'g> {
    graph: &'g Graph,
    /// Number in the order of the visits.
    seen: BTreeMap<&'g str, usize>,
    stack: Vec<&'g str>,
    circles: Vec<Vec<String>>,
}

impl<'g> Search<'g> {
    /// Returns the lowest number that `node` leads back to.
    fn visit(&mut self, node: &'g str) -> usize {
        let number = self.seen.len();
        self.seen.insert(node, number);
        self.stack.push(node);
        let mut lowest = number;
        for next in self.graph.get(node).into_iter().flatten() {
            match self.seen.get(next.as_str()) {
                None => lowest = lowest.min(self.visit(next)),
                Some(seen) if self.stack.contains(&next.as_str()) => lowest = lowest.min(*seen),
                Some(_) => {}
            }
        }
        if lowest == number {
            let start = self.stack.iter().rposition(|open| *open == node).unwrap();
            let mut circle: Vec<String> = self.stack.drain(start..).map(str::to_owned).collect();
            circle.sort();
            if circle.len() > 1 {
                self.circles.push(circle);
            }
        }
        lowest
    }
}

#[test]
fn circles_are_found_and_lines_are_none() {
    let graph = |edges: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph
                .entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
        }
        graph
    };
    assert!(of(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    let two = graph(&[
        ("a", "b"),
        ("b", "a"),
        ("b", "c"),
        ("c", "d"),
        ("d", "e"),
        ("e", "c"),
    ]);
    let mut circles = of(&two);
    circles.sort();
    assert_eq!(circles, [vec!["a", "b"], vec!["c", "d", "e"]]);
}
