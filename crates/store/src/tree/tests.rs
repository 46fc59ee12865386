use expect_test::expect;

use super::*;

fn text(lines: &[&str]) -> Vec<u8> {
    let mut text = String::from("atelier tree 1\n");
    for line in lines {
        text.push_str(&line.replace("HEX", &Digest::of_bytes(b"").to_string()));
        text.push('\n');
    }
    text.into_bytes()
}

fn parse(lines: &[&str]) -> Result<Tree> {
    Tree::parse(Digest::of_bytes(b"name"), &text(lines))
}

#[test]
fn the_text_is_readable_and_read_back() {
    let digest = Digest::of_bytes(b"");
    let entry = |path: &str, content| Entry {
        path: path.to_owned(),
        content,
    };
    let tree = Tree {
        entries: vec![
            entry("a \"b\"\nc", Content::File(digest)),
            entry("empty", Content::EmptyFolder),
            entry("été/run", Content::Executable(digest)),
        ],
    };
    let lines: Vec<_> = tree
        .entries
        .iter()
        .map(|e| (e.path.as_str(), e.content))
        .collect();
    let mut rendered = String::new();
    let named = write(&lines, |piece| {
        rendered.push_str(std::str::from_utf8(piece).unwrap());
        Ok(())
    });
    expect![[r#"
        atelier tree 1
        file af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 "a \"b\"\nc"
        none "empty"
        exec af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 "été/run"
    "#]]
    .assert_eq(&rendered);
    assert_eq!(Tree::parse(digest, rendered.as_bytes()).unwrap(), tree);
    assert_eq!(named.unwrap(), Tree::digest(rendered.as_bytes()));
    // A file with the same bytes has another name.
    assert_ne!(
        Tree::digest(rendered.as_bytes()),
        Digest::of_bytes(rendered.as_bytes())
    );
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    for path in [
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "./a",
        "a/",
        "a\\u0000b",
        "..",
    ] {
        let error = parse(&[&format!("file HEX \"{path}\"")]).unwrap_err();
        assert!(matches!(error, Error::UnsafePath { .. }), "{path}: {error}");
    }
    // A file without a name stands alone.
    assert!(parse(&["exec HEX \"\""]).is_ok());
    assert!(parse(&["exec HEX \"\"", "file HEX \"a\""]).is_err());
    assert!(parse(&["file HEX \"a\"", "exec HEX \"\""]).is_err());
}

#[test]
fn other_texts_are_refused_with_their_line() {
    for lines in [
        &["file HEX \"b\"", "file HEX \"a\""][..],
        &["file HEX \"a\"", "file HEX \"a\""],
        &["file HEX \"a\"", "link HEX \"b\""],
        &["file HEX \"a\"", "none HEX \"b\""],
        &["file HEX \"a\"", "file 00 \"b\""],
        &["file HEX \"a\"", "file HEX \"b"],
        &["file HEX \"a\"", ""],
    ] {
        let error = parse(lines).unwrap_err();
        assert!(
            matches!(error, Error::MalformedTree { line: 3, .. }),
            "{lines:?}: {error}"
        );
    }
    // A file cannot be a folder as well, whatever sorts between the two.
    let error = parse(&[
        "none \"0\"",
        "file HEX \"a\"",
        "file HEX \"a-\"",
        "file HEX \"a/b/c\"",
    ]);
    assert!(matches!(error, Err(Error::MalformedTree { line: 3, .. })));
    let other = Tree::parse(Digest::of_bytes(b""), b"atelier tree 2\n");
    assert!(matches!(other, Err(Error::MalformedTree { line: 1, .. })));
}
