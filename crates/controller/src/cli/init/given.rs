//! What `init` has to know of NetBox before it can ask it: from options, the environment, files, and whoever sits there.
//! What is missing is said all at once.
//!
//! What does not live here: asking NetBox.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use evenkeel_core::Secret;
use evenkeel_sources::http::{ClientIdentity, Trust};
use url::Url;

use super::ask::Person;
use crate::cli::args::InitOptions;
use crate::cli::failure::{Failure, OrFail};
use crate::config::is_loopback;

/// The variable that may hold NetBox's token.
pub(super) const TOKEN: &str = "EVENKEEL_NETBOX_TOKEN";
/// What a secret that is typed wrong in another place would look like: nothing is so long.
const LONGEST_TOKEN: u64 = 4096;
const ENDED: &str = "run it again, or say it with options: `evenkeel init --help`";

/// How NetBox is reached.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) url: Url,
    pub(super) token: Secret,
    /// The file the token was read from, if it stays there.
    pub(super) token_file: Option<PathBuf>,
    pub(super) trust: Trust,
    pub(super) insecure_http: bool,
}

/// Gathers it. `variable` is what the environment says about the token.
pub(super) fn gather(
    options: &InitOptions,
    variable: Option<String>,
    mut person: Option<&mut Person>,
) -> Result<Given, Failure> {
    let token = match (&options.token_file, variable.filter(|token| !token.trim().is_empty())) {
        (Some(file), _) => Some(from_file(file)?),
        (None, Some(token)) => Some((Secret::new(token.trim()), None)),
        (None, None) => None,
    };
    let url = match (&options.netbox, person.as_deref_mut()) {
        (Some(text), _) => Some(address(text)?),
        (None, Some(person)) => Some(asked_address(person)?),
        (None, None) => None,
    };
    let insecure_http = match (&url, person.as_deref_mut()) {
        (Some(url), person) if is_exposed(url) => options.insecure_http || consents(url, person)?,
        (Some(_) | None, _) => false,
    };
    let token = match (token, person) {
        (Some(token), _) => Some(token),
        (None, Some(person)) => Some((person.secret("Its API token (not shown):").or_fail(ENDED)?, None)),
        (None, None) => None,
    };
    let (Some(url), Some((token, token_file))) = (&url, &token) else {
        return Err(missing(url.is_none(), token.is_none()));
    };
    Ok(Given {
        url: url.clone(),
        token: token.clone(),
        token_file: token_file.clone(),
        trust: trust(options)?,
        insecure_http,
    })
}

fn missing(url: bool, token: bool) -> Failure {
    let mut list = String::new();
    if url {
        list.push_str("\n  --netbox URL: the address of NetBox");
    }
    if token {
        list.push_str(&format!(
            "\n  --token-file FILE, or the variable {TOKEN}: an API token that may read (never as an option's value, which everybody \
             on this machine can see)"
        ));
    }
    Failure::new(
        anyhow::anyhow!("nobody can be asked here, and something is missing:{list}"),
        Some("docs/how-to/netbox.md says how to make a token that reads and nothing else"),
    )
}

fn trust(options: &InitOptions) -> Result<Trust, Failure> {
    let absolute = |path: &PathBuf| std::path::absolute(path).or_fail("name a file");
    let client_identity = match (&options.client_cert, &options.client_key) {
        (Some(cert), Some(key)) => Some(ClientIdentity { cert: absolute(cert)?, key: absolute(key)? }),
        // Each requires the other.
        (Some(_) | None, Some(_) | None) => None,
    };
    Ok(Trust {
        ca_file: options.ca_file.as_ref().map(absolute).transpose()?,
        pin: options.pin,
        client_identity,
    })
}

/// The token, and the file if it can stay where it is: what comes through a pipe is gone afterwards.
fn from_file(file: &Path) -> Result<(Secret, Option<PathBuf>), Failure> {
    let hint = "--token-file names a file that holds the token and nothing else, or `-` for standard input";
    let is_input = file == Path::new("-");
    let name = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let mut text = String::new();
    let read = match is_input {
        true => io::stdin().take(LONGEST_TOKEN).read_to_string(&mut text),
        false => {
            std::fs::File::open(file).and_then(|file| file.take(LONGEST_TOKEN).read_to_string(&mut text))
        }
    };
    read.map_err(|error| anyhow::Error::new(error).context(format!("read the token from {name}")))
        .or_fail(hint)?;
    let token = text.trim();
    if token.is_empty() {
        return Err(Failure::new(anyhow::anyhow!("the token from {name} is empty"), Some(hint)));
    }
    let stays = !is_input && std::fs::metadata(file).is_ok_and(|found| found.is_file());
    let place = if stays { Some(std::path::absolute(file).or_fail(hint)?) } else { None };
    Ok((Secret::new(token), place))
}

fn asked_address(person: &mut Person) -> Result<Url, Failure> {
    let text = person.text("Where is NetBox? (https://netbox.lan/)").or_fail(ENDED)?;
    address(&text)
}

