//! Where a server is to listen.

/// What [`start_service`](crate::start_service) takes for a URI: a text, or `None` or `()` for a port
/// on loopback that the system picks.
pub trait IntoUri {
    /// The URI.
    fn into_uri(self) -> String;
}

/// Only this machine, any free port.
const ANYWHERE: &str = "druby://127.0.0.1:0";

impl IntoUri for &str {
    fn into_uri(self) -> String {
        self.to_owned()
    }
}

impl IntoUri for &String {
    fn into_uri(self) -> String {
        self.clone()
    }
}

impl IntoUri for String {
    fn into_uri(self) -> String {
        self
    }
}

impl IntoUri for Option<&str> {
    fn into_uri(self) -> String {
        self.unwrap_or(ANYWHERE).to_owned()
    }
}

impl IntoUri for () {
    fn into_uri(self) -> String {
        ANYWHERE.to_owned()
    }
}
