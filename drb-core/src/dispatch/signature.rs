//! Signatures: what the caller of a method knows of it, beside what the object's side knows.
//!
//! The two are compared when a method is first called over a connection. That refuses arguments which would
//! arrive as others; whatever else doesn't fit shows when the arguments are loaded, and the error then says
//! both.

use super::{Method, MethodInfo, ParamKind};
use crate::{Apart, Exception, LoadError, Session};
use std::{
    fmt,
    ops::Range,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// A method as its caller knows it.
///
/// A proxy that `#[drb::service]` has made has one for each method, as a `static`; the native wire tells it
/// to the peer, once for a connection.
pub struct Signature {
    known: Known,
    /// The address of the [`MethodInfo`] that was found to take the arguments for what they are.
    fits: AtomicUsize,
    /// Whether the caller was told of a method that differs.
    told: AtomicBool,
}

enum Known {
    Own(MethodInfo),
    Told { name: Box<str>, told: Option<Told> },
}

/// What a peer has told of a method beside its name.
struct Told {
    /// All names and types, one behind the other: a peer that makes one call has told of as many methods.
    text: Box<str>,
    result: Range<usize>,
    params: Box<[Param]>,
}

struct Param {
    kind: ParamKind,
    name: Range<usize>,
    ty: Range<usize>,
}

impl Told {
    fn part(&self, part: &Range<usize>) -> &str {
        self.text.get(part.clone()).unwrap_or_default()
    }
}

impl Signature {
    /// A method of a proxy.
    pub const fn new(info: MethodInfo) -> Self {
        Self::of(Known::Own(info))
    }

    /// A method that a peer calls, of which it has told the name alone.
    pub fn named(name: &str) -> Self {
        Self::of(Known::Told { name: name.into(), told: None })
    }

    /// A method that a peer calls: its name, its parameters with their kinds, names and types, and its result.
    pub fn told(name: &str, params: &[(ParamKind, &str, &str)], result: &str) -> Self {
        let of_params: usize = params.iter().map(|(_, name, ty)| name.len() + ty.len()).sum();
        let mut text = String::with_capacity(result.len() + of_params);
        let mut add = |part: &str| {
            text.push_str(part);
            text.len() - part.len()..text.len()
        };
        let result = add(result);
        let param = |&(kind, name, ty): &_| Param { kind, name: add(name), ty: add(ty) };
        let params = params.iter().map(param).collect();
        let told = Some(Told { text: text.into(), result, params });
        Self::of(Known::Told { name: name.into(), told })
    }

    const fn of(known: Known) -> Self {
        Self { known, fits: AtomicUsize::new(0), told: AtomicBool::new(false) }
    }

    /// The method's name on the wire.
    #[inline]
    pub fn name(&self) -> &str {
        match &self.known {
            Known::Own(info) => info.name,
            Known::Told { name, .. } => name,
        }
    }

    /// What a proxy knows of the method, if it is that of a proxy of this process.
    pub(crate) fn info(&self) -> Option<&MethodInfo> {
        match &self.known {
            Known::Own(info) => Some(info),
            Known::Told { .. } => None,
        }
    }

    /// Where it is, which is what makes a proxy's signature that one.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The position in a whitelist of the method that was found to [fit](Signature::fits), if it is that
    /// whitelist's: then nobody has to look for the name.
    #[inline]
    pub(super) fn position<C>(&self, methods: &'static [Method<C>]) -> Option<usize> {
        let first = std::ptr::from_ref(&methods.first()?.info).addr();
        let offset = self.fits.load(Ordering::Relaxed).wrapping_sub(first);
        (offset < size_of_val(methods)).then_some(offset / size_of::<Method<C>>())
    }

    /// Whether it was found that each argument arrives as the one that the caller means.
    #[inline]
    pub(super) fn fits(&self, own: &'static MethodInfo) -> bool {
        self.fits.load(Ordering::Relaxed) == std::ptr::from_ref(own).addr()
    }

    /// Finds it out, as far as the names of the arguments tell, and lets the caller know if the two sides know
    /// the method differently.
    #[cold]
    pub(super) fn look(&self, own: &'static MethodInfo, session: Option<&dyn Session>) -> bool {
        // Calls may go to objects of two classes in turn, so this is quick where both know the same.
        if !self.is_same(own) {
            if let Some(session) = session
                && !self.told.swap(true, Ordering::Relaxed)
            {
                session.tell_apart(self, own);
            }
            if self.is_permuted(own) {
                return false;
            }
        }
        self.fits.store(std::ptr::from_ref(own).addr(), Ordering::Relaxed);
        true
    }

    /// Whether both sides know the same, or the caller has told nothing but the name.
    fn is_same(&self, own: &MethodInfo) -> bool {
        self.result().is_none_or(|result| {
            let given = (0..).map_while(|index| self.param(index));
            let own_params = own.params.iter().map(|param| (param.kind, param.name, param.ty));
            result == own.result && given.eq(own_params)
        })
    }

    /// Whether an argument by position would be taken for another one than that whose name it has.
    fn is_permuted(&self, own: &MethodInfo) -> bool {
        let params = own.params.iter().map(|param| (param.kind, param.name));
        let (given, expected) = (Positions::of(self.params()), Positions::of(params));
        let is_own = |name: &str| own.params.iter().any(|param| param.name == name);
        let places = expected.places((!given.rest).then_some(given.names.len()));
        given.names.iter().zip(places).any(|((_, given), place)| *given != place && is_own(given))
    }

    /// The kinds and names of the parameters, as far as they are known.
    fn params(&self) -> impl Iterator<Item = (ParamKind, &str)> {
        (0..).map_while(|index| self.param(index)).map(|(kind, name, _)| (kind, name))
    }

    fn param(&self, index: usize) -> Option<(ParamKind, &str, &str)> {
        match &self.known {
            Known::Own(info) => {
                info.params.get(index).map(|param| (param.kind, param.name, param.ty))
            }
            Known::Told { told, .. } => {
                let told = told.as_ref()?;
                let param = told.params.get(index)?;
                Some((param.kind, told.part(&param.name), told.part(&param.ty)))
            }
        }
    }

    fn result(&self) -> Option<&str> {
        match &self.known {
            Known::Own(info) => Some(info.result),
            Known::Told { told, .. } => told.as_ref().map(|told| told.part(&told.result)),
        }
    }

    /// Why the call is refused whose arguments don't [fit](Signature::fits).
    pub(super) fn refusal(&self, own: &MethodInfo) -> Exception {
        let apart = Apart { expected: own.to_string(), found: self.to_string() };
        let problem = "the arguments would be taken for others";
        Exception::new("ArgumentError", format!("{problem}: {apart}")).with_apart(&apart)
    }

    /// Why a call is refused whose arguments cannot be loaded. If the two sides know the method
    /// differently, that is said.
    pub(super) fn explain(&self, error: &LoadError, own: &MethodInfo) -> Exception {
        let mut exception = Exception::from(error);
        if error.apart().is_some() {
            exception.message = format!("call of `{}`: {error}", own.name);
            return exception;
        }
        match self.apart(own) {
            Some(apart) if error.may_be_apart() => {
                exception.message = format!("{error}: {apart}");
                exception.with_apart(&apart)
            }
            _ => exception,
        }
    }

    /// What the two sides know of the method, if the caller has told it and that isn't the same.
    fn apart(&self, own: &MethodInfo) -> Option<Apart> {
        let apart = || Apart { expected: own.to_string(), found: self.to_string() };
        (!self.is_same(own)).then(apart)
    }
}

/// The parameters by position.
struct Positions<'a> {
    /// Those before `rest`, if there is one.
    names: Vec<(ParamKind, &'a str)>,
    rest: bool,
}

impl<'a> Positions<'a> {
    fn of(params: impl Iterator<Item = (ParamKind, &'a str)>) -> Self {
        let mut positions = Self { names: Vec::new(), rest: false };
        for (kind, name) in params {
            match kind {
                ParamKind::Rest => positions.rest = true,
                ParamKind::Required | ParamKind::Optional if !positions.rest => {
                    positions.names.push((kind, name));
                }
                _ => {}
            }
        }
        positions
    }

    /// As what so many arguments arrive, or any number, as far as that is sure.
    fn places(&self, count: Option<usize>) -> Vec<&'a str> {
        let is_required = |(kind, _): &&(ParamKind, _)| *kind == ParamKind::Required;
        let required = self.names.iter().filter(is_required).count();
        let mut optional = match count {
            Some(count) if !self.rest => count.saturating_sub(required),
            // Behind the first one that may be left out nothing is sure.
            _ => {
                let first = self.names.iter().take_while(is_required);
                return first.map(|(_, name)| *name).collect();
            }
        };
        let is_there = |(kind, _): &&(ParamKind, _)| match kind {
            ParamKind::Optional if optional == 0 => false,
            ParamKind::Optional => {
                optional -= 1;
                true
            }
            _ => true,
        };
        self.names.iter().filter(is_there).map(|(_, name)| *name).collect()
    }
}

/// Its signature.
impl fmt::Display for MethodInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Signature::new(*self).fmt(f)
    }
}

