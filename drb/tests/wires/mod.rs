//! The same tests on both wires, and within the process.
// Not every test needs everything.
#![allow(dead_code, unreachable_pub, unused_macros, unused_imports)]

use drb::Server;

/// What a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// `druby://`
    Ruby,
    /// `drb://`
    Native,
    /// `drb+local:`, which has no wire.
    Local,
}

impl On {
    /// Where to start a server that is reached over this.
    pub fn at(self) -> &'static str {
        match self {
            Self::Ruby | Self::Native => "druby://127.0.0.1:0",
            Self::Local => "drb+local:",
        }
    }

    /// What the methods are told that their calls came over.
    pub fn wire(self) -> drb::Wire {
        match self {
            Self::Ruby => drb::Wire::Ruby,
            Self::Native | Self::Local => drb::Wire::Native,
        }
    }

    /// Where a server can be reached over this wire.
    pub fn uri(self, server: &Server) -> String {
        match self {
            Self::Ruby => server.uri().to_owned(),
            Self::Native | Self::Local => server.native_uri().to_owned(),
        }
    }

    /// The same in other words, so that it isn't known to be one of this process.
    pub fn elsewhere(self, server: &Server) -> String {
        self.uri(server).replace("127.0.0.1", "localhost")
    }

    /// How many objects a server has given over this wire, and not got back.
    pub fn given(self, server: &Server) -> usize {
        match self {
            Self::Ruby => server.exported(),
            Self::Native | Self::Local => server.usage().exported,
        }
    }

    /// What stands before `://`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Ruby => "druby",
            Self::Native => "drb",
            Self::Local => "drb+local",
        }
    }
}

/// Makes two tests of each of the functions, which takes the wire as its argument. They are asynchronous,
/// unless it is said that they run `in_place`.
macro_rules! on_both_wires {
    ($($test:ident),* $(,)?) => {
        crate::wires::on_both_wires!(flavor = "current_thread": $($test),*);
    };
    (in_place: $($test:ident),* $(,)?) => {
        mod on_ruby_s_wire {
            $(#[test]
            fn $test() {
                super::$test(crate::wires::On::Ruby);
            })*
        }

        mod on_the_native_wire {
            $(#[test]
            fn $test() {
                super::$test(crate::wires::On::Native);
            })*
        }
    };
    (flavor = $flavor:literal: $($test:ident),* $(,)?) => {
        mod on_ruby_s_wire {
            $(#[tokio::test(flavor = $flavor)]
            async fn $test() {
                super::$test(crate::wires::On::Ruby).await;
            })*
        }

        mod on_the_native_wire {
            $(#[tokio::test(flavor = $flavor)]
            async fn $test() {
                super::$test(crate::wires::On::Native).await;
            })*
        }
    };
}

/// The same with a third one, of calls within the process.
macro_rules! everywhere {
    ($($test:ident),* $(,)?) => {
        crate::wires::everywhere!(flavor = "current_thread": $($test),*);
    };
    (in_place: $($test:ident),* $(,)?) => {
        crate::wires::on_both_wires!(in_place: $($test),*);

        mod within_the_process {
            $(#[test]
            fn $test() {
                super::$test(crate::wires::On::Local);
            })*
        }
    };
    (flavor = $flavor:literal: $($test:ident),* $(,)?) => {
        crate::wires::on_both_wires!(flavor = $flavor: $($test),*);

        mod within_the_process {
            $(#[tokio::test(flavor = $flavor)]
            async fn $test() {
                super::$test(crate::wires::On::Local).await;
            })*
        }
    };
}
pub(crate) use {everywhere, on_both_wires};
