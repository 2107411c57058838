//! What must hold of streams: the items come in order, none is lost or repeated before the end, and an end
//! comes, or an error, or nobody reads on.

use super::Violation;
use crate::history::{Event, Life, Record, StreamEnd};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Streams {
    items: BTreeMap<u64, Source>,
    readers: BTreeMap<u64, Reader>,
}

/// A stream where it comes from.
struct Source {
    items: u64,
    ahead: u64,
    taken: u64,
}

struct Reader {
    by: Life,
    /// What it reads, once there is an item.
    stream: Option<u64>,
    taken: u64,
    ended: bool,
}

pub(super) fn check(history: &[Record], killed: &BTreeSet<Life>, found: &mut Vec<Violation>) {
    let mut streams = Streams::default();
    for Record { event, .. } in history {
        found.extend(streams.see(event));
    }
    let waits = |reader: &Reader| !reader.ended && !killed.contains(&reader.by);
    let waiting = streams.readers.iter().filter(|(_, reader)| waits(reader));
    found.extend(waiting.map(|(number, _)| Violation::Endless(*number)));
}

impl Streams {
    fn see(&mut self, event: &Event) -> Option<Violation> {
        match *event {
            Event::Flows { stream, items, ahead } => {
                self.items.insert(stream, Source { items, ahead, taken: 0 });
                None
            }
            Event::Gave { stream, item } => {
                let source = self.items.get(&stream)?;
                (item > source.taken + source.ahead).then_some(Violation::RanAhead(stream))
            }
            Event::Reads { reader, by } => {
                self.readers.insert(reader, Reader { by, stream: None, taken: 0, ended: false });
                None
            }
            Event::Took { reader: number, stream, item } => {
                let reader = self.readers.get_mut(&number)?;
                let first = *reader.stream.get_or_insert(stream);
                let (source, next) = (self.items.get_mut(&stream), reader.taken);
                reader.taken += 1;
                if reader.ended {
                    return Some(Violation::AfterTheEnd(number));
                }
                match source {
                    Some(source) if item == next && item < source.items && first == stream => {
                        source.taken = source.taken.max(item + 1);
                        None
                    }
                    _ => Some(Violation::WrongItem(number)),
                }
            }
            Event::Read { reader: number, end } => {
                let reader = self.readers.get_mut(&number)?;
                if std::mem::replace(&mut reader.ended, true) {
                    return Some(Violation::AfterTheEnd(number));
                }
                let source = reader.stream.and_then(|stream| self.items.get(&stream))?;
                let short = end == StreamEnd::Whole && reader.taken < source.items;
                short.then_some(Violation::Short(number))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIFE: Life = Life { host: 0, number: 0 };

    /// What is found where a stream of three items, of which two may be made ahead, is read.
    fn found(events: impl IntoIterator<Item = Event>) -> Vec<Violation> {
        let begin =
            [Event::Flows { stream: 1, items: 3, ahead: 2 }, Event::Reads { reader: 2, by: LIFE }];
        let record = |event| Record { at: Duration::ZERO, event };
        let history: Vec<_> = begin.into_iter().chain(events).map(record).collect();
        let mut found = Vec::new();
        check(&history, &BTreeSet::new(), &mut found);
        found
    }

    fn took(item: u64) -> Event {
        Event::Took { reader: 2, stream: 1, item }
    }

    fn end(end: StreamEnd) -> Event {
        Event::Read { reader: 2, end }
    }

    #[test]
    fn good_ends_are_good() {
        assert_eq!(found((0..3).map(took).chain([end(StreamEnd::Whole)])), []);
        assert_eq!(found([took(0), end(StreamEnd::Failed)]), []);
        assert_eq!(found([end(StreamEnd::Left)]), []);
    }

    #[test]
    fn items_that_are_lost_repeated_or_swapped_are_found() {
        for items in [&[1][..], &[0, 0], &[0, 2], &[0, 1, 2, 3]] {
            let items = items.iter().copied().map(took).chain([end(StreamEnd::Left)]);
            assert_eq!(found(items), [Violation::WrongItem(2)]);
        }
        let other = Event::Took { reader: 2, stream: 5, item: 1 };
        assert_eq!(found([took(0), other, end(StreamEnd::Left)]), [Violation::WrongItem(2)]);
    }

    #[test]
    fn wrong_ends_are_found() {
        assert_eq!(found([took(0), end(StreamEnd::Whole)]), [Violation::Short(2)]);
        assert_eq!(found([took(0)]), [Violation::Endless(2)]);
        let after = [took(0), end(StreamEnd::Failed), took(1)];
        assert_eq!(found(after), [Violation::AfterTheEnd(2)]);
        let twice = [end(StreamEnd::Left), end(StreamEnd::Failed)];
        assert_eq!(found(twice), [Violation::AfterTheEnd(2)]);
    }

    #[test]
    fn a_stream_that_runs_ahead_is_found() {
        let gave = |item| Event::Gave { stream: 1, item };
        let end = || [end(StreamEnd::Left)];
        assert_eq!(found((0..3).map(gave).chain(end())), []);
        assert_eq!(found((0..4).map(gave).chain(end())), [Violation::RanAhead(1)]);
        assert_eq!(found([gave(0), gave(1), took(0), gave(3)].into_iter().chain(end())), []);
    }
}
