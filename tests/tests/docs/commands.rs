//! What the documents tell people to type is understood: every command line in a `sh` block, and every command in the text,
//! against the command line itself, cargo's aliases and xtask's list.

use evenkeel_tests::repo::{self, in_backticks};

/// What cargo itself, or a plugin that the text says how to get, understands.
const CARGO: &[&str] = &[
    "about", "build", "clippy", "deny", "fmt", "install", "metadata", "run", "test", "tree", "update",
    "+nightly",
];

#[test]
fn every_command_in_the_documents_is_understood() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in repo::files().into_iter().filter(|file| file.path.ends_with(".md")) {
        for line in shown(&file.text) {
            for words in commands(&line) {
                count += 1;
                if let Some(why) = mistake(&words) {
                    wrong.push(format!("{}: {line}\n    {why}", file.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "not understood:\n  {}", wrong.join("\n  "));
    assert!(count > 60, "only {count} commands were found");
}

#[test]
fn every_command_in_the_text_exists_with_its_options() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    // What was once and is no more stands in the changelog and in decisions.
    let told = |path: &str| path.ends_with(".md") && path != "CHANGELOG.md" && !path.starts_with("docs/adr/");
    for file in repo::files().into_iter().filter(|file| told(&file.path)) {
        for text in file.text.lines().flat_map(in_backticks).filter(|text| text.starts_with("evenkeel ")) {
            for words in commands(text) {
                count += 1;
                // A sentence leaves out what must be there; asked for help, every word is still looked at.
                let asked = words.iter().map(String::as_str).chain(["--help"]);
                if let Some(why) = evenkeel::cli::mistake(asked) {
                    wrong.push(format!("{}: {text}\n    {why}", file.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "not understood:\n  {}", wrong.join("\n  "));
    assert!(count > 40, "only {count} commands were found");
}

/// Why a command would not work, as far as it is one of ours.
fn mistake(words: &[String]) -> Option<String> {
    let words: Vec<&str> =
        words.iter().map(String::as_str).skip_while(|word| sets_a_variable(word)).collect();
    match words.as_slice() {
        ["evenkeel", ..] => evenkeel::cli::mistake(words.iter().copied()),
        ["cargo", "run", rest @ ..] => {
            let package = rest.iter().skip_while(|word| **word != "-p").nth(1);
            let ours = rest.iter().skip_while(|word| **word != "--").skip(1).copied();
            match package {
                Some(&"evenkeel") => evenkeel::cli::mistake(std::iter::once("evenkeel").chain(ours)),
                Some(package) => (!packages().iter().any(|known| known == package))
                    .then(|| format!("no package is called {package}")),
                None => Some("which package? `-p` says it".to_owned()),
            }
        }
        ["cargo", "xtask", command, ..] => (!repo::read("xtask/src/main.rs")
            .contains(&format!("Some(\"{command}\")")))
        .then(|| format!("xtask has no command {command}")),
        ["cargo", command, ..] => {
            let alias = || repo::read(".cargo/config.toml").contains(&format!("\n{command} = "));
            (!CARGO.contains(command) && !alias()).then(|| format!("cargo has no command {command}"))
        }
        _ => None,
    }
}

fn sets_a_variable(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

fn packages() -> Vec<String> {
    let manifests = repo::files().into_iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let name = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("name = \""))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    manifests.filter_map(|file| name(&file.text)).collect()
}

/// The lines that people are to type: those of `sh` blocks, and those behind a `$` of blocks that show what comes of it.
/// Indented blocks count; a line that ends with `\` goes on.
fn shown(markdown: &str) -> Vec<String> {
    let (mut block, mut script): (Option<&str>, String) = (None, String::new());
    for line in markdown.lines().map(str::trim_start) {
        match (line.strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language.trim()),
            (Some(_), Some(_)) => block = None,
            (None, Some("sh")) => script.extend([line, "\n"]),
            (None, Some("" | "console")) => {
                if let Some(typed) = line.strip_prefix("$ ") {
                    script.extend([typed, "\n"]);
                }
            }
            (None, Some(_) | None) => {}
        }
    }
    script.replace("\\\n", " ").lines().map(str::to_owned).collect()
}

/// The commands of one line, each as its words: quotes are taken away, comments and redirections left out.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words) = (Vec::new(), Vec::new());
    let (mut word, mut begun): (String, bool) = (String::new(), false);
    let (mut quote, mut depth): (Option<char>, usize) = (None, 0);
    let end = |word: &mut String, begun: &mut bool, words: &mut Vec<String>| {
        if std::mem::take(begun) {
            words.push(std::mem::take(word));
        }
    };
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None, '$') if characters.peek() == Some(&'(') => {
                characters.next();
                (depth, begun) = (depth + 1, true);
            }
            (None, ')') if depth > 0 => depth -= 1,
            (None, c) if depth > 0 => word.push(c),
            (None, '#') if !begun => break,
            (None, '|' | ';' | '&') => {
                end(&mut word, &mut begun, &mut words);
                all.push(std::mem::take(&mut words));
            }
            (None, c) if c.is_whitespace() => end(&mut word, &mut begun, &mut words),
            (None, c) => {
                word.push(c);
                begun = true;
            }
        }
    }
    end(&mut word, &mut begun, &mut words);
    all.push(words);
    all.into_iter().map(without_redirections).filter(|words| !words.is_empty()).collect()
}

/// `> file`, `>file`, `<<END`: what a shell takes for itself.
fn without_redirections(words: Vec<String>) -> Vec<String> {
    let mut left = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let redirection = word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>']);
        match redirection {
            // The file is the next word.
            true if word.ends_with(['<', '>']) => drop(words.next()),
            true => {}
            false => left.push(word),
        }
    }
    left
}

#[test]
fn lines_are_read_as_a_shell_reads_them() {
    let read = |line: &str| commands(line).iter().map(|words| words.join("·")).collect::<Vec<_>>();
    assert_eq!(read("evenkeel ack X --reason \"on it\"  # or not"), ["evenkeel·ack·X·--reason·on it"]);
    assert_eq!(read("printf '%s\\n' x | evenkeel passwd ada"), ["printf·%s\\n·x", "evenkeel·passwd·ada"]);
    assert_eq!(read("evenkeel backup /b/$(date +%F).db"), ["evenkeel·backup·/b/date +%F.db"]);
    assert_eq!(read("a > file 2>&1 && b <<END"), ["a", "1", "b"]);
    assert_eq!(
        shown("```sh\na \\\n  b\n```\n```toml\nc\n```\n  ```sh\n  d\n  ```\n```\n$ e\nf\n```\n"),
        ["a  b", "d", "e"]
    );
    assert!(mistake(&["evenkeel".to_owned(), "dif".to_owned()]).is_some());
    assert!(mistake(&["SEEDS=1".to_owned(), "cargo".to_owned(), "conformance".to_owned()]).is_none());
}
