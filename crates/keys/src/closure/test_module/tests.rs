use std::path::{Path, PathBuf};

use super::*;

/// Checks that `rest` is left out behind `kept`.
fn check(kept: &str, rest: &str) {
    assert_eq!(without_tests(&format!("{kept}{rest}")), kept);
}

/// Checks that nothing is left out.
fn whole(text: &str) {
    assert_eq!(without_tests(text), text);
}

#[test]
fn a_last_module_of_tests_is_left_out() {
    let tests = "#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\n";
    check("fn a() {}\n\n", tests);
    check(
        "use a::b;\n",
        "#[cfg(test)] mod of_b { fn c() { d![] } } // the end\n",
    );
    check(
        "fn a() {}\n// Plain.\n",
        "#[cfg( test )]\n/* why */ mod r#async {\n}",
    );
}

#[test]
fn other_items_stay() {
    for text in [
        "fn a() {}\n#[cfg(test)]\nmod tests;\n",
        "fn a() {}\n#[cfg(test)]\nfn helper() {}\n",
        "fn a() {}\nmod tests {\n}\n",
        "fn a() {}\n#[cfg(not(test))]\nmod tests {\n}\n",
        "fn a() {}\n#[cfg(any(test))]\nmod tests {\n}\n",
        "fn a() {}\n#[cfg(test)]\n#[other]\nmod tests {\n}\n",
        "fn a() {}\n#[other]\n#[cfg(test)]\nmod tests {\n}\n",
        "fn a() {}\n/// Documented.\n#[cfg(test)]\nmod tests {\n}\n",
        "fn a() {}\n#[cfg(test)]\nmod tests {\n}\nfn b() {}\n",
        "m! { #[cfg(test)] mod tests {} }\n",
        "mod inner {\n#[cfg(test)]\nmod tests {\n}\n}\n",
        "",
        "}",
    ] {
        whole(text);
    }
}

#[test]
fn braces_of_strings_and_comments_are_none() {
    for item in [
        r##"const A: &str = "}{\"}";"##,
        r##"const A: &str = r#""}"#;"##,
        r##"const A: &[u8] = br"\";"##,
        r##"const A: &[u8] = b"}\\";"##,
        r"const A: char = '}';",
        r"const A: char = '\'';",
        r"const A: u8 = b'{';",
        r"const A: char = '\u{7d}';",
        "const A: char = '→';",
        "fn a<'a>(b: &'a str) -> &'a str { b }",
        "// it's }\n/* /* } */ \" */ fn a() {}",
        "fn r#match() { 'r: loop { break 'r; } }",
    ] {
        check(&format!("{item}\n"), "#[cfg(test)]\nmod tests {}\n");
        check("", &format!("#[cfg(test)]\nmod tests {{\n{item}\n}}\n"));
    }
}

#[test]
fn unexpected_syntax_counts_with_its_file() {
    for start in [
        "#!/usr/bin/env it's\n",
        "---\n---\n",
        "\u{feff}",
        "fn größe() {}",
        "fn a() { ) }",
        "fn a() { }}",
        "const A: &str = \"",
        "const A: &str = r#\"\";",
        "const A: &CStr = cr\"\";",
        "/* open ",
        "const A: char = '\\",
        "const A: char = '",
    ] {
        whole(&format!("{start}\n#[cfg(test)]\nmod tests {{}}\n"));
    }
}

/// Returns whether an item is `#[cfg(test)] mod NAME { … }`, without other attributes.
fn is_tests(item: &syn::Item) -> bool {
    let syn::Item::Mod(module) = item else {
        return false;
    };
    let is_test = |attribute: &syn::Attribute| {
        let condition = attribute.parse_args::<syn::Ident>();
        attribute.path().is_ident("cfg") && condition.is_ok_and(|condition| condition == "test")
    };
    let is_plain = matches!(module.vis, syn::Visibility::Inherited);
    let [attribute, inner @ ..] = module.attrs.as_slice() else {
        return false;
    };
    let is_inner = |attribute: &syn::Attribute| matches!(attribute.style, syn::AttrStyle::Inner(_));
    module.content.is_some() && is_plain && is_test(attribute) && inner.iter().all(is_inner)
}

#[test]
fn a_parser_finds_the_same_in_all_sources_of_the_workspace() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")];
    let (mut files, mut with_tests) = (0, 0);
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                open.push(path);
            } else if name.ends_with(".rs") {
                files += 1;
                with_tests += usize::from(compare(&path));
            }
        }
    }
    assert!(files > 400 && with_tests > 50, "{with_tests} of {files}");
}

/// Compares with `syn` in a file; whether it ends in tests.
fn compare(path: &PathBuf) -> bool {
    let text = fs_err::read_to_string(path).unwrap();
    let parse = |text: &str| {
        let parsed = syn::parse_file(text);
        parsed.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let all = parse(&text);
    let kept = without_tests(&text);
    let has_tests = all.items.last().is_some_and(is_tests);
    assert_eq!(kept.len() < text.len(), has_tests, "{}", path.display());
    if has_tests {
        let rest = parse(&text[kept.len()..]);
        assert!(rest.items.len() == 1 && is_tests(&rest.items[0]));
        assert_eq!(parse(kept).items.len(), all.items.len() - 1);
    }
    has_tests
}
