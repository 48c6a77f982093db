//! The kinds of report that a cluster may have a definition for, and which of them it has.

use std::time::Duration;

use kube::Client;
use kube::api::ApiResource;
use tokio::time::timeout;

/// How long an API server may take to tell.
const ANSWER: Duration = Duration::from_secs(10);

/// Which reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of OpenReports where the cluster has them, else those of the policy working group, else none.
    Auto,
    OpenReports,
    PolicyReport,
    Off,
}

/// A kind of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// `Report` of `openreports.io/v1alpha1`.
    OpenReports,
    /// `PolicyReport` of `wgpolicyk8s.io/v1alpha2`, its predecessor.
    PolicyReport,
}

impl Flavour {
    pub(super) const ALL: [Self; 2] = [Self::OpenReports, Self::PolicyReport];

    pub(super) const fn group_version(self) -> &'static str {
        match self {
            Self::OpenReports => "openreports.io/v1alpha1",
            Self::PolicyReport => "wgpolicyk8s.io/v1alpha2",
        }
    }

    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::OpenReports => "Report",
            Self::PolicyReport => "PolicyReport",
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::OpenReports => "reports",
            Self::PolicyReport => "policyreports",
        }
    }

    pub(super) fn resource(self) -> ApiResource {
        let (group, version) = self.group_version().split_once('/').unwrap_or_default();
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.group_version().to_owned(),
            kind: self.kind().to_owned(),
            plural: self.plural().to_owned(),
        }
    }

    fn is_wanted(self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Auto => true,
            Wanted::OpenReports => self == Self::OpenReports,
            Wanted::PolicyReport => self == Self::PolicyReport,
            Wanted::Off => false,
        }
    }

    /// Whether the API server has it now.
    pub(super) async fn is_served(self, client: &Client) -> Result<bool, String> {
        match timeout(ANSWER, client.list_api_group_resources(self.group_version())).await {
            Ok(Ok(list)) => Ok(list.resources.iter().any(|resource| resource.name == self.plural())),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Ok(false),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer".to_owned()),
        }
    }
}

/// The flavours that are served now, the one to write first; and whether any is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Served {
    /// The one to write.
    pub(super) written: Option<Flavour>,
    /// In which reports of ours may have been left, by a time when it was the one to write.
    pub(super) others: Vec<Flavour>,
}

impl Served {
    /// Asks the API server.
    pub(super) async fn now(client: &Client, wanted: Wanted) -> Result<Self, String> {
        let mut served = Self::default();
        for flavour in Flavour::ALL {
            if flavour.is_served(client).await? {
                if served.written.is_none() && flavour.is_wanted(wanted) {
                    served.written = Some(flavour);
                } else {
                    served.others.push(flavour);
                }
            }
        }
        Ok(served)
    }
}
