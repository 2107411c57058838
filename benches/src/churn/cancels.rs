//! Calls that nobody waits for any more, at any moment: before they are sent, while they are sent, while
//! their methods run, and after the answer.

use super::{
    Failed, Figures, Random, Run, Task,
    ledger::{Told, answer},
    text,
    works::{Thing, pass},
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

/// For each call that is cancelled there may be so many that aren't, since they end before.
const BESIDES: usize = 6;

/// Cancels so many calls. Each of the others gets its answer.
///
/// # Errors
/// Says what didn't hold.
pub async fn cancelled(wanted: usize, seed: u64) -> Result<Figures, Failed> {
    let run = Run::start(wanted * (BESIDES + 1) + 1000, wanted).await?;
    let not_executed = Arc::new(AtomicUsize::new(0));
    run.work(seed, |task| {
        let not_executed = Arc::clone(&not_executed);
        Box::pin(async move {
            let mut task = task;
            while !task.progress.is_enough() {
                match task.call().await? {
                    Told::Cancelled => task.progress.add(1)?,
                    Told::NotExecuted => _ = not_executed.fetch_add(1, Ordering::Relaxed),
                    _ => {}
                }
            }
            Ok(())
        })
    })
    .await?;
    let late = not_executed.load(Ordering::Relaxed);
    let done = run.progress.done.load(Ordering::Relaxed);
    let answered = run.ledger.calls() - done - late;
    let begun = run.ledger.cancelled_and_begun();
    let besides = format!(
        "{begun} of them had begun; {answered} answered beside them, {late} too late to be sent"
    );
    run.finish("calls cancelled", besides, seed).await
}

/// How long a caller waits.
#[derive(Clone, Copy)]
enum Patience {
    /// To the end.
    Whole,
    /// So many turns of the runtime.
    Turns(u64),
    /// Some time.
    Time(Duration),
    /// It has a deadline.
    Deadline(Duration),
}

impl Patience {
    fn random(random: &mut Random) -> Self {
        let micros = random.below(2500);
        match random.below(16) {
            0 => Self::Whole,
            1 => Self::Time(Duration::from_micros(micros)),
            2 => Self::Deadline(Duration::from_micros(micros)),
            3 => Self::Turns(random.below(200)),
            _ => Self::Turns(random.below(12)),
        }
    }
}

impl Task {
    /// Makes one call, of any kind, and says how it has ended.
    async fn call(&mut self) -> Result<Told, Failed> {
        let number = self.ledger.call()?;
        let patience = Patience::random(&mut self.random);
        let turns = self.random.below(70) as u8;
        let works = self.works.clone();
        let told = match self.random.below(64) {
            0..12 => numbered(number, patience, works.quick(number)).await,
            12..30 => numbered(number, patience, works.waits(number, turns)).await,
            30..36 => numbered(number, patience, works.keeps(number, turns)).await,
            36 => numbered(number, patience, works.blocks(number)).await,
            37..43 => {
                // Called before it is there, and so is another one that it gives.
                let given = works.gives(number, turns).pipelined();
                let thing = if turns.is_multiple_of(2) { given } else { given.twin().pipelined() };
                match numbered(number, patience, thing.number()).await? {
                    // That is known of the object's method only.
                    Told::NotExecuted => Ok(Told::Cancelled),
                    told => Ok(told),
                }
            }
            43..48 => {
                let call = works.gives(number, turns);
                match within(patience, call).await? {
                    // It is the right object, also if nobody ever calls it.
                    Ok(thing) => right(number, thing.number().await?),
                    Err(told) => Ok(told),
                }
            }
            48..60 => {
                let thing = Thing::new(&self.ledger, number);
                numbered(number, patience, works.takes(number, turns, drb::by_ref(thing))).await
            }
            _ => {
                let byte = number as u8;
                let bytes = vec![byte; self.random.below(150_000) as usize];
                match within(patience, works.large(number, turns, &bytes)).await? {
                    Ok(given) if given == bytes => Ok(Told::Answered),
                    Ok(_) => Err(format!("call {number} got the bytes of another one").into()),
                    Err(told) => Ok(told),
                }
            }
        }?;
        self.ledger.told(number, told);
        Ok(told)
    }
}

async fn numbered<R>(number: u32, patience: Patience, call: drb::Call<R>) -> Result<Told, Failed>
where
    drb::Call<R>: Future<Output = drb::Result<u64>>,
{
    match within(patience, call).await? {
        Ok(given) => right(number, given),
        Err(told) => Ok(told),
    }
}

fn right(number: u32, given: u64) -> Result<Told, Failed> {
    match given == answer(number) {
        true => Ok(Told::Answered),
        false => Err(format!("call {number} got {given}, the answer of another one").into()),
    }
}

/// Waits as long as the caller does. `Err` without a result.
async fn within<R, T>(patience: Patience, call: drb::Call<R>) -> Result<Result<T, Told>, Failed>
where
    drb::Call<R>: Future<Output = drb::Result<T>>,
{
    let waited = match patience {
        Patience::Whole => Some(call.await),
        Patience::Turns(turns) => {
            let mut call = pin!(call);
            let mut given = None;
            for _ in 0..turns {
                let polled = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
                if let Poll::Ready(result) = polled {
                    given = Some(result);
                    break;
                }
                pass(1).await;
            }
            given
        }
        Patience::Time(time) => tokio::time::timeout(time, call).await.ok(),
        Patience::Deadline(time) => match call.deadline(time).await {
            Err(drb::Error::DeadlineExceeded { outcome, .. }) => {
                return Ok(Err(match outcome {
                    drb::Outcome::NotExecuted => Told::NotExecuted,
                    _ => Told::Cancelled,
                }));
            }
            // The method has called back, for which there was no time.
            Err(drb::Error::Raised(exception)) if &*exception.class == "Timeout::Error" => {
                return Ok(Err(Told::Cancelled));
            }
            given => Some(given),
        },
    };
    match waited {
        None => Ok(Err(Told::Cancelled)),
        Some(Ok(given)) => Ok(Ok(given)),
        Some(Err(error)) => Err(text(error)),
    }
}
