//! TLS as a client speaks it.

use super::{
    Certificate, Trust, Versions, problem, provider,
    stream::{Rewound, secured},
};
use crate::{TlsProblem, net::Stream};
use rustls::{ClientConfig, client::Resumption, pki_types::ServerName};
use std::{fmt, io, sync::Arc};
use tokio_rustls::{TlsConnector, TlsStream};

/// How a client speaks TLS; given to [`ClientBuilder::tls`](crate::ClientBuilder::tls).
///
/// By default it speaks TLS 1.2 and 1.3, shows no certificate, and asks that the server's certificate is for
/// the host in the URI.
///
/// ```
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use drb::tls::{ClientTls, Trust};
///
/// let tls = ClientTls::new(Trust::pem_file("ca.pem")?).server_name("shop.example").tls13_only();
/// let client = drb::Client::builder().tls(tls).build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientTls(How);

#[derive(Clone)]
enum How {
    Ours {
        trust: Trust,
        any_name: bool,
        name: Option<String>,
        certificate: Option<Certificate>,
        versions: Versions,
    },
    Ready(Arc<ClientConfig>),
}

impl ClientTls {
    /// Calls servers that are trusted by this.
    pub fn new(trust: Trust) -> Self {
        Self(How::Ours {
            trust,
            any_name: false,
            name: None,
            certificate: None,
            versions: Versions::All,
        })
    }

    /// Takes all from a configuration of rustls, for what there is no method for here. The other methods
    /// then change nothing.
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self(How::Ready(config))
    }

    /// Shows this to servers that ask for a certificate (Ruby: `:SSLCertificate`, `:SSLPrivateKey`).
    pub fn certificate(mut self, own: Certificate) -> Self {
        if let How::Ours { certificate, .. } = &mut self.0 {
            *certificate = Some(own);
        }
        self
    }

    /// The name that the server's certificate is to be for, and that the server is asked for (SNI), in
    /// place of the host in the URI: for a client that goes through a tunnel, or by an address.
    pub fn server_name(mut self, other: impl Into<String>) -> Self {
        if let How::Ours { name, .. } = &mut self.0 {
            *name = Some(other.into());
        }
        self
    }

    /// Takes a certificate of a trusted authority for any name. **Whoever has another certificate of that
    /// authority can be the server then.** Ruby's drb never looks at the name. It is for an authority of
    /// one's own that has issued certificates without alternative names.
    pub fn dangerously_any_name(mut self) -> Self {
        if let How::Ours { any_name, .. } = &mut self.0 {
            *any_name = true;
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

    pub(crate) fn connecting(&self) -> Connecting {
        match &self.0 {
            How::Ready(config) => {
                Connecting { config: Ok(Arc::clone(config)), name: None, named: true }
            }
            How::Ours { trust, name, .. } => Connecting {
                config: self.config().map(Arc::new),
                name: name.clone(),
                named: trust.keeps_out(),
            },
        }
    }

    fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let How::Ours { trust, any_name, certificate, versions, .. } = &self.0 else {
            return Err(rustls::Error::General("it is ready".to_owned()));
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(versions.supported())?
            .dangerous()
            .with_custom_certificate_verifier(trust.of_servers(*any_name)?);
        let mut config = match certificate {
            Some(certificate) => builder.with_client_cert_resolver(certificate.resolver()),
            None => builder.with_no_client_auth(),
        };
        // A server of Ruby's that asks for certificates gives sessions to be taken up again, and then
        // refuses them with alert 80: it doesn't set OpenSSL's `session_id_context`. Connections last.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}

/// The same, ready to be used.
pub(crate) struct Connecting {
    config: Result<Arc<ClientConfig>, rustls::Error>,
    name: Option<String>,
    named: bool,
}

impl Connecting {
    /// Begins TLS on a connection to `host`.
    pub(crate) async fn connect(&self, stream: Stream, host: &str) -> io::Result<Stream> {
        let failed = |problem| io::Error::other(TlsProblem::Broken { problem });
        let config = self.config.clone().map_err(|error| failed(error.to_string()))?;
        let name = self.name.as_deref().unwrap_or(host);
        // A zone is of this machine alone.
        let name = name.split('%').next().unwrap_or_default();
        let server = ServerName::try_from(name.to_owned());
        let server = server.map_err(|_| failed(format!("`{name}` is no name of a server")))?;
        let stream = Rewound { first: Vec::new(), stream };
        match TlsConnector::from(config).connect(server, stream).await {
            Ok(stream) => Ok(secured(TlsStream::Client(stream), self.named)),
            Err(error) => Err(io::Error::other(problem::of(&error))),
        }
    }
}
