//! Addresses that are kept out for a while, because peers from there have failed to show who they are.

use crate::Limits;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many networks are remembered. With more, all are forgotten: whoever has so many isn't held up by
/// penalties anyway.
const MOST: usize = 1 << 16;

#[derive(Default)]
pub(super) struct Penalties(Mutex<HashMap<Network, Record>>);

/// An IPv4 address, or the network of 64 bits that an IPv6 address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u8; 8]),
}

struct Record {
    failures: usize,
    /// How long the next penalty is.
    next: Duration,
    /// Until when it is kept out.
    until: Instant,
    /// From when on nothing is known of it.
    forgotten: Instant,
}

impl Penalties {
    /// Whether an address is kept out.
    pub(super) fn keep_out(&self, address: IpAddr, now: Instant) -> bool {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // As a rule there are none.
        !records.is_empty()
            && network(address)
                .and_then(|network| records.get(&network))
                .is_some_and(|record| now < record.until)
    }

    /// A peer from an address has failed to show who it is.
    pub(super) fn failed(&self, address: IpAddr, now: Instant, limits: &Limits) {
        let Some(network) = network(address) else { return };
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= MOST {
            records.retain(|_, record| now < record.forgotten);
            if records.len() >= MOST {
                records.clear();
            }
        }
        let new = Record { failures: 0, next: limits.penalty, until: now, forgotten: now };
        let record = records.entry(network).or_insert(new);
        if now >= record.forgotten {
            (record.failures, record.next) = (0, limits.penalty);
        }
        record.failures += 1;
        if record.failures >= limits.auth_failures {
            record.until = now + record.next;
            record.next = (record.next * 2).min(limits.penalty_most);
        }
        record.forgotten = record.until.max(now) + limits.penalty_most;
    }
}

/// `None` for this machine, which may stand for many: a proxy, a tunnel.
fn network(address: IpAddr) -> Option<Network> {
    let address = address.to_canonical();
    match address {
        _ if address.is_loopback() => None,
        IpAddr::V4(address) => Some(Network::V4(address.octets())),
        IpAddr::V6(address) => address.octets().first_chunk().copied().map(Network::V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_third_failure_keeps_an_address_out_and_each_further_one_twice_as_long() {
        let (penalties, limits) = (Penalties::default(), Limits::default());
        let (peer, mut now) = (ip("192.0.2.1"), Instant::now());
        for _ in 0..2 {
            penalties.failed(peer, now, &limits);
            assert!(!penalties.keep_out(peer, now));
        }
        for seconds in [5, 10, 20, 40, 80, 160, 320, 600, 600] {
            penalties.failed(peer, now, &limits);
            assert!(penalties.keep_out(peer, now + SECOND * seconds - SECOND / 1000));
            assert!(!penalties.keep_out(ip("192.0.2.2"), now), "its neighbour is not kept out");
            now += SECOND * seconds;
            assert!(!penalties.keep_out(peer, now));
        }
        // Nothing has happened for long.
        now += SECOND * 600;
        penalties.failed(peer, now, &limits);
        assert!(!penalties.keep_out(peer, now));
    }

    #[test]
    fn networks_of_64_bits_are_one() {
        let limits = Limits { auth_failures: 1, ..Limits::default() };
        let (penalties, now) = (Penalties::default(), Instant::now());
        penalties.failed(ip("2001:db8:1:2::1"), now, &limits);
        assert!(penalties.keep_out(ip("2001:db8:1:2:ffff::7"), now));
        assert!(!penalties.keep_out(ip("2001:db8:1:3::1"), now));
        penalties.failed(ip("::ffff:192.0.2.1"), now, &limits);
        assert!(penalties.keep_out(ip("192.0.2.1"), now));
        for own in ["127.0.0.1", "::1", "::ffff:127.1.2.3"] {
            penalties.failed(ip(own), now, &limits);
            assert!(!penalties.keep_out(ip(own), now));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let limits = Limits { auth_failures: 1, ..Limits::default() };
        let (penalties, now) = (Penalties::default(), Instant::now());
        for number in 0..MOST as u32 + 10 {
            penalties.failed(IpAddr::from((0x0a00_0000 + number).to_be_bytes()), now, &limits);
        }
        assert!(penalties.0.lock().unwrap().len() <= MOST);
        assert!(penalties.keep_out(IpAddr::from((0x0a00_0000 + MOST as u32).to_be_bytes()), now));
    }
}
