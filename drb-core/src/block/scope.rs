//! How long a block lives: what the call of a method and the blocks that it was passed share.

use crate::{
    Value,
    dispatch::{Completed, Reply},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The call that a block was passed to, as the block sees it.
///
/// It begins when the call's arguments are loaded, and is over when the method has ended or was
/// dropped.
pub(crate) struct Scope {
    /// Makes the reply of a method that its block has left.
    blank: Reply,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    over: bool,
    /// What the block has left the method with, until the method is dropped for it.
    left: Option<Value>,
    /// Wakes whoever runs the method: the block may be called in another task.
    method: Option<Waker>,
}

impl Scope {
    pub(crate) fn new(blank: Reply) -> Self {
        Self { blank, state: Mutex::default() }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().over
    }

    pub(crate) fn end(&self) {
        self.state().over = true;
    }

    /// The block leaves the method.
    pub(crate) fn leave(&self, value: Value) {
        let mut state = self.state();
        state.left = Some(value);
        if let Some(method) = state.method.take() {
            method.wake();
        }
    }

    /// The reply of the method, once its block has left it.
    pub(crate) fn poll_left(&self, context: &mut Context<'_>) -> Poll<Completed> {
        let mut state = self.state();
        match state.left.take() {
            Some(value) => {
                drop(state);
                Poll::Ready(self.blank.another().success(|dumper| dumper.value(&value)))
            }
            None => {
                match &mut state.method {
                    Some(known) => known.clone_from(context.waker()),
                    None => state.method = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
