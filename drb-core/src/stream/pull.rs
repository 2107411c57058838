//! The side of a stream that reads: it asks for one batch after the other.

use super::{
    NEXT_ITEMS,
    batch::{All, Arrived, Next, Opened},
    each::Each,
};
use crate::{Call, Error, Exception, Load, Remote, Response, Returns, Wire};
use std::{
    any::Any,
    collections::VecDeque,
    task::{Context, Poll, ready},
};

/// Reads the items of an object that has some.
pub(super) struct Pull {
    /// `None` at the end, and for items that were there from the beginning.
    remote: Option<Remote>,
    /// The batches that were asked for, in their order.
    asked: VecDeque<Asked>,
    /// The number of the next batch.
    number: u64,
    /// How many batches are asked for at a time.
    window: usize,
    /// The first batch that was asked for as early as this window allows.
    early: u64,
    /// Whether the reader waits for the next batch.
    waits: bool,
    here: Here,
    /// Items that are loaded already, the next one last: a `Vec<V>`.
    loaded: Option<Box<dyn Any + Send>>,
}

/// A batch that was asked for.
struct Asked {
    number: u64,
    call: Call<()>,
    /// It has arrived before it was needed.
    arrived: Option<Result<Response, Error>>,
}

/// What has arrived and was not taken yet.
// There is one of them for a stream.
#[allow(clippy::large_enum_variant)]
enum Here {
    Nothing,
    Batch(Arrived),
    /// What stands in the place of the item behind those that are loaded.
    Raised(Box<Exception>),
    /// An object that has no batches, but Ruby's `each`: an `Each<V>`.
    Each(Box<dyn Any + Send>),
}

/// A batch of at least so many items, or bytes, is one of a stream that flows. Then another one is on its
/// way while it is read.
const FLOWS: (usize, usize) = (32, 8 << 10);

/// So many are on their way at most, where the reader waits for them nevertheless.
const WINDOW: usize = 8;

impl Pull {
    pub(super) fn new(remote: Remote) -> Self {
        Self::begin(Some(remote), None)
    }

