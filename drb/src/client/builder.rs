//! What a client is made of.

use super::{Client, Inner};
use crate::Limits;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Makes a [`Client`].
///
/// ```
/// use std::time::Duration;
///
/// let client = drb::Client::builder().deadline(Duration::from_secs(5)).build();
/// assert_eq!(client.limits().deadline, Duration::from_secs(5));
/// ```
#[derive(Debug, Clone)]
#[must_use = "a client only exists once it is built"]
pub struct ClientBuilder {
    limits: Limits,
    idle: usize,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self { limits: Limits::default(), idle: 64 }
    }

    /// All bounds at once.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long each call may take, unless it says otherwise itself: [`Limits::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// How many connections to one address are kept open while no call uses them. 64. (Ruby keeps
    /// 16, and with more calls than that side by side spends its time on connecting.)
    pub fn idle_connections(mut self, idle: usize) -> Self {
        self.idle = idle;
        self
    }

    /// The client.
    pub fn build(self) -> Client {
        let pools = Mutex::new(HashMap::new());
        let routes = Mutex::default();
        let limits = Arc::new(self.limits);
        Client(Arc::new(Inner { limits, idle: self.idle, pools, routes }))
    }
}
