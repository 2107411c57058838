//! Items of an object of Ruby's: it is asked for `each`, with a block.

use crate::{Arrival, Error, Exception, Load, Remote, Response, Value};
use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

/// A call of `each` that runs as far as its items are taken: the object waits in its `yield`.
pub(super) struct Each<V> {
    call: Pin<Box<dyn Future<Output = Arrival<Value>> + Send>>,
    items: Arc<Items<V>>,
    /// What has come in the end.
    ended: Option<Option<Result<Box<Exception>, Error>>>,
}

struct Items<V>(Mutex<Yielded<V>>);

struct Yielded<V> {
    here: VecDeque<V>,
    /// How many were taken.
    taken: usize,
}

impl<V> Items<V> {
    fn lock(&self) -> MutexGuard<'_, Yielded<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Load + Send + 'static> Each<V> {
    pub(super) fn new(remote: &Remote) -> Self {
        let items = Arc::new(Items(Mutex::new(Yielded { here: VecDeque::new(), taken: 0 })));
        let inbox = Arc::clone(&items);
        let block = move |item: V| {
            let mut yielded = inbox.lock();
            yielded.here.push_back(item);
            let until = yielded.taken + yielded.here.len();
            drop(yielded);
            let items = Arc::clone(&inbox);
            // Whoever takes the item goes on to poll the call, and so this.
            poll_fn(move |_| match items.lock().taken >= until {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
        };
        let call = remote.begin("each", 0);
        let mut call = call.call_with::<_, (V,), (), (), _, _>(block).no_deadline();
        let call = Box::pin(poll_fn(move |context| {
            call.poll_response(context, |response| response.and_then(Response::load::<Value>))
        }));
        Self { call, items, ended: None }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Arrival<V>>> {
        let waits = self.ended.is_none() && self.items.lock().here.is_empty();
        if waits && let Poll::Ready(response) = self.call.as_mut().poll(context) {
            let ended = match response {
                Ok(Ok(_)) => None,
                Ok(Err(exception)) => Some(Ok(exception)),
                Err(error) => Some(Err(error)),
            };
            self.ended = Some(ended);
        }
        let mut items = self.items.lock();
        if let Some(item) = items.here.pop_front() {
            items.taken += 1;
            return Poll::Ready(Some(Ok(Ok(item))));
        }
        match &mut self.ended {
            None => Poll::Pending,
            Some(ended) => Poll::Ready(ended.take().map(|raised| raised.map(Err))),
        }
    }
}
