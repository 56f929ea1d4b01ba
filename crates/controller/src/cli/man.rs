//! `evenkeel man FOLDER`: manual pages, one for the program and one for each command, as packages want them.

use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;

use super::Done;
use super::args::Args;
use super::failure::OrFail;

pub(super) fn run(folder: &Path) -> Done {
    std::fs::create_dir_all(folder).or_fail("name a folder that can be written")?;
    clap_mangen::generate_to(Args::command(), folder).or_fail("name a folder that can be written")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The page of a command and those of its own commands.
    fn pages(command: &clap::Command, name: &str) -> BTreeSet<String> {
        let below =
            command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
        let mut all: BTreeSet<String> =
            below.flat_map(|below| pages(below, &format!("{name}-{}", below.get_name()))).collect();
        all.insert(format!("{name}.1"));
        all
    }

    #[test]
    fn every_command_has_a_page_that_begins_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        run(&folder.path().join("man1")).unwrap();
        let entries = std::fs::read_dir(folder.path().join("man1")).unwrap();
        let made: BTreeSet<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(made, pages(&Args::command(), "evenkeel"));
        assert!(made.contains("evenkeel-init.1") && made.contains("evenkeel-silence-end.1"));
        for page in made {
            let text = std::fs::read_to_string(folder.path().join("man1").join(&page)).unwrap();
            let name = page.trim_end_matches(".1").replace('-', "\\-");
            assert!(text.contains(&format!(".SH NAME\n{name} \\- ")), "{page}: {text}");
        }
    }
}
