//! TLS as a server speaks it.

use super::{
    Certificate, ClientTls, Trust, Versions, problem, provider,
    stream::{Rewound, secured},
};
use crate::{TlsProblem, net::Stream};
use rustls::{
    ServerConfig,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use std::{fmt, sync::Arc};
use tokio_rustls::{TlsAcceptor, TlsStream};

/// How a server speaks TLS; given to [`ServerBuilder::tls`](crate::ServerBuilder::tls).
///
/// By default it speaks TLS 1.2 and 1.3, and asks its clients for no certificate.
#[derive(Clone)]
pub struct ServerTls(How);

#[derive(Clone)]
enum How {
    Ours { certificate: Certificate, clients: Option<(Trust, bool)>, versions: Versions },
    Ready { config: Arc<ServerConfig>, keeps_strangers_out: bool },
}

impl ServerTls {
    /// Shows this certificate.
    pub fn new(certificate: Certificate) -> Self {
        Self(How::Ours { certificate, clients: None, versions: Versions::All })
    }

    /// Takes all from a configuration of rustls, for what there is no method for here: revocation lists, a
    /// verifier of one's own, several certificates. The other methods then change nothing.
    ///
    /// Whether its verifier keeps strangers out, drb cannot know: beyond loopback such a server needs an
    /// ACL or [`allow_everyone`](crate::ServerBuilder::allow_everyone).
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        Self(How::Ready { config, keeps_strangers_out: false })
    }

    /// Lets in only clients that show a certificate that is trusted by this (Ruby: `:SSLVerifyMode =>
    /// VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT`). Who it is, a method sees in its
    /// [`Context`](crate::Context::identity).
    ///
    /// A server that does so can listen beyond loopback without an ACL, unless it
    /// [trusts anyone](Trust::dangerously_anyone).
    pub fn require_clients(self, trust: Trust) -> Self {
        self.of_clients(trust, true)
    }

    /// Asks clients for a certificate, and lets in those that show one that is trusted by this, and those
    /// that show none (Ruby: `:SSLVerifyMode => VERIFY_PEER`). One that is not trusted is refused.
    pub fn ask_clients(self, trust: Trust) -> Self {
        self.of_clients(trust, false)
    }

    fn of_clients(mut self, trust: Trust, required: bool) -> Self {
        if let How::Ours { clients, .. } = &mut self.0 {
            *clients = Some((trust, required));
        }
        self
    }

    /// No version before 1.3 (Ruby: `:SSLMinVersion => OpenSSL::SSL::TLS1_3_VERSION`).
    pub fn tls13_only(mut self) -> Self {
        if let How::Ours { versions, .. } = &mut self.0 {
            *versions = Versions::Tls13;
        }
        self
    }

    /// No version behind 1.2 (Ruby: `:SSLMaxVersion => OpenSSL::SSL::TLS1_2_VERSION`).
    pub fn tls12_only(mut self) -> Self {
        if let How::Ours { versions, .. } = &mut self.0 {
            *versions = Versions::Tls12;
        }
        self
    }

    /// Whether nobody gets in but those who were given a certificate.
    pub(crate) fn keeps_strangers_out(&self) -> bool {
        match &self.0 {
            How::Ours { clients, .. } => {
                clients.as_ref().is_some_and(|(trust, required)| *required && trust.keeps_out())
            }
            How::Ready { keeps_strangers_out, .. } => *keeps_strangers_out,
        }
    }

    /// How the server calls its clients back over TLS, if nothing else is said: whom it trusts as a client,
    /// it trusts as a server, and it shows its own certificate.
    pub(crate) fn calls_back(&self) -> Option<ClientTls> {
        match &self.0 {
            How::Ours { certificate, clients: Some((trust, _)), .. } => {
                Some(ClientTls::new(trust.clone()).certificate(certificate.clone()))
            }
            _ => None,
        }
    }

    pub(crate) fn accepting(&self) -> Result<Accepting, rustls::Error> {
        let (certificate, clients, versions) = match &self.0 {
            How::Ready { config, .. } => {
                return Ok(Accepting { config: Arc::clone(config), named: true });
            }
            How::Ours { certificate, clients, versions } => (certificate, clients, versions),
        };
        let verifier = match clients {
            Some((trust, required)) => trust.of_clients(*required)?,
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(versions.supported())?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(certificate.resolver());
        if clients.is_some() {
            // A session that is taken up again brings the certificate of its beginning with it, which may
            // have expired since.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        let named = clients.as_ref().is_some_and(|(trust, _)| trust.keeps_out());
        Ok(Accepting { config: Arc::new(config), named })
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// The same, ready to be used.
pub(crate) struct Accepting {
    config: Arc<ServerConfig>,
    named: bool,
}

impl Accepting {
    /// Answers a client that has begun TLS with these first bytes. If it isn't let in, the connection is
    /// given back: the client has been told why, but may not have read it yet.
    pub(crate) async fn accept(
        &self,
        stream: Stream,
        first: Vec<u8>,
    ) -> Result<Stream, (TlsProblem, Option<Stream>)> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        let accepting = acceptor.accept(Rewound { first, stream }).into_fallible();
        match accepting.await {
            Ok(stream) => Ok(secured(TlsStream::Server(stream), self.named)),
            Err((error, Rewound { stream, .. })) => Err((problem::of(&error), Some(stream))),
        }
    }
}