/// In the manner of Rust: `inc(key: &str, by?: u64) -> u64`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let Some(result) = self.result() else { return Ok(()) };
        f.write_str("(")?;
        for (index, (kind, name, ty)) in (0..).map_while(|index| Some((index, self.param(index)?)))
        {
            let (before, after) = match kind {
                ParamKind::Required => ("", ""),
                ParamKind::Optional => ("", "?"),
                ParamKind::Rest => ("*", ""),
                ParamKind::KeywordRequired => (":", ""),
                ParamKind::Keyword => (":", "?"),
                ParamKind::KeywordRest => ("**", ""),
                ParamKind::Block => ("&", ""),
            };
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{before}{name}{after}: {ty}")?;
        }
        f.write_str(")")?;
        if result == "()" { Ok(()) } else { write!(f, " -> {result}") }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ParamKind::{Block, Keyword, KeywordRequired, KeywordRest, Optional, Required, Rest};

    fn told(params: &[(ParamKind, &'static str)]) -> Signature {
        let params: Vec<_> = params.iter().map(|(kind, name)| (*kind, *name, "T")).collect();
        Signature::told("m", &params, "()")
    }

    #[test]
    fn texts() {
        let all = told(&[
            (Required, "a"),
            (Optional, "b"),
            (Rest, "c"),
            (KeywordRequired, "d"),
            (Keyword, "e"),
            (KeywordRest, "f"),
            (Block, "g"),
        ]);
        assert_eq!(all.to_string(), "m(a: T, b?: T, *c: T, :d: T, :e?: T, **f: T, &g: T)");
        assert_eq!(Signature::told("m", &[], "R").to_string(), "m() -> R");
        assert_eq!(Signature::named("m").to_string(), "m");
    }

    #[test]
    fn arguments_that_would_be_taken_for_others() {
        let is_permuted = |caller: &[_], own: &'static [(ParamKind, &str)]| {
            let params: Vec<_> = (own.iter())
                .map(|(kind, name)| crate::dispatch::ParamInfo { name, kind: *kind, ty: "T" })
                .collect();
            let params = params.leak();
            let own =
                MethodInfo { name: "m", params, result: "()", exclusive: false, no_cancel: false };
            told(caller).is_permuted(&own)
        };
        let ab = [(Required, "a"), (Required, "b")];
        for (caller, own, expected) in [
            (&ab[..], &[(Required, "a"), (Required, "b")][..], false),
            (&ab, &[(Required, "b"), (Required, "a")], true),
            // Under other names, as far as anybody can tell.
            (&ab, &[(Required, "x"), (Required, "b")], false),
            (&ab, &[(Required, "a"), (Required, "x")], false),
            (&ab, &[(Required, "b"), (Required, "x")], true),
            // One more, that is left out.
            (&ab, &[(Required, "a"), (Optional, "x"), (Required, "b")], false),
            (&ab, &[(Required, "a"), (Required, "b"), (Optional, "x")], false),
            (&ab, &[(Required, "a"), (Optional, "x"), (Optional, "b")], true),
            (&ab, &[(Optional, "x"), (Required, "a"), (Required, "b")], false),
            // Any number of them: what comes first is sure.
            (&ab, &[(Required, "a"), (Rest, "b")], false),
            (&ab, &[(Required, "b"), (Rest, "a")], true),
            (&ab, &[(Rest, "b"), (Required, "a")], false),
            (&[(Required, "a"), (Rest, "b")], &[(Required, "b"), (Rest, "a")], true),
            (&[(Rest, "a")], &[(Required, "b"), (Required, "a")], false),
            // By name.
            (&[(KeywordRequired, "a"), (KeywordRequired, "b")], &[(Required, "b")], false),
            (&ab, &[(KeywordRequired, "b"), (Keyword, "a")], false),
            (&[], &[(Required, "b"), (Required, "a")], false),
        ] {
            assert_eq!(is_permuted(caller, own), expected, "{caller:?} {own:?}");
        }
        let name = Signature::named("m");
        assert_eq!(name.params().count(), 0);
    }

    #[test]
    fn what_was_looked_at_is_known() {
        const fn method(name: &'static str) -> Method<()> {
            let info =
                MethodInfo { name, params: &[], result: "()", exclusive: false, no_cancel: false };
            Method { info, invoke: |_, call| call.no_method("") }
        }
        static A: [Method<()>; 3] = [method("l"), method("m"), method("n")];
        static B: [Method<()>; 2] = [method("m"), method("o")];
        let signature = told(&[]);
        for methods in [&A[..], &B[..], &A[..]] {
            let at = methods.iter().position(|method| method.info.name == "m").unwrap();
            let info = &methods[at].info;
            assert_eq!((signature.position(methods), signature.fits(info)), (None, false));
            assert!(signature.look(info, None));
            assert_eq!((signature.position(methods), signature.fits(info)), (Some(at), true));
        }
        assert_eq!(signature.position::<()>(&[]), None);
    }
}
