//! Ranges of addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `ADDRESS/LENGTH`, as a NetworkPolicy wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    length: u8,
}

/// Why a text is no range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is no range of addresses: write ADDRESS/LENGTH, as in 10.0.0.0/24 or 192.0.2.7/32")]
pub struct InvalidCidr(String);

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (address, length) = text.split_once('/')?;
            let (address, length) = (address.parse().ok()?, length.parse().ok()?);
            let most = match address {
                IpAddr::V4(_) => 32,
                IpAddr::V6(_) => 128,
            };
            (length <= most).then_some(Self { address, length })
        };
        parse().ok_or_else(|| InvalidCidr(text.to_owned()))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_an_address_and_a_length_that_it_has() {
        for text in ["10.0.0.0/24", "192.0.2.7/32", "2001:db8::/48", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
        for text in [
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "host/8",
            "10.0.0.0/-1",
            "",
        ] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
