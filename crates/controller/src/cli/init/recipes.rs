//! What only a person can do, as commands to be copied: the same in the configuration and on the terminal, and the same as
//! in the book.

/// A door for engines that only reads.
pub(super) const PROXY: &str = include_str!("socket-proxy.yaml");
/// How its file is called, behind the configuration's own name.
pub(super) const PROXY_SUFFIX: &str = "socket-proxy.yaml";

/// A user of Proxmox VE who may only read, and a token (docs/how-to/proxmox.md).
pub(super) const PVEUM: [&str; 3] = [
    "pveum user add evenkeel@pve --comment \"reads only\"",
    "pveum user token add evenkeel@pve ro --privsep 1",
    "pveum acl modify / --roles PVEAuditor --propagate 1 --users 'evenkeel@pve' --tokens 'evenkeel@pve!ro'",
];
/// What that token is called.
pub(super) const PVE_TOKEN: &str = "evenkeel@pve!ro";

/// A user of TrueNAS who may only read, and a key (docs/how-to/truenas.md).
pub(super) const TRUENAS: [&str; 3] = [
    "Credentials > Groups: a group evenkeel; Privileges: the role READONLY_ADMIN for it.",
    "Credentials > Users: a user evenkeel in that group, password disabled, no shell; API Keys: a key of that user.",
    "Which roles are enough, version by version: docs/how-to/truenas.md",
];
