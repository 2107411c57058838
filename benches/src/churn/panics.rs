//! Methods that panic: at once, later, on a thread, and in an object of the caller's.

use super::{
    Failed, Figures, Run, Task,
    ledger::{Told, answer},
    works::Thing,
};
use std::panic;

/// Calls methods that panic so many times, and others in between.
///
/// # Errors
/// Says what didn't hold.
pub async fn panicked(wanted: usize, seed: u64) -> Result<Figures, Failed> {
    let run = Run::start(wanted * 8 + 1000, wanted).await?;
    run.work(seed, |task| {
        Box::pin(async move {
            let mut task = task;
            while !task.progress.is_enough() {
                task.panic().await?;
                task.progress.add(1)?;
                // The connection goes on.
                for _ in 0..task.random.below(4) {
                    task.quick().await?;
                }
            }
            Ok(())
        })
    })
    .await?;
    let done = run.progress.done.load(std::sync::atomic::Ordering::Relaxed);
    let besides = format!("{} calls answered between them", run.ledger.calls() - done);
    run.finish("panics", besides, seed).await
}

/// Does it without a word about those panics.
pub fn quietly<T>(run: impl FnOnce() -> T) -> T {
    let before = panic::take_hook();
    let expected = |info: &panic::PanicHookInfo<'_>| {
        info.payload_as_str().is_some_and(|text| text.contains(" panics "))
    };
    panic::set_hook(Box::new(move |info| {
        if !expected(info) {
            eprintln!("{info}");
        }
    }));
    let done = run();
    panic::set_hook(before);
    done
}

impl Task {
    async fn panic(&mut self) -> Result<(), Failed> {
        let number = self.ledger.call()?;
        let turns = self.random.below(70) as u8;
        let thing = Thing::new(&self.ledger, number);
        let (how, given) = match self.random.below(5) {
            0 => ("at once", self.works.panics(number).await),
            1 => {
                let call = self.works.panics_later(number, turns, drb::by_ref(thing));
                ("later", call.await.map(drop))
            }
            2 => {
                let call = self.works.panics_later(number, turns, drb::by_ref(thing));
                match call.pipelined().number().await {
                    // The object's method has not run, since there is none.
                    Err(drb::Error::Unresolved { cause }) => ("later", Err(*cause)),
                    other => return Err(format!("an object of a panic came as {other:?}").into()),
                }
            }
            3 => ("on a thread", self.works.panics_on_a_thread(number).await),
            _ => ("in a callback", self.works.calls_back(number, drb::by_ref(thing)).await),
        };
        let expected = format!("{number} panics {how}");
        match given {
            Err(drb::Error::Panicked { message }) if message == expected => {
                self.ledger.told(number, Told::Panicked);
                Ok(())
            }
            other => Err(format!("`{expected}` came as {other:?}").into()),
        }
    }

    async fn quick(&mut self) -> Result<(), Failed> {
        let number = self.ledger.call()?;
        let given = self.works.quick(number).await?;
        if given != answer(number) {
            return Err(format!("call {number} got {given}, the answer of another one").into());
        }
        self.ledger.told(number, Told::Answered);
        Ok(())
    }
}
