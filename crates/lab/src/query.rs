//! What stands behind the question mark, as the servers that are simulated read it.

use url::form_urlencoded;

/// Names and values, decoded, in their order; a name without a value has an empty one.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// One text, decoded.
pub(crate) fn decoded(text: &str) -> String {
    pairs(text).into_iter().map(|(name, _)| name).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_kept_in_order() {
        let read = pairs("tag=a%20b&tag=c+d&&brief&id__gt=7");
        let read: Vec<(&str, &str)> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read, [("tag", "a b"), ("tag", "c d"), ("brief", ""), ("id__gt", "7")]);
        assert_eq!(decoded("/containers/a%2Fb/json"), "/containers/a/b/json");
        assert_eq!(decoded(""), "");
    }
}
