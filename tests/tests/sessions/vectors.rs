//! The captured conversations: `sessions/sessions.txt`, whose head says where they come from.

/// What one client does, and what was on the wire.
pub struct Session {
    pub name: &'static str,
    /// What the client's program sees.
    pub seen: &'static str,
    pub events: Vec<Event>,
}

/// A message, or the end of a direction of a connection.
pub struct Event {
    pub link: Link,
    pub connection: u32,
    /// Whether it goes to the server of the connection.
    pub request: bool,
    /// The Marshal streams of the message; none at the end.
    pub streams: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// From the client to the server.
    Main,
    /// From the server to the client's own server.
    Callback,
}

impl Session {
    /// The connections of one link that carry messages here. (Some end here that others have used.)
    pub fn connections(&self, link: Link) -> Vec<u32> {
        let mut connections: Vec<u32> = self
            .events
            .iter()
            .filter(|event| event.link == link && !event.streams.is_empty())
            .map(|event| event.connection)
            .collect();
        connections.dedup();
        connections
    }
}

/// All of them, in the order in which they were captured.
pub fn sessions() -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    let lines = include_str!("../../sessions/sessions.txt").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let parts: Vec<&'static str> = line.split('\t').collect();
        match (parts.as_slice(), sessions.last_mut()) {
            (["session", name, _what, seen], _) => {
                sessions.push(Session { name, seen, events: Vec::new() });
            }
            ([link, connection, direction, streams @ ..], Some(session)) => {
                session.events.push(Event {
                    link: if *link == "main" { Link::Main } else { Link::Callback },
                    connection: connection.parse().unwrap(),
                    request: *direction == "C>S",
                    streams: streams.iter().map(|text| stream(text)).collect(),
                });
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    sessions
}

/// A Marshal stream with its version.
pub fn stream(text: &str) -> Vec<u8> {
    let mut stream = vec![4, 8];
    let mut parts = text.split("\\x");
    stream.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (hex, rest) = part.split_at(2);
        stream.push(u8::from_str_radix(hex, 16).unwrap());
        stream.extend_from_slice(rest.as_bytes());
    }
    stream
}
