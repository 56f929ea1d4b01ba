//! A request made of bytes: a line with method and address, lines with headers, an empty line, the body.

use axum::body::Body;
use axum::http::{Method, Request, Uri, Version};

/// A request, as far as it can be told apart from its body.
pub struct Asked {
    /// What it wants done.
    pub method: Method,
    /// Where.
    pub uri: Uri,
    /// Its headers, as they came.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Asked {
    /// What these bytes ask; `None` where no HTTP server would have got as far as asking us.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let (head, body) = match bytes.windows(2).position(|two| two == b"\n\n") {
            Some(at) => (&bytes[..at], &bytes[at + 2..]),
            None => (bytes, &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next()?;
        let space = first.iter().position(|byte| *byte == b' ')?;
        let method = Method::from_bytes(&first[..space]).ok()?;
        let uri = Uri::try_from(&first[space + 1..]).ok()?;
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((line[..colon].to_vec(), line[colon + 1..].trim_ascii().to_vec()))
        });
        Some(Self { method, uri, headers: headers.collect(), body: body.to_vec() })
    }

    /// Whether it shows anything that somebody could be known by.
    pub fn shows_something(&self) -> bool {
        let known = |name: &[u8]| {
            ["authorization", "cookie"].iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
        };
        self.headers.iter().any(|(name, _)| known(name))
    }

    /// The same as the server sees it; `None` where its headers are none.
    pub fn request(&self) -> Option<Request<Body>> {
        let mut request =
            Request::builder().method(self.method.clone()).uri(self.uri.clone()).version(Version::HTTP_11);
        let mut is_called = false;
        for (name, value) in &self.headers {
            is_called |= name.eq_ignore_ascii_case(b"host");
            request = request.header(name.as_slice(), value.as_slice());
        }
        if !is_called {
            request = request.header("host", "localhost");
        }
        request.body(Body::from(self.body.clone())).ok()
    }
}
