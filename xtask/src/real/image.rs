//! An image without a registry: one static busybox and a name for each of its tools, handed to the engine as a tar.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::{IMAGE, find, request};

/// The tools of busybox that containers of tests may run.
const TOOLS: &[&str] =
    &["cat", "echo", "false", "httpd", "ls", "nc", "rm", "sh", "sleep", "test", "touch", "true"];

/// Makes the image on the engine behind `socket`, with `folder` as scratch space.
pub(super) fn import(socket: &Path, folder: &Path) -> anyhow::Result<()> {
    let busybox = find("busybox").context("busybox is not installed (Debian package busybox-static)")?;
    let root = folder.join("image");
    let bin = root.join("bin");
    fs::create_dir_all(&bin).context("make the image's folder")?;
    fs::create_dir_all(root.join("tmp")).context("make the image's folder")?;
    fs::copy(&busybox, bin.join("busybox")).context("copy busybox")?;
    for tool in TOOLS {
        symlink("busybox", bin.join(tool)).context("name a tool")?;
    }
    let tar = Command::new("tar").arg("-C").arg(&root).args(["-c", "."]).output().context("run tar")?;
    if !tar.status.success() {
        bail!("tar: {}", String::from_utf8_lossy(&tar.stderr).trim());
    }
    let (name, tag) = IMAGE.split_once(':').unwrap_or((IMAGE, "latest"));
    let command = "CMD%20%5B%22sleep%22%2C%2286400%22%5D";
    let path = format!("/images/create?fromSrc=-&repo={name}&tag={tag}&changes={command}");
    let answer = request(socket, "POST", &path, ("application/x-tar", &tar.stdout))?;
    if answer.status != 200 {
        bail!("import: {} {}", answer.status, String::from_utf8_lossy(&answer.body).trim());
    }
    Ok(())
}
