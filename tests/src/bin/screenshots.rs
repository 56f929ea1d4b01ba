//! `cargo screenshots`: plays the demo, leaves something wrong, and takes a picture of every page on every screen, to be
//! looked at. `--to FOLDER` says where (target/screenshots); `--lang fr` in which language; `--readme` renews the two
//! that the README shows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a command of developers, whose output is what it is for"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use evenkeel_tests::browser::{Browser, Screen};
use evenkeel_tests::{program, repo};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Where the README's pictures are.
const README: &str = "docs/pictures";

/// What was asked for.
struct Options {
    folder: PathBuf,
    lang: Option<String>,
    readme: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}; usage: cargo screenshots [--to FOLDER] [--lang en|fr|pt] [--readme]");
            return ExitCode::FAILURE;
        }
    };
    let Some(browser) = Browser::start().await else { return ExitCode::FAILURE };
    eprintln!("playing the demo; that takes a minute or two");
    let (_demo, address) = demo().await;
    fs::create_dir_all(&options.folder).unwrap();
    for (name, path) in pages(&browser, &address).await {
        for screen in Screen::ALL {
            let file = options.folder.join(format!("{name}-{}.png", screen.name()));
            take(&browser, &address, &path, options.lang.as_deref(), screen, &file).await;
        }
    }
    if options.readme {
        let folder = repo::root().join(README);
        fs::create_dir_all(&folder).unwrap();
        let drift = first_drift(&browser, &address).await;
        take(&browser, &address, "/", None, Screen::DesktopLight, &folder.join("overview.png")).await;
        take(&browser, &address, &drift, None, Screen::DesktopDark, &folder.join("drift.png")).await;
    }
    eprintln!("the pictures are in {}", options.folder.display());
    ExitCode::SUCCESS
}

fn options() -> Result<Options, String> {
    let mut options = Options { folder: repo::root().join("target/screenshots"), lang: None, readme: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--to" => options.folder = value()?.into(),
            "--lang" => options.lang = Some(value()?),
            "--readme" => options.readme = true,
            other => return Err(format!("there is no option `{other}`")),
        }
    }
    Ok(options)
}

/// The demo, once it has played everything and stays; where its page is.
async fn demo() -> (Child, String) {
    let mut demo = Command::new(program::path())
        .args(["demo", "--stay", "--listen", "127.0.0.1:0"])
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the demo stays");
        if let Some((_, rest)) = line.split_once("Staying. The page is at http://") {
            let address = rest.split('/').next().unwrap().to_owned();
            return (demo, address);
        }
    }
}

/// Every page in the navigation, and one of each kind that they lead to: a name for files, and the path.
async fn pages(browser: &Browser, address: &str) -> Vec<(String, String)> {
    let drift = first_drift(browser, address).await;
    let links = browser
        .run("return [...document.querySelectorAll('nav a')].map((a) => a.getAttribute('href'))")
        .await;
    let links: Vec<String> = serde_json::from_value(links).unwrap();
    let named = |path: String| {
        let name = path.trim_matches('/').replace('/', "-");
        (if name.is_empty() { "overview".to_owned() } else { name }, path)
    };
    let mut pages: Vec<_> = links.into_iter().map(named).collect();
    pages.extend([
        ("drift".to_owned(), drift),
        ("kiosk".to_owned(), "/kiosk".to_owned()),
        ("api".to_owned(), "/api".to_owned()),
        ("login".to_owned(), "/login".to_owned()),
        ("host".to_owned(), "/hosts/box2-media".to_owned()),
        ("host-blind".to_owned(), "/hosts/box2-daily".to_owned()),
        ("not-found".to_owned(), "/nowhere".to_owned()),
    ]);
    pages
}

async fn first_drift(browser: &Browser, address: &str) -> String {
    browser.open(&format!("http://{address}/")).await;
    let link =
        browser.run("return document.querySelector('a[href*=\"/drifts/\"]').getAttribute('href')").await;
    link.as_str().unwrap().to_owned()
}

async fn take(browser: &Browser, address: &str, path: &str, lang: Option<&str>, screen: Screen, file: &Path) {
    let query = lang.map(|lang| format!("?lang={lang}")).unwrap_or_default();
    browser.dress(screen).await;
    browser.open(&format!("http://{address}{path}{query}")).await;
    fs::write(file, browser.picture().await).unwrap();
}