/// An address as people have it: without a scheme it is https, and what a browser shows behind `/api/` is left out.
pub(super) fn address(text: &str) -> Result<Url, Failure> {
    let hint = "the address of NetBox as a browser has it: https://netbox.lan/";
    let full = if text.contains("://") { text.trim().to_owned() } else { format!("https://{}", text.trim()) };
    let refuse =
        |why: &str| Failure::new(anyhow::anyhow!("this is no address of a NetBox: {why}"), Some(hint));
    // The text is not repeated: it may hold a password.
    let mut url: Url = full.parse().map_err(|error: url::ParseError| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("it begins with neither https:// nor http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("user and password do not belong into it; NetBox takes a token"));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path();
    let path = path.find("/api/").map_or(path.trim_end_matches("/api"), |at| &path[..at]);
    let path = format!("{}/", path.trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn is_exposed(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

fn consents(url: &Url, person: Option<&mut Person>) -> Result<bool, Failure> {
    let host = url.host_str().unwrap_or_default();
    let agreed = match person {
        Some(person) => {
            let question =
                format!("Plain http to {host}: whoever reads along has the token. Go on all the same?");
            person.agrees(&question, false).or_fail(ENDED)?
        }
        None => false,
    };
    match agreed {
        true => Ok(true),
        false => Err(Failure::new(
            anyhow::anyhow!("plain http to {host}: whoever reads along has the token"),
            Some("use https://, or consent with --insecure-http"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Args, Command};

    fn options(words: &[&str]) -> InitOptions {
        let args = Args::try_parse_from(["evenkeel", "init"].iter().chain(words)).unwrap();
        let Command::Init(options) = args.command else { panic!("init is init") };
        *options
    }

    fn said(failure: &Failure) -> String {
        format!("{failure:?}")
    }

    #[test]
    fn what_is_missing_is_said_all_at_once() {
        let both = said(&gather(&options(&[]), None, None).unwrap_err());
        assert!(
            both.contains("--netbox URL") && both.contains("--token-file") && both.contains(TOKEN),
            "{both}"
        );
        let token = said(&gather(&options(&["--netbox", "netbox.lan"]), Some(" ".into()), None).unwrap_err());
        assert!(!token.contains("--netbox URL") && token.contains("--token-file"), "{token}");
        let url = said(&gather(&options(&[]), Some("abc".into()), None).unwrap_err());
        assert!(url.contains("--netbox URL") && !url.contains("--token-file"), "{url}");
    }

    #[test]
    fn what_no_option_says_is_asked_and_nothing_else_is() {
        let mut person = Person::of("netbox.lan/dcim/\n", Vec::new(), "abc");
        let given = gather(&options(&[]), None, Some(&mut person)).unwrap();
        assert_eq!((given.url.as_str(), given.token.expose()), ("https://netbox.lan/dcim/", "abc"));
        let mut nobody = Person::of("", Vec::new(), "typed");
        let given =
            gather(&options(&["--netbox", "https://n.lan"]), Some("variable".into()), Some(&mut nobody))
                .unwrap();
        assert_eq!((given.token.expose(), given.token_file), ("variable", None));
    }

    #[test]
    fn a_file_with_the_token_stays_where_it_is_and_goes_before_the_variable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "from-file\n").unwrap();
        let words = ["--netbox", "https://n.lan", "--token-file", file.to_str().unwrap()];
        let given = gather(&options(&words), Some("variable".into()), None).unwrap();
        assert_eq!((given.token.expose(), given.token_file.as_ref()), ("from-file", Some(&file)));
        std::fs::write(&file, "\n").unwrap();
        assert!(said(&gather(&options(&words), None, None).unwrap_err()).contains("is empty"));
        std::fs::remove_file(&file).unwrap();
        assert!(said(&gather(&options(&words), None, None).unwrap_err()).contains("read the token from"));
    }

    #[test]
    fn an_address_is_taken_as_people_have_it() {
        for (text, url) in [
            ("netbox.lan", "https://netbox.lan/"),
            ("netbox.lan:8443", "https://netbox.lan:8443/"),
            ("http://127.0.0.1:8000/api/", "http://127.0.0.1:8000/"),
            ("https://tools.lan/netbox/api/dcim/devices/?q=1", "https://tools.lan/netbox/"),
            ("https://tools.lan/netbox", "https://tools.lan/netbox/"),
            ("https://tools.lan/netbox/api", "https://tools.lan/netbox/"),
        ] {
            assert_eq!(address(text).unwrap().as_str(), url, "{text}");
        }
        for text in ["ftp://netbox.lan", "https://", "https://me:hunter2@netbox.lan", "://"] {
            let said = said(&address(text).unwrap_err());
            assert!(said.contains("no address of a NetBox") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_token_travels_in_the_clear_only_with_consent() {
        let plain = |more: &[&str], person: Option<&mut Person>| {
            let words = [&["--netbox", "http://netbox.lan"], more].concat();
            gather(&options(&words), Some("abc".into()), person).map(|given| given.insecure_http)
        };
        assert!(said(&plain(&[], None).unwrap_err()).contains("plain http"));
        assert!(plain(&["--insecure-http"], None).unwrap());
        assert!(plain(&[], Some(&mut Person::of("y\n", Vec::new(), ""))).unwrap());
        assert!(plain(&[], Some(&mut Person::of("\n", Vec::new(), ""))).is_err());
        let here =
            gather(&options(&["--netbox", "http://127.0.0.1:8000"]), Some("abc".into()), None).unwrap();
        assert!(!here.insecure_http);
    }
}
