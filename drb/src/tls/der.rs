//! As much of a certificate as tells whose it is. Whether it is in order, the verifier has decided.

/// Tags of DER.
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const OBJECT: u8 = 0x06;
    pub(super) const UTF8: u8 = 0x0c;
    pub(super) const PRINTABLE: u8 = 0x13;
    pub(super) const IA5: u8 = 0x16;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    /// The version, in front of a certificate's other parts.
    pub(super) const VERSION: u8 = 0xa0;
    /// The extensions, behind them.
    pub(super) const EXTENSIONS: u8 = 0xa3;
    /// Alternative names: a mail address, a host, a URI.
    pub(super) const NAMES: [u8; 3] = [0x81, 0x82, 0x86];
}

/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// 2.5.29.17
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];

/// What is in a certificate (RFC 5280, section 4.1).
pub(super) struct Parts<'a> {
    subject: &'a [u8],
    /// The whole `SubjectPublicKeyInfo`.
    pub(super) key: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn of(certificate: &'a [u8]) -> Option<Self> {
        let mut whole = Reader(Reader(certificate).expect(tag::SEQUENCE)?);
        let mut signed = Reader(whole.expect(tag::SEQUENCE)?);
        signed.optional(tag::VERSION);
        signed.expect(tag::INTEGER)?;
        // The signature's algorithm, the issuer, and when it is valid.
        for _ in 0..3 {
            signed.expect(tag::SEQUENCE)?;
        }
        let subject = signed.expect(tag::SEQUENCE)?;
        let rest = signed.0;
        signed.expect(tag::SEQUENCE)?;
        let key = rest.get(..rest.len() - signed.0.len())?;
        let mut extensions = &[][..];
        for (tag, value) in signed {
            if tag == tag::EXTENSIONS {
                extensions = Reader(value).expect(tag::SEQUENCE)?;
            }
        }
        Some(Self { subject, key, extensions })
    }

    /// The names that it is for: alternative ones, then common ones, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let found = self.alternative_names().chain(self.common_names());
        for name in found {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    fn alternative_names(&self) -> impl Iterator<Item = &'a str> {
        let extensions = Reader(self.extensions).filter(|(tag, _)| *tag == tag::SEQUENCE);
        let values = extensions.filter_map(|(_, extension)| {
            let mut extension = Reader(extension);
            let is_it = extension.expect(tag::OBJECT)? == ALTERNATIVE_NAMES;
            let value = extension.find(|(tag, _)| *tag == tag::OCTET_STRING)?.1;
            is_it.then(|| Reader(value).expect(tag::SEQUENCE))?
        });
        values.flat_map(Reader).filter_map(|(tag, name)| {
            let name = std::str::from_utf8(name).ok()?;
            tag::NAMES.contains(&tag).then_some(name)
        })
    }

    fn common_names(&self) -> impl Iterator<Item = &'a str> {
        let sets = Reader(self.subject).filter(|(tag, _)| *tag == tag::SET);
        sets.flat_map(|(_, set)| Reader(set)).filter_map(|(_, attribute)| {
            let mut attribute = Reader(attribute);
            let is_it = attribute.expect(tag::OBJECT)? == COMMON_NAME;
            let (tag, name) = attribute.next()?;
            let is_text = [tag::UTF8, tag::PRINTABLE, tag::IA5].contains(&tag);
            if is_it && is_text { std::str::from_utf8(name).ok() } else { None }
        })
    }
}

/// The algorithm of a `SubjectPublicKeyInfo`, as rustls compares it, and the key's bits.
pub(super) fn key_parts(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut key = Reader(Reader(key).expect(tag::SEQUENCE)?);
    let algorithm = key.expect(tag::SEQUENCE)?;
    let (0, bits) =
        key.expect(tag::BIT_STRING)?.split_first().map(|(first, bits)| (*first, bits))?
    else {
        return None;
    };
    Some((algorithm, bits))
}

/// Reads values one after the other, up to the first that is cut off or has a form that DER doesn't
/// allow here.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// Skips a value if it has this tag.
    fn optional(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, len], rest) = std::mem::take(&mut self.0).split_first_chunk()?;
        let (len, rest) = match len {
            0..=0x7f => (usize::from(len), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(len & 0x7f))?;
                (bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, value))
    }
}

#[cfg(all(test, feature = "tls-dev"))]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn made() -> (Vec<u8>, Vec<u8>) {
        let names = vec!["a.example".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.subject_alt_names.push(SanType::Rfc822Name("me@a.example".try_into().unwrap()));
        params.subject_alt_names.push(SanType::URI("drb:me".try_into().unwrap()));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "not this one");
        params.distinguished_name.push(DnType::CommonName, "Zoë");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.der().to_vec(), rcgen::PublicKeyData::der_bytes(&key).to_vec())
    }

    #[test]
    fn names_and_key() {
        let (certificate, public) = made();
        let parts = Parts::of(&certificate).unwrap();
        assert_eq!(parts.names(), ["a.example", "me@a.example", "drb:me", "Zoë"]);
        let (_, bits) = key_parts(parts.key).unwrap();
        assert_eq!(bits, public);
    }

    /// What doesn't end, says wrong lengths, or is something else.
    #[test]
    fn whatever_it_is_nothing_panics() {
        let (certificate, _) = made();
        let read = |bytes: &[u8]| {
            if let Some(parts) = Parts::of(bytes) {
                parts.names();
                key_parts(parts.key);
            }
        };
        for end in 0..certificate.len() {
            read(&certificate[..end]);
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut wrong = certificate.clone();
                wrong[end] = byte;
                read(&wrong);
            }
        }
    }
}
