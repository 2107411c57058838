//! The caller's side of a block: lends an object for it, and runs the closure.

use super::{Takes, Yielded, Yields};
use crate::{
    Current, DumpError, Exception, Reference, Session,
    dispatch::{
        Completed, Dispatch, Incoming, Invoked, MethodInfo, OwnedArgs, ParamInfo, ParamKind, Reply,
    },
};
use futures_channel::{mpsc, oneshot};
use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// What a call does beside waiting for its reply: it runs the block, if it has one.
pub trait Driver {
    /// Goes on with what the block has to do. Called each time the call is polled.
    fn drive(&mut self, context: &mut Context<'_>);
}

/// A call without a block.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBlock;

impl Driver for NoBlock {
    fn drive(&mut self, _: &mut Context<'_>) {}
}

/// The closure of a call. The task that awaits the call runs it, so it may borrow from there, and
/// needs no lock around what it changes.
///
/// What an asynchronous closure gives runs side by side with its next calls, as long as the method
/// calls the block side by side; a method that calls itself through the block doesn't wait for
/// itself.
///
/// `F` is the closure, `A` what it takes, `O` what it gives, and `N` the reply that this becomes.
pub struct Yielding<F, A, O, N> {
    closure: F,
    /// [`Yields::answer`]. A bound in its place would have a closure that gives a wrong type told
    /// once more wherever the call is used.
    answer: fn(O, Reply) -> N,
    /// `None` if the block could not be lent; then the call fails with that.
    lent: Option<Lent>,
    answers: Vec<Answer<N>>,
    arguments: PhantomData<fn(A)>,
}

/// What the closure has given, and who waits for it.
struct Answer<N> {
    answer: Pin<Box<N>>,
    sender: oneshot::Sender<Completed>,
    current: Option<Arc<Current>>,
}

/// The object that stands for the block in the session's table, and its calls.
struct Lent {
    session: Arc<dyn Session>,
    reference: Reference,
    inbox: mpsc::UnboundedReceiver<Asked>,
}

/// A call of the block that waits for the closure.
///
/// It is there until the closure takes it.
struct Asked(Option<Question>);

struct Question {
    args: OwnedArgs,
    reply: Reply,
    sender: oneshot::Sender<Completed>,
    /// The call that was being served where the block was called, if there is one.
    current: Option<Arc<Current>>,
}

/// The block as others see it: an object with the method `call`.
struct Target {
    inbox: mpsc::UnboundedSender<Asked>,
}

impl<F, A, O, N> Yielding<F, A, O, N> {
    /// Lends the block to whoever `session` leads to, and gives what names it.
    pub(crate) fn lend<R, V, Way>(
        closure: F,
        session: Option<Arc<dyn Session>>,
    ) -> (Self, Result<Reference, DumpError>)
    where
        O: Yields<R, V, Way, Answer = N>,
    {
        let (sender, inbox) = mpsc::unbounded();
        let lent = match session {
            None => Err(DumpError::NoServer { class: CLASS }),
            Some(session) => session
                .lend(Arc::new(Target { inbox: sender }))
                .map(|reference| Lent { session, reference, inbox }),
        };
        let (lent, reference) = match lent {
            Ok(lent) => {
                let reference = lent.reference.clone();
                (Some(lent), Ok(reference))
            }
            Err(error) => (None, Err(error)),
        };
        let (answers, arguments) = (Vec::new(), PhantomData);
        (Self { closure, answer: O::answer, lent, answers, arguments }, reference)
    }
}

impl<F, A, O, N> Driver for Yielding<F, A, O, N>
where
    F: Takes<A, O>,
    A: Yielded,
    N: Future<Output = Completed>,
{
    fn drive(&mut self, context: &mut Context<'_>) {
        while let Some(mut asked) = self.lent.as_mut().and_then(|lent| lent.next(context)) {
            let Asked(asked) = &mut asked;
            let Some(Question { args, reply, sender, current }) = asked.take() else { continue };
            match A::load(&mut args.args(reply.session())) {
                Ok(arguments) => {
                    let (closure, answer) = (&mut self.closure, self.answer);
                    let answer = within(&current, || answer(closure.take(arguments), reply));
                    self.answers.push(Answer { answer: Box::pin(answer), sender, current });
                }
                // Whether anybody still waits for it is not known here.
                Err(error) => drop(sender.send(reply.refusal((&error).into()))),
            }
        }
        let mut index = 0;
        while let Some(Answer { answer, current, .. }) = self.answers.get_mut(index) {
            match within(current, || answer.as_mut().poll(context)) {
                Poll::Pending => index += 1,
                Poll::Ready(completed) => {
                    let Answer { sender, .. } = self.answers.swap_remove(index);
                    drop(sender.send(completed));
                }
            }
        }
    }
}

/// The closure runs in the task of its caller, and yet serves a call.
fn within<T>(current: &Option<Arc<Current>>, run: impl FnOnce() -> T) -> T {
    match current {
        Some(current) => current.enter(run),
        None => run(),
    }
}

impl Lent {
    fn next(&mut self, context: &mut Context<'_>) -> Option<Asked> {
        match futures_core::Stream::poll_next(Pin::new(&mut self.inbox), context) {
            Poll::Ready(asked) => asked,
            Poll::Pending => None,
        }
    }
}

/// The call is over: nobody can call the block any more.
impl Drop for Lent {
    fn drop(&mut self) {
        self.session.withdraw(&self.reference);
    }
}

/// The call that the block belongs to has ended before the closure was called.
impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(Question { reply, sender, .. }) = self.0.take() {
            drop(sender.send(reply.refusal(over())));
        }
    }
}

/// Ruby's name of what a block is.
const CLASS: &str = "Proc";

static CALL: MethodInfo = MethodInfo {
    name: "call",
    params: &[ParamInfo { name: "arguments", kind: ParamKind::Rest, ty: "Value" }],
    result: "Value",
    exclusive: false,
    no_cancel: false,
};

impl Dispatch for Target {
    fn class(&self) -> &'static str {
        CLASS
    }

    fn find(&self, name: &str) -> Option<usize> {
        (name == CALL.name).then_some(0)
    }

    fn method(&self, index: usize) -> Option<&'static MethodInfo> {
        (index == 0).then_some(&CALL)
    }

    fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
        let (sender, answered) = oneshot::channel();
        let (args, reply) = call.take_owned();
        let another = reply.another();
        let asked = Asked(Some(Question { args, reply, sender, current: Current::get() }));
        // If nobody takes it any more, it is dropped, and so answered.
        drop(self.inbox.unbounded_send(asked));
        Invoked::run(another, |another| async move {
            match answered.await {
                Ok(completed) => completed,
                // The closure was called, but its call ended before it did.
                Err(_) => another.failure(over()),
            }
        })
    }
}

/// What Ruby says of an object that is gone, and why it is.
fn over() -> Exception {
    Exception::new("RangeError", BLOCK_ENDED)
}

/// What the caller of a block is told after the call that the block was passed to has ended.
pub(crate) const BLOCK_ENDED: &str =
    "invalid reference: a block lives as long as the call that it was passed to";

impl<F, A, O, N> fmt::Debug for Yielding<F, A, O, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielding").finish_non_exhaustive()
    }
}
