//! Modules of a crate, and which of them names items of which, read by `syn`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;

use crate::circles::Graph;

/// A path from the crate's root, such as `["decode", "geometry"]`; the root's is empty.
type Name = Vec<String>;

/// Modules of one crate, each a file, without tests.
pub(crate) struct Modules {
    modules: BTreeMap<Name, Module>,
}

#[derive(Default)]
struct Module {
    /// Paths that the module names, as written.
    named: Vec<Name>,
    /// Names that it exports of others, each with the path as written.
    exported: BTreeMap<String, Name>,
}

/// Reads the modules of the library or program below `source`; programs of their own in `bin` are none of it.
pub(crate) fn of(source: &Path) -> Modules {
    let mut modules = BTreeMap::new();
    let root = ["lib.rs", "main.rs"].map(|name| source.join(name));
    if let Some(root) = root.into_iter().find(|path| path.exists()) {
        read(&root, source, Vec::new(), &mut modules);
    }
    Modules { modules }
}

/// Reads the file of module `name`, whose children lie in `folder`, and those.
fn read(file: &Path, folder: &Path, name: Name, modules: &mut BTreeMap<Name, Module>) {
    let text = fs_err::read_to_string(file).unwrap();
    let parsed =
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut module = Module::default();
    module.visit_file(&parsed);
    modules.insert(name.clone(), module);
    for item in &parsed.items {
        if let syn::Item::Mod(child) = item
            && child.content.is_none()
            && !is_test(&child.attrs)
        {
            let child = child.ident.to_string();
            let below = folder.join(&child);
            let file = folder.join(format!("{child}.rs"));
            let file = if file.exists() {
                file
            } else {
                below.join("mod.rs")
            };
            let mut inner = name.clone();
            inner.push(child);
            read(&file, &below, inner, modules);
        }
    }
}

/// Returns whether an item is compiled for tests alone.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|condition| condition == "test")
    })
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        let is_export = !matches!(item.vis, syn::Visibility::Inherited);
        for (path, name) in paths {
            if is_export {
                self.exported.insert(name, path.clone());
            }
            self.named.push(path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.named.push(
            path.segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        );
        syn::visit::visit_path(self, path);
    }

    // The path of `pub(in path)` is no use.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

/// All paths of a tree of `use`, each with the name that it brings.
fn flatten(tree: &syn::UseTree, prefix: &mut Name, paths: &mut Vec<(Name, String)>) {
    let mut bring = |prefix: &Name, last: &syn::Ident, name: String| {
        let mut path = prefix.clone();
        if last != "self" {
            path.push(last.to_string());
        }
        paths.push((path, name));
    };
    match tree {
        syn::UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, paths);
            prefix.pop();
        }
        syn::UseTree::Name(name) => bring(prefix, &name.ident, name.ident.to_string()),
        syn::UseTree::Rename(rename) => bring(prefix, &rename.ident, rename.rename.to_string()),
        syn::UseTree::Glob(_) => paths.push((prefix.clone(), "*".to_owned())),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, paths);
            }
        }
    }
}

impl Modules {
    /// Modules by those whose items they name. The root counts for none, as it exports items of others.
    pub(crate) fn uses(&self) -> Graph {
        let mut graph = Graph::new();
        for (name, module) in &self.modules {
            let owners = module
                .named
                .iter()
                .filter_map(|path| self.owner(name, path, 0));
            let others: BTreeSet<String> = owners
                .filter(|owner| owner != name && !owner.is_empty())
                .map(|owner| owner.join("::"))
                .collect();
            if !name.is_empty() {
                graph.insert(name.join("::"), others);
            }
        }
        graph
    }

    /// The module that has what `path` names in the module `at`; none for other crates' items and local names.
    fn owner(&self, at: &Name, path: &[String], depth: usize) -> Option<Name> {
        let absolute = self.absolute(at, path)?;
        let n_segments = (0..=absolute.len())
            .rev()
            .find(|n| self.modules.contains_key(&absolute[..*n]))?;
        let (module, rest) = absolute.split_at(n_segments);
        let exported = &self.modules[module].exported;
        match rest.first().and_then(|item| exported.get(item)) {
            Some(target) if depth < 8 => {
                let mut target = target.clone();
                target.extend_from_slice(&rest[1..]);
                self.owner(&module.to_vec(), &target, depth + 1)
            }
            _ => Some(module.to_vec()),
        }
    }

    /// The path from the crate's root.
    fn absolute(&self, at: &Name, path: &[String]) -> Option<Name> {
        let mut base = at.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            child => {
                base.push(child.to_owned());
                let is_child = path.len() > 1 && self.modules.contains_key(&base);
                base.pop();
                if !is_child {
                    return None;
                }
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }
}
