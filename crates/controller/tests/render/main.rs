//! What the command line prints, byte by byte.

#[cfg(test)]
mod explain;
#[cfg(test)]
mod look;
