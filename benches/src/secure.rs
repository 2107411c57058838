//! Servers and clients as they are, or within TLS (feature `tls`), with certificates that the processes of a benchmark
//! find in a folder.

use drb::{Client, Server, ServerBuilder};
use std::error::Error;

/// A server's, with the certificate in a folder, if there is one.
pub fn server(folder: Option<&str>) -> Result<ServerBuilder, Box<dyn Error>> {
    match folder {
        None => Ok(Server::builder()),
        #[cfg(feature = "tls")]
        Some(folder) => Ok(Server::builder().tls(tls::server(folder)?)),
        #[cfg(not(feature = "tls"))]
        Some(_) => Err(WITHOUT.into()),
    }
}

/// What makes clients that have nothing in common: they trust the authority in a folder, if there is one.
pub fn clients(folder: Option<&str>) -> Result<Box<dyn Fn() -> Client>, Box<dyn Error>> {
    match folder {
        None => Ok(Box::new(Client::new)),
        #[cfg(feature = "tls")]
        Some(folder) => {
            let tls = tls::client(folder)?;
            Ok(Box::new(move || Client::builder().tls(tls.clone()).build()))
        }
        #[cfg(not(feature = "tls"))]
        Some(_) => Err(WITHOUT.into()),
    }
}

#[cfg(not(feature = "tls"))]
const WITHOUT: &str = "TLS needs `--features tls`";

#[cfg(feature = "tls")]
pub use tls::{Certificates, connector, within};

#[cfg(feature = "tls")]
mod tls {
    use drb::tls::{Certificate, ClientTls, ServerTls, TlsConfigError, Trust};
    use std::{
        env,
        error::Error,
        fs, io,
        path::{Path, PathBuf},
        process,
        sync::Arc,
    };
    use tokio::net::TcpStream;
    use tokio_rustls::{
        TlsConnector,
        client::TlsStream,
        rustls::{
            ClientConfig, RootCertStore,
            pki_types::{CertificateDer, ServerName, pem::PemObject},
        },
    };

    /// A folder of certificates for this machine, which goes with this.
    pub struct Certificates(PathBuf);

    impl Certificates {
        /// Makes them.
        pub fn new() -> Result<Self, Box<dyn Error>> {
            let made = Self(env::temp_dir().join(format!("drb-benches-{}", process::id())));
            drb::dev_certificates([""; 0])?.write_to(&made.0)?;
            Ok(made)
        }

        /// Where they are.
        pub fn folder(&self) -> Result<&str, Box<dyn Error>> {
            self.0.to_str().ok_or_else(|| "the folder's name is no text".into())
        }
    }

    impl Drop for Certificates {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    pub(super) fn server(folder: &str) -> Result<ServerTls, TlsConfigError> {
        let folder = Path::new(folder);
        let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
        Ok(ServerTls::new(Certificate::from_pem_files(certificate, key)?))
    }

    pub(super) fn client(folder: &str) -> Result<ClientTls, TlsConfigError> {
        Ok(ClientTls::new(Trust::pem_file(Path::new(folder).join("ca.pem"))?))
    }

    /// Makes connections without drb.
    pub fn connector(folder: &str) -> Result<TlsConnector, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(Path::new(folder).join("ca.pem"))?)?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// A connection to this machine within TLS.
    pub async fn within(
        connector: &TlsConnector,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        connector.connect(ServerName::IpAddress(stream.peer_addr()?.ip().into()), stream).await
    }
}
