//! The book: its contents name every page, the copy that is made into HTML holds everything it links to, and the two
//! tutorials keep in step. What the pages say is compared with the code elsewhere (`reference`, `commands`); that links
//! lead somewhere in the repository, by `tidy`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use evenkeel_lab::incidents::INCIDENTS;
use evenkeel_tests::repo;
use toml::Table;

const CONTENTS: &str = "docs/SUMMARY.md";

/// The pages that the contents name, in their order, from `docs`.
fn named() -> Vec<String> {
    let contents = repo::read(CONTENTS);
    links(&contents).map(str::to_owned).collect()
}

/// What a text links to by a path.
fn links(markdown: &str) -> impl Iterator<Item = &str> {
    markdown
        .match_indices("](")
        .filter_map(|(at, _)| markdown[at + 2..].split_once(')'))
        .map(|(link, _)| link.split('#').next().unwrap_or_default())
        .filter(|link| !link.is_empty() && !link.contains("://"))
}

#[test]
fn the_contents_name_every_page_once() {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for page in named() {
        *times.entry(format!("docs/{page}")).or_default() += 1;
    }
    let pages = repo::files()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| path.starts_with("docs/") && path.ends_with(".md") && path != CONTENTS);
    let once: BTreeMap<String, usize> = pages.map(|path| (path, 1)).collect();
    assert_eq!(times, once, "named in {CONTENTS} | the pages there are");
}

#[test]
fn every_page_begins_with_its_title() {
    for page in named() {
        let text = repo::read(&format!("docs/{page}"));
        assert!(text.starts_with("# "), "docs/{page}");
        assert_eq!(
            outside_of_blocks(&text).filter(|line| line.starts_with("# ")).count(),
            1,
            "docs/{page}: one title, and parts below it"
        );
    }
}

fn outside_of_blocks(markdown: &str) -> impl Iterator<Item = &str> {
    let mut within = false;
    markdown.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        within ^= fence;
        !fence && !within
    })
}

#[test]
fn the_book_knows_where_the_repository_is() {
    let book: Table = repo::read("book.toml").parse().unwrap();
    let workspace: Table = repo::read("Cargo.toml").parse().unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("docs"));
    assert_eq!(book["output"]["html"]["git-repository-url"], workspace["workspace"]["package"]["repository"]);
}

#[test]
fn nothing_in_the_book_leads_to_a_page_that_the_book_does_not_have() {
    let target = tempfile::tempdir().unwrap();
    let made = Command::new(repo::root().join(".ci/book"))
        .arg("--copy-only")
        .env("BOOK", target.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let book = target.path().join("docs");
    let (mut wrong, mut outside) = (Vec::new(), 0);
    for page in named() {
        let text = fs::read_to_string(book.join(&page)).unwrap();
        let folder = Path::new(&page).parent().unwrap();
        for link in links(&text) {
            match within(folder, link) {
                Some(path) if book.join(&path).is_file() => {}
                Some(_) | None => wrong.push(format!("{page}: {link}")),
            }
        }
        outside += text.matches("/blob/main/").count();
    }
    assert!(wrong.is_empty(), "leads out of the book:\n  {}", wrong.join("\n  "));
    assert!(outside >= 5, "links to the repository: {outside}");
}

/// Where a link leads, from the book's root; nothing if that is outside.
fn within(folder: &Path, link: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[test]
fn both_tutorials_have_the_same_steps_with_the_same_blocks() {
    let of = |folder: &str| -> Vec<String> {
        named().into_iter().filter(|page| page.starts_with(folder)).collect()
    };
    let (english, french) = (of("tutorial/"), of("fr/tutorial/"));
    assert_eq!(english.len(), french.len());
    assert!(english.len() >= 5);
    for (ours, theirs) in english.iter().zip(&french) {
        let blocks = |page: &str| -> Vec<String> {
            let text = repo::read(&format!("docs/{page}"));
            text.split("\n```").skip(1).step_by(2).map(first_word).collect()
        };
        let (ours_has, theirs_has) = (blocks(ours), blocks(theirs));
        let leads = theirs_has.iter().all(|block| ours_has.contains(block));
        assert!(leads, "{theirs} shows what {ours} does not: {theirs_has:?} beside {ours_has:?}");
        assert!(ours_has.len() <= theirs_has.len() + 2, "{theirs} lacks more than one example of {ours}");
    }
}

/// What a block begins with: its language and the first word of it.
fn first_word(block: &str) -> String {
    let (language, rest) = block.split_once('\n').unwrap_or((block, ""));
    format!("{language}:{}", rest.split_whitespace().next().unwrap_or_default())
}

#[test]
fn the_tutorials_tell_of_incidents_that_are_played_in_the_words_they_are_played_in() {
    let mut told = 0;
    for page in named().into_iter().filter(|page| page.contains("tutorial/")) {
        let text = repo::read(&format!("docs/{page}"));
        let mut last = None;
        for line in text.lines().map(str::trim) {
            if let Some((number, story)) = incident(line) {
                let played = INCIDENTS.get(number.wrapping_sub(1)).map(|incident| incident.story);
                assert_eq!(played, Some(story), "docs/{page}");
                (last, told) = (Some(INCIDENTS[number - 1]), told + 1);
            }
            if let (Some(lesson), Some(incident)) = (line.strip_prefix("↳ "), last) {
                assert_eq!(lesson, incident.lesson, "docs/{page}");
            }
        }
    }
    assert!(told >= 10, "only {told} are told");
    let number = format!("{} incidents", INCIDENTS.len());
    for page in ["README.md", "docs/tutorial/demo.md", "docs/fr/tutorial/demo.md"] {
        assert!(repo::read(page).contains(&number), "{page}: {number}");
    }
}

/// `16/29 mcp-gateway is renamed in Proxmox`: its number and its story.
fn incident(line: &str) -> Option<(usize, &str)> {
    let (count, story) = line.split_once(' ')?;
    let (number, of) = count.split_once('/')?;
    (of.parse::<usize>() == Ok(INCIDENTS.len())).then_some((number.parse().ok()?, story))
}
