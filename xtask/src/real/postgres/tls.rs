//! A certificate for a server on 127.0.0.1, and the authority that signed it: made with `openssl`, for one day.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::real::find;

/// The machine's own configuration of openssl could add anything.
const CONFIG: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
CN = evenkeel test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";

/// Writes `ca.crt`, `server.crt` and `server.key`.
pub(super) fn write(folder: &Path) -> anyhow::Result<()> {
    fs::write(folder.join("openssl.cnf"), CONFIG).context("write openssl's configuration")?;
    let new = "req -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let sign = "-CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -extfile openssl.cnf -extensions server";
    openssl(folder, &format!("{new} -x509 -days 1 -extensions authority -keyout ca.key -out ca.crt"))?;
    openssl(folder, &format!("{new} -keyout server.key -out server.csr"))?;
    openssl(folder, &format!("x509 -req -in server.csr {sign} -out server.crt"))
}

fn openssl(folder: &Path, arguments: &str) -> anyhow::Result<()> {
    let program = find("openssl").context("openssl is not installed (Debian package openssl)")?;
    let output = Command::new(program)
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .context("run openssl")?;
    if !output.status.success() {
        bail!("openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
