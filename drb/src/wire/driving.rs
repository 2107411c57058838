//! Who has the driver of a connection: its task, and whoever calls over it and sends what it calls.

use super::{driver::Driver, running::Last};
use drb_core::native::{Outlet, Protocol};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

/// What the task of a connection does: it runs until the connection has ended, and all methods that were called over
/// it. What is not to be stopped is cut off if this is dropped.
///
/// A driver is large, and what is spawned is moved about: so that has its place elsewhere.
pub(crate) struct Driving {
    /// Until it has ended.
    driver: Option<Own>,
    last: Last,
}

impl Driving {
    pub(crate) fn new(driver: Driver) -> Self {
        let (connection, last) = (Arc::clone(driver.connection()), Last(driver.running()));
        let driver = Arc::new(Shared(Mutex::new(Some(driver))));
        connection.send_through(Arc::clone(&driver) as _);
        Self { driver: Some(Own(driver)), last }
    }
}

impl Future for Driving {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(Own(driver)) = &self.driver {
            ready!(driver.poll(context));
            self.driver = None;
        }
        // Whoever waits for this connection's end waits for what goes on without it, too.
        self.last.0.poll_idle(context)
    }
}

/// The connection has what is shared of its driver, too, and the driver has the connection: so the driver goes with its
/// task.
struct Own(Arc<Shared>);

impl Drop for Own {
    fn drop(&mut self) {
        let over = self.0.lock().take();
        // Its destructors run where nothing is locked.
        drop(over);
    }
}

/// A driver as its task and those share it who call over the connection, until it has ended.
struct Shared(Mutex<Option<Driver>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Driver>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(driver) = &mut *self.lock()
            && let Err(end) = ready!(driver.poll(context))
        {
            driver.ended_by(end);
        }
        Poll::Ready(())
    }
}

/// A caller sends what it has put in, and who leaves ends what nobody needs, while the task sleeps.
impl Outlet for Shared {
    fn send(&self, protocol: MutexGuard<'_, Protocol>) -> bool {
        let Ok(mut driver) = self.0.try_lock() else { return false };
        driver.as_mut().is_some_and(|driver| driver.send(protocol))
    }

    fn end(&self) {
        let Ok(mut driver) = self.0.try_lock() else { return };
        let over = driver.take_if(|driver| driver.is_left());
        drop(driver);
        // Its destructors run where nothing is locked.
        drop(over);
    }
}
