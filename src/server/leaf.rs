//! Reads of an X.509 certificate when it holds and whom it names; nothing else in the dependency tree offers both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a server's certificate says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Leaf {
    /// When it begins to hold, in Unix seconds.
    pub(crate) not_before: i64,
    /// When it ceases to hold, in Unix seconds.
    pub(crate) not_after: i64,
    /// The common name of its subject; empty where there is none.
    pub(crate) common_name: String,
    /// The DNS names, in lower case, and addresses of its subject.
    pub(super) names: Vec<String>,
}

impl Leaf {
    /// Reads DER; `None` if it is not an X.509 certificate (RFC 5280 §4.1).
    pub(crate) fn read(certificate: &[u8]) -> Option<Self> {
        let (certificate, _) = element(certificate, SEQUENCE)?;
        let (mut tbs, _) = element(certificate, SEQUENCE)?;
        if tbs.first() == Some(&VERSION) {
            (_, tbs) = element(tbs, VERSION)?;
        }
        (_, tbs) = element(tbs, INTEGER)?; // serialNumber
        (_, tbs) = element(tbs, SEQUENCE)?; // signature
        (_, tbs) = element(tbs, SEQUENCE)?; // issuer
        let (validity, rest) = element(tbs, SEQUENCE)?;
        let (not_before, validity) = time(validity)?;
        let (not_after, _) = time(validity)?;
        let (subject, rest) = element(rest, SEQUENCE)?;
        tbs = rest;
        (_, tbs) = element(tbs, SEQUENCE)?; // subjectPublicKeyInfo
        for id in [ISSUER_ID, SUBJECT_ID] {
            if tbs.first() == Some(&id) {
                (_, tbs) = element(tbs, id)?;
            }
        }
        let names = if tbs.is_empty() { Vec::new() } else { names(tbs)? };
        Some(Self {
            not_before,
            not_after,
            common_name: common_name(subject)?,
            names,
        })
    }
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const ISSUER_ID: u8 = 0x81;
const SUBJECT_ID: u8 = 0x82;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// `dNSName` and `iPAddress` of a `GeneralName` (RFC 5280 §4.2.1.6).
const DNS_NAME: u8 = 0x82;
const ADDRESS: u8 = 0x87;
/// `id-ce-subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// The first common name of a subject.
fn common_name(mut subject: &[u8]) -> Option<String> {
    while !subject.is_empty() {
        let (relative, rest) = element(subject, SET)?;
        subject = rest;
        let (attribute, _) = element(relative, SEQUENCE)?;
        let (id, value) = element(attribute, OBJECT_ID)?;
        if id == COMMON_NAME {
            let (_, text, _) = any(value)?;
            return Some(String::from_utf8_lossy(text).into_owned());
        }
    }
    Some(String::new())
}

/// The names in the extensions, which are the last of a certificate's parts.
fn names(tbs: &[u8]) -> Option<Vec<String>> {
    let (extensions, _) = element(tbs, EXTENSIONS)?;
    let (mut extensions, _) = element(extensions, SEQUENCE)?;
    let mut found = Vec::new();
    while !extensions.is_empty() {
        let (extension, rest) = element(extensions, SEQUENCE)?;
        extensions = rest;
        let (id, value) = element(extension, OBJECT_ID)?;
        if id != SUBJECT_ALT_NAME {
            continue;
        }
        // Between the two stands whether the extension is critical, where it is.
        let value = any(value)
            .filter(|(tag, ..)| *tag != OCTETS)
            .map_or(value, |(.., rest)| rest);
        let (value, _) = element(value, OCTETS)?;
        let (mut list, _) = element(value, SEQUENCE)?;
        while !list.is_empty() {
            let (tag, name, rest) = any(list)?;
            list = rest;
            found.extend(match tag {
                DNS_NAME => std::str::from_utf8(name).ok().map(str::to_ascii_lowercase),
                ADDRESS => address(name).map(|address| address.to_string()),
                _ => None,
            });
        }
    }
    Some(found)
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into()))
        .ok()
}

/// Splits DER into the contents of its first element, which must have this tag, and the rest.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, contents, rest) = any(der)?;
    (found == tag).then_some((contents, rest))
}

/// Splits DER into tag and contents of its first element, and the rest.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (length, rest) = rest.split_at_checked((length & 0x7f).into())?;
        if length.len() > 4 {
            return None;
        }
        (
            length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)),
            rest,
        )
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// Reads a time in Unix seconds, and what follows it.
fn time(der: &[u8]) -> Option<(i64, &[u8])> {
    let (tag, text, rest) = any(der)?;
    let seconds = match tag {
        UTC_TIME => {
            let year = digits(text, 0..2)?;
            // RFC 5280 §4.1.2.5.1: two digits from 50 mean the last century.
            unix_seconds(if year < 50 { 2000 } else { 1900 } + year, text.get(2..)?)
        }
        GENERALIZED_TIME => unix_seconds(digits(text, 0..4)?, text.get(4..)?),
        _ => None,
    };
    Some((seconds?, rest))
}

/// Converts a year and `MMDDHHMMSSZ`, the only form that RFC 5280 allows.
fn unix_seconds(year: i64, text: &[u8]) -> Option<i64> {
    if text.len() != 11 || text.last() != Some(&b'Z') {
        return None;
    }
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|start| digits(text, start..start + 2));
    let (month, day) = (month?, day?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day at their end, which makes the days before a month a straight line.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - DAYS_TO_EPOCH;
    Some(((days * 24 + hour?) * 60 + minute?) * 60 + second?)
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;

fn digits(text: &[u8], range: std::ops::Range<usize>) -> Option<i64> {
    text.get(range)?.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    #[test]
    fn reads_both_forms_of_time() {
        for (year, month, day) in [
            (1999, 12, 31),
            (2000, 2, 29),
            (2026, 11, 21),
            (2049, 3, 1),
            (2050, 1, 1),
            (2100, 3, 1),
            (4096, 1, 1),
        ] {
            let mut params = CertificateParams::new(["a".to_owned()]).unwrap();
            params.not_before = date_time_ymd(1999, 1, 1);
            params.not_after = date_time_ymd(year, month, day);
            let wanted = params.not_after.unix_timestamp();
            let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let leaf = Leaf::read(certificate.der()).unwrap();
            assert_eq!((leaf.not_before, leaf.not_after), (915_148_800, wanted), "{year}");
        }
    }

    #[test]
    fn reads_whom_it_names() {
        let names = ["Stateward.shop.svc", "*.example.com", "10.0.0.7", "fd00::7"].map(str::to_owned);
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let leaf = Leaf::read(certificate.der()).unwrap();
        assert_eq!(
            leaf.names,
            ["stateward.shop.svc", "*.example.com", "10.0.0.7", "fd00::7"]
        );
        let nameless = CertificateParams::new([]).unwrap();
        let nameless = nameless.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(Leaf::read(nameless.der()).unwrap().names, [""; 0]);
    }

    #[test]
    fn reads_its_common_name() {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let common_name = |params: &CertificateParams| {
            let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            Leaf::read(certificate.der()).unwrap().common_name
        };
        assert_eq!(common_name(&params), "");
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "somebody");
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "an authority");
        assert_eq!(common_name(&params), "an authority");
    }

    #[test]
    fn a_truncated_certificate_is_none() {
        let params = CertificateParams::new(["a".to_owned()]).unwrap();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        for end in 0..certificate.der().len() {
            assert_eq!(Leaf::read(&certificate.der()[..end]), None, "{end}");
        }
        assert_eq!(Leaf::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
