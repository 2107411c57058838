//! A folder of certificates that both Ruby and Rust read.

use drb::tls::{Certificate, Trust};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The folder, which is removed with this. It has, each as `NAME.pem` and `NAME.key`:
///
/// - `ca`: the authority of all but one;
/// - `server`: for `localhost`;
/// - `client`: for `client.example` and `localhost`, with the common name `ruby`;
/// - `expired`: for `localhost`, until yesterday;
/// - `elsewhere`: for `shop.example`;
/// - `other`: another authority, and `stranger`: what that one has issued for `localhost`.
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes them.
    pub fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("drb-{}-certificates-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder for certificates");
        let made = Self { folder };
        let ca = made.authority("ca");
        made.issue(&ca, "server", params("server", &["localhost"]));
        made.issue(&ca, "client", params("ruby", &["client.example", "localhost"]));
        made.issue(&ca, "elsewhere", params("elsewhere", &["shop.example"]));
        let mut expired = params("server", &["localhost"]);
        expired.not_before = (SystemTime::now() - 3 * DAY).into();
        expired.not_after = (SystemTime::now() - DAY).into();
        made.issue(&ca, "expired", expired);
        let other = made.authority("other");
        made.issue(&other, "stranger", params("stranger", &["localhost"]));
        made
    }

    /// Where they are.
    pub fn folder(&self) -> &str {
        self.folder.to_str().expect("the path is UTF-8")
    }

    /// One with its key.
    pub fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_pem_files(self.path(name, "pem"), self.path(name, "key"))
            .expect("a certificate that was made here")
    }

    /// Trusts an authority.
    pub fn trust(&self, name: &str) -> Trust {
        Trust::pem_file(self.path(name, "pem")).expect("an authority that was made here")
    }

    fn path(&self, name: &str, kind: &str) -> PathBuf {
        Path::new(&self.folder).join(format!("{name}.{kind}"))
    }

    fn authority(&self, name: &str) -> Issuer<'static, KeyPair> {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        self.write(name, &pem, &key);
        Issuer::new(params, key)
    }

    fn issue(&self, by: &Issuer<'static, KeyPair>, name: &str, params: CertificateParams) {
        let key = KeyPair::generate().expect("a key");
        let pem = params.signed_by(&key, by).expect("a certificate").pem();
        self.write(name, &pem, &key);
    }

    fn write(&self, name: &str, pem: &str, key: &KeyPair) {
        fs::write(self.path(name, "pem"), pem).expect("a file");
        fs::write(self.path(name, "key"), key.serialize_pem()).expect("a file");
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names of hosts");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + 2 * DAY).into();
    params.use_authority_key_identifier_extension = true;
    params
}
