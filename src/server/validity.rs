//! Reads the end of an X.509 certificate's validity; nothing else in the dependency tree offers it.

/// Returns the certificate's `notAfter` in Unix seconds, or `None` if the DER is not an X.509 certificate (RFC 5280 §4.1).
pub(super) fn not_after(certificate: &[u8]) -> Option<i64> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut tbs, _) = element(certificate, SEQUENCE)?;
    if tbs.first() == Some(&VERSION) {
        (_, tbs) = element(tbs, VERSION)?;
    }
    (_, tbs) = element(tbs, INTEGER)?; // serialNumber
    (_, tbs) = element(tbs, SEQUENCE)?; // signature
    (_, tbs) = element(tbs, SEQUENCE)?; // issuer
    let (validity, _) = element(tbs, SEQUENCE)?;
    let &not_before = validity.first()?;
    let (_, validity) = element(validity, not_before)?;
    match *validity.first()? {
        UTC_TIME => {
            let (text, _) = element(validity, UTC_TIME)?;
            let year = digits(text, 0..2)?;
            // RFC 5280 §4.1.2.5.1: two digits from 50 mean the last century.
            unix_seconds(if year < 50 { 2000 } else { 1900 } + year, text.get(2..)?)
        }
        GENERALIZED_TIME => {
            let (text, _) = element(validity, GENERALIZED_TIME)?;
            unix_seconds(digits(text, 0..4)?, text.get(4..)?)
        }
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Splits DER into the contents of its first element, which must have this tag, and the rest.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[first, length], rest) = der.split_first_chunk::<2>()?;
    if first != tag {
        return None;
    }
    if length < 0x80 {
        return rest.split_at_checked(length.into());
    }
    let (length, rest) = rest.split_at_checked((length & 0x7f).into())?;
    if length.len() > 4 {
        return None;
    }
    let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
    rest.split_at_checked(length)
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
            assert_eq!(not_after(certificate.der()), Some(wanted), "{year}");
        }
    }

    #[test]
    fn a_truncated_certificate_has_no_end() {
        let params = CertificateParams::new(["a".to_owned()]).unwrap();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        for end in 0..certificate.der().len() {
            assert_eq!(not_after(&certificate.der()[..end]), None, "{end}");
        }
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
