//! From a body and its id to headers. Pure: the time is an argument. What is in the body is decided elsewhere.

use std::fmt;

use bytes::Bytes;
use evenkeel_core::Secret;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use super::config::signing_key;

/// Why a body could not be given its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("the id cannot be a header")]
    Id,
    #[error("the payload is not text and cannot be signed")]
    Payload,
}

/// The signing keys.
pub(super) struct Signer {
    keys: Vec<Webhook>,
}

impl Signer {
    /// The secrets were checked when the configuration was.
    pub(super) fn new(secrets: &[Secret]) -> Self {
        Self { keys: secrets.iter().filter_map(|secret| signing_key(secret).ok()).collect() }
    }

    /// The headers of one attempt.
    pub(super) fn headers(&self, id: &str, body: &Bytes, now: Timestamp) -> Result<HeaderMap, Unsendable> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("evenkeel/", env!("CARGO_PKG_VERSION"))));
        headers.insert(HEADER_WEBHOOK_ID, HeaderValue::from_str(id).map_err(|_| Unsendable::Id)?);
        headers.insert(HEADER_WEBHOOK_TIMESTAMP, HeaderValue::from(now.as_second()));
        if !self.keys.is_empty() {
            let signature = self.signature(id, body, now).ok_or(Unsendable::Payload)?;
            headers.insert(HEADER_WEBHOOK_SIGNATURE, signature);
        }
        Ok(headers)
    }

    /// One signature per key, separated by spaces: a receiver that knows either key accepts.
    fn signature(&self, id: &str, body: &Bytes, now: Timestamp) -> Option<HeaderValue> {
        let sign = |key: &Webhook| key.sign(id, now.as_second(), body).ok();
        let signatures: Option<Vec<String>> = self.keys.iter().map(sign).collect();
        HeaderValue::from_str(&signatures?.join(" ")).ok()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evenkeel_core::event::Side;
    use evenkeel_core::{Event, EventId, EventType, Severity, Transition};
    use standardwebhooks::WebhookError;

    use super::*;

    /// From the reference libraries of Standard Webhooks.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: Bytes = Bytes::from_static(b"{\"test\": 2432232314}");

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn headers(secrets: &[&str], second: i64) -> HeaderMap {
        let secrets: Vec<_> = secrets.iter().map(|&secret| Secret::new(secret)).collect();
        Signer::new(&secrets).headers(ID, &BODY, at(second)).unwrap()
    }

    #[test]
    fn the_signature_is_that_of_the_reference_vector() {
        let headers = headers(&[SECRET], 1_614_265_330);
        assert_eq!(headers["webhook-id"], ID);
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        assert_eq!(headers["webhook-signature"], SIGNATURE);
        assert_eq!(headers["content-type"], "application/json");
        assert!(headers["user-agent"].to_str().unwrap().starts_with("evenkeel/0."));
    }

    #[test]
    fn several_secrets_sign_side_by_side_and_either_verifies() {
        let now = evenkeel_ambient::now().as_second();
        let headers = headers(&[OTHER, SECRET], now);
        assert_eq!(headers["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
        for secret in [SECRET, OTHER] {
            Webhook::new(secret).unwrap().verify(&BODY, &headers).unwrap();
        }
        let stranger = Webhook::from_bytes(vec![7; 24]).unwrap();
        let refused = stranger.verify(&BODY, &headers);
        assert!(matches!(refused, Err(WebhookError::InvalidSignature)));
    }

    #[test]
    fn raw_text_is_a_secret_as_it_is() {
        let raw = "correct-horse-battery-staple";
        let headers = headers(&[raw], evenkeel_ambient::now().as_second());
        let receiver = Webhook::from_bytes(raw.as_bytes().to_vec()).unwrap();
        receiver.verify(&BODY, &headers).unwrap();
    }

    #[test]
    fn a_later_attempt_has_the_same_id_and_its_own_time() {
        let (first, second) = (headers(&[SECRET], 1_614_265_330), headers(&[SECRET], 1_614_265_335));
        assert_eq!(first["webhook-id"], second["webhook-id"]);
        assert_ne!(first["webhook-timestamp"], second["webhook-timestamp"]);
        assert_ne!(first["webhook-signature"], second["webhook-signature"]);
    }

    #[test]
    fn without_a_secret_nothing_is_signed() {
        assert!(!headers(&[], 1).contains_key("webhook-signature"));
        assert!(headers(&[], 1).contains_key("webhook-id"));
    }

    #[test]
    fn what_cannot_be_a_header_or_signed_is_told_apart() {
        let signer = Signer::new(&[Secret::new(SECRET)]);
        assert_eq!(signer.headers("a\nb", &BODY, at(1)), Err(Unsendable::Id));
        let binary = Bytes::from_static(&[0xff, 0xfe]);
        assert_eq!(signer.headers(ID, &binary, at(1)), Err(Unsendable::Payload));
    }

    #[test]
    fn the_canonical_event_begins_with_the_ten_fixed_keys_in_their_order() {
        let created_at: Timestamp = "2025-12-22T03:14:52Z".parse().unwrap();
        let expected = Side { port: Some(8021), role: Some(Arc::from("rss")), ..Side::default() };
        let event = Event {
            id: EventId(uuid::Uuid::from_u128(0x0194_0000_0000_7000_8000_0000_0000_0001)),
            hostname: Some("box2-daily".into()),
            service: Some("freshrss".into()),
            event_type: EventType::ServiceMissing,
            expected: Some(expected),
            observed: None,
            severity: Severity::High,
            details: "Expected service freshrss on box2-daily but container not running.".into(),
            source: Arc::from("docker"),
            created_at,
            transition: Transition::Opened,
            drift_id: "SERVICE_MISSING|host:box2-daily|freshrss||".into(),
            handle: "7QZ2MK4D".into(),
            first_seen: created_at,
            last_seen: created_at,
            flapping: false,
            baseline: false,
            folded: Vec::new(),
            folded_count: 0,
            announce: true,
            drift: None,
        };
        let text = serde_json::to_string(&event).unwrap();
        let fixed = concat!(
            r#"{"id":"01940000-0000-7000-8000-000000000001","hostname":"box2-daily","service":"freshrss","#,
            r#""event_type":"SERVICE_MISSING","expected":{"port":8021,"role":"rss"},"observed":null,"#,
            r#""severity":"high","#,
            r#""details":"Expected service freshrss on box2-daily but container not running.","#,
            r#""source":"docker","created_at":"2025-12-22T03:14:52Z","#,
        );
        assert!(text.starts_with(fixed), "{text}");
    }
}
