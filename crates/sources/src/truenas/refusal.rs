//! What an answer says that is no answer: errors of JSON-RPC, of REST and of `midclt`, in one form. What does not live
//! here: transports, and traces, which are never read.

use evenkeel_core::{Gap, GapKind};
use serde_json::Value;

use super::question::Question;
use super::wire::clipped;

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// This version has no such method.
    NoSuchMethod(Gap),
    /// Anything else.
    Failed(Gap),
}

impl Refused {
    /// The cause, whichever.
    pub(super) fn gap(&self) -> &Gap {
        match self {
            Self::NoSuchMethod(gap) | Self::Failed(gap) => gap,
        }
    }

    pub(super) fn no_such_method(place: &str, question: Question) -> Self {
        let why = format!("{place}: {}: this version has no such method", question.method());
        Self::NoSuchMethod(Gap::new(GapKind::Uncovered, why))
    }

    /// The key may not ask this.
    pub(super) fn denied(place: &str, question: Question) -> Self {
        let why = format!(
            "{place}: {}: the key may not ask this; grant its user the role {} (or the read-only administrator's)",
            question.method(),
            question.role()
        );
        Self::Failed(Gap::new(GapKind::Unauthorized, why))
    }

    /// The connection is not logged in.
    pub(super) fn logged_out(place: &str, question: Question) -> Self {
        let why = format!("{place}: {}: TrueNAS does not know this session or key", question.method());
        Self::Failed(Gap::new(GapKind::Unauthorized, why))
    }
}

/// An error of JSON-RPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcError {
    pub(super) code: i64,
    /// `EACCES`, where one is told.
    pub(super) errname: String,
    /// In words, clipped.
    pub(super) reason: String,
}

impl RpcError {
    /// Reads an `error`; its trace is left where it is.
    pub(super) fn read(error: &Value) -> Self {
        let data = error.get("data").unwrap_or(&Value::Null);
        let words = |value: Option<&Value>| value.and_then(Value::as_str).map(clipped);
        Self {
            code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
            errname: words(data.get("errname")).unwrap_or_default(),
            reason: words(data.get("reason")).or_else(|| words(error.get("message"))).unwrap_or_default(),
        }
    }

    /// Whether the session ended, so that only a new login helps.
    pub(super) fn is_logged_out(&self) -> bool {
        self.errname == "ENOTAUTHENTICATED" || self.code == 201
    }

    /// Whether the session has more calls under way than it may have.
    pub(super) fn is_too_many(&self) -> bool {
        self.code == -32000
    }

    pub(super) fn refused(&self, place: &str, question: Question) -> Refused {
        if self.code == -32601 || self.errname == "ENOMETHOD" {
            return Refused::no_such_method(place, question);
        }
        if self.is_logged_out() {
            return Refused::logged_out(place, question);
        }
        match self.errname.as_str() {
            "EACCES" | "EPERM" => Refused::denied(place, question),
            _ => {
                let why = format!("{place}: {}: TrueNAS says {}", question.method(), self.said());
                Refused::Failed(Gap::new(GapKind::Unreachable, why))
            }
        }
    }

    /// In words, for a phrase.
    pub(super) fn said(&self) -> String {
        if self.reason.is_empty() { format!("error {}", self.code) } else { format!("\"{}\"", self.reason) }
    }
}

/// What a login came to; `None` is success. `words` begin with the place.
pub(super) fn login(place: &str, user: &str, answer: &Value) -> Option<Gap> {
    let word = answer.get("response_type").and_then(Value::as_str).unwrap_or_default();
    let why = match word {
        "SUCCESS" => return None,
        "AUTH_ERR" => format!(
            "TrueNAS refuses the API key of user {user}: is it that user's, is it whole, was it revoked? A key that \
             once travelled over plain http is"
        ),
        "EXPIRED" => format!("the API key of user {user}, or its password, has expired; make a new key"),
        "OTP_REQUIRED" => {
            format!("user {user} needs a second factor; give the key to a user without one")
        }
        "REDIRECT" => {
            "this is not the active controller; use the address that both controllers share".to_owned()
        }
        "DENIED" => format!(
            "user {user} may not log in this way: it needs a role, and the system's security level must allow API keys"
        ),
        other => format!("the login ends in the unknown word `{}`", clipped(other)),
    };
    let kind = if word == "REDIRECT" { GapKind::Unreachable } else { GapKind::Unauthorized };
    Some(Gap::new(kind, format!("{place}: {why}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_read_without_its_trace() {
        let error = json!({"code": -32001, "message": "Method call error", "data": {
            "error": 14, "errname": "EFAULT", "reason": "[EFAULT] boom",
            "trace": {"frames": [{"locals": {"api_key": "hunter2"}}], "formatted": "hunter2"}, "extra": null}});
        let gap = RpcError::read(&error).refused("nas", Question::Apps).gap().clone();
        assert_eq!(gap.to_string(), "unreachable: nas: app.query: TrueNAS says \"[EFAULT] boom\"");
    }

    #[test]
    fn a_missing_right_names_the_role_and_a_missing_method_is_no_fault() {
        let denied = RpcError { code: -32001, errname: "EACCES".into(), reason: "Not authorized".into() };
        let gap = denied.refused("nas", Question::Apps).gap().clone();
        assert!(gap.kind == GapKind::Unauthorized && gap.why.contains("APPS_READ"), "{gap}");
        let missing =
            RpcError { code: -32601, errname: String::new(), reason: "Method does not exist".into() };
        assert!(matches!(missing.refused("nas", Question::Apps), Refused::NoSuchMethod(_)));
    }

    #[test]
    fn every_word_of_a_login_says_what_to_do() {
        assert_eq!(login("nas", "ctl", &json!({"response_type": "SUCCESS", "user_info": null})), None);
        for (word, part) in [
            ("AUTH_ERR", "refuses the API key of user ctl"),
            ("EXPIRED", "make a new key"),
            ("OTP_REQUIRED", "second factor"),
            ("REDIRECT", "active controller"),
            ("DENIED", "may not log in"),
            ("MAYBE", "unknown word `MAYBE`"),
        ] {
            let gap = login("nas", "ctl", &json!({"response_type": word})).unwrap();
            assert!(gap.why.contains(part), "{gap}");
        }
        assert!(login("nas", "ctl", &json!(true)).is_some());
    }
}