    /// Items that are all there.
    pub(super) fn of<V: Send + 'static>(mut items: Vec<V>) -> Self {
        items.reverse();
        Self::begin(None, Some(Box::new(items)))
    }

    fn begin(remote: Option<Remote>, loaded: Option<Box<dyn Any + Send>>) -> Self {
        Self {
            remote,
            asked: VecDeque::new(),
            number: 0,
            window: 1,
            early: 0,
            waits: false,
            here: Here::Nothing,
            loaded,
        }
    }

    /// What is read, as long as nothing of it was.
    pub(super) fn untouched(&self) -> Option<&Remote> {
        self.remote.as_ref().filter(|_| self.number == 0)
    }

    pub(super) fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    #[inline]
    pub(super) fn poll_next<T>(&mut self, context: &mut Context<'_>) -> Poll<Option<T::Output>>
    where
        T: Returns<Value: Send + 'static>,
    {
        match self.take_loaded() {
            Some(item) => Poll::Ready(Some(T::given(Ok(Ok(item))))),
            None => self.poll_further::<T>(context),
        }
    }

    #[inline]
    fn take_loaded<V: 'static>(&mut self) -> Option<V> {
        self.loaded.as_mut()?.downcast_mut::<Vec<V>>()?.pop()
    }

    fn poll_further<T>(&mut self, context: &mut Context<'_>) -> Poll<Option<T::Output>>
    where
        T: Returns<Value: Send + 'static>,
    {
        loop {
            if let Some(item) = self.take_loaded() {
                return Poll::Ready(Some(T::given(Ok(Ok(item)))));
            }
            match &mut self.here {
                Here::Batch(batch) => {
                    let new = || Box::new(Vec::<T::Value>::new()) as Box<dyn Any + Send>;
                    let loaded = self.loaded.get_or_insert_with(new);
                    if let Some(items) = loaded.downcast_mut::<Vec<T::Value>>()
                        && batch.load_some(items)
                    {
                        continue;
                    }
                    match batch.next::<T::Value>() {
                        Ok(item) => return Poll::Ready(Some(T::given(item))),
                        Err(next) => self.close(next),
                    }
                }
                Here::Raised(_) => {
                    if let Here::Raised(exception) =
                        std::mem::replace(&mut self.here, Here::Nothing)
                    {
                        return Poll::Ready(Some(T::given(Ok(Err(exception)))));
                    }
                }
                Here::Each(each) => {
                    let each = each.downcast_mut::<Each<T::Value>>();
                    let given = match each {
                        Some(each) => ready!(each.poll_next(context)),
                        None => None,
                    };
                    if !matches!(given, Some(Ok(Ok(_)))) {
                        self.here = Here::Nothing;
                    }
                    return Poll::Ready(given.map(T::given));
                }
                Here::Nothing => {
                    self.ask(context);
                    let Some(first) = self.asked.front_mut() else { return Poll::Ready(None) };
                    let Poll::Ready(arrived) = first.poll(context) else {
                        self.waits = true;
                        return Poll::Pending;
                    };
                    let number = first.number;
                    self.asked.pop_front();
                    if let Err(error) = self.take::<T::Value>(arrived, number, context) {
                        return Poll::Ready(Some(T::given(Err(error))));
                    }
                }
            }
        }
    }

    /// Asks for as many batches as are to be on their way.
    fn ask(&mut self, context: &mut Context<'_>) {
        while let Some(remote) = &self.remote
            && self.asked.len() < self.window
        {
            let mut asked = Asked::new(remote, self.number);
            self.number += 1;
            // It is sent when it is polled.
            if let Poll::Ready(arrived) = asked.poll(context) {
                asked.arrived = Some(arrived);
            }
            self.asked.push_back(asked);
        }
    }

    /// Takes a batch that has arrived, or the error in its place.
    fn take<V: Load + Send + 'static>(
        &mut self,
        arrived: Result<Response, Error>,
        number: u64,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        let opened = arrived.and_then(|mut response| match response.success {
            true => Ok((response.body.len(), Arrived::open::<V>(response)?)),
            false => match response.load::<()>()? {
                Ok(()) => Err(Error::Stopped),
                Err(exception) => Err(Error::from_exception(exception)),
            },
        });
        let (bytes, opened) = match opened {
            Ok(opened) => opened,
            Err(Error::NoMethod(_)) if number == 0 => {
                // An object of Ruby's.
                if let Some(remote) = self.remote.take() {
                    self.asked.clear();
                    self.here = Here::Each(Box::new(Each::<V>::new(&remote)));
                }
                return Ok(());
            }
            Err(error @ Error::Overloaded { .. }) => {
                // It has taken nothing from the stream: whoever asks again gets the batch.
                if let Some(remote) = &self.remote {
                    self.asked.push_front(Asked::new(remote, number));
                }
                return Err(error);
            }
            Err(error) => {
                self.end();
                return Err(error);
            }
        };
        let (items, next) = match opened {
            Opened::Batch(batch) => {
                let of = (batch.left(), batch.follows());
                self.here = Here::Batch(batch);
                of
            }
            Opened::All(All { mut items, raised, next }) => {
                let len = items.len();
                items.reverse();
                self.loaded = Some(Box::new(items));
                self.here = raised.map_or(Here::Nothing, Here::Raised);
                (len, next)
            }
        };
        if next == Next::End {
            self.end();
            return Ok(());
        }
        let flows = items >= FLOWS.0 || bytes >= FLOWS.1;
        let native = self.remote.as_ref().is_some_and(|to| to.link().wire() == Wire::Native);
        let waited = std::mem::take(&mut self.waits) && number >= self.early;
        let window = match (flows, native) {
            (true, true) if waited => (self.window * 2).min(WINDOW),
            (true, true) => self.window.max(2),
            // On Ruby's wire each of them takes a connection.
            _ => 1,
        };
        let wider = window > self.window;
        self.window = window;
        self.ask(context);
        if wider {
            self.early = self.number - 1;
        }
        Ok(())
    }

    /// The batch that is here is used up.
    fn close(&mut self, next: Next) {
        if let Here::Batch(batch) = std::mem::replace(&mut self.here, Here::Nothing) {
            batch.close();
        }
        if next == Next::End {
            self.end();
        }
    }

    /// Says that nothing more is wanted, where dropping the reference doesn't.
    fn dismiss(&mut self) {
        if let Some(remote) = self.remote.take()
            && self.number > 0
            && !remote.link().lets_go()
        {
            self.asked.clear();
            let mut call = remote.begin(NEXT_ITEMS, 1);
            call.arg::<Option<u64>>(None::<u64>);
            call.dismiss();
        }
    }

    /// Nothing comes any more, and the object is needed no longer.
    fn end(&mut self) {
        self.asked.clear();
        self.remote = None;
    }
}

impl Drop for Pull {
    fn drop(&mut self) {
        self.dismiss();
    }
}

impl Asked {
    fn new(remote: &Remote, number: u64) -> Self {
        let mut call = remote.begin(NEXT_ITEMS, 1);
        call.arg::<u64>(number);
        Self { number, call: call.call().no_deadline(), arrived: None }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Response, Error>> {
        match self.arrived.take() {
            Some(arrived) => Poll::Ready(arrived),
            None => self.call.poll_response(context, |response| response.map(Response::take)),
        }
    }
}
