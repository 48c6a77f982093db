//! Real DNS before the stage: CoreDNS with its `kubernetes` plugin, and what a resolver in a pod asks it.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::controlplane::build::{Module, Target, built, required};
use crate::controlplane::process::{Process, Scratch};
use crate::controlplane::{ControlPlane, eventually, free_port};

const GO_MOD: &str = include_str!("../../coredns/go.mod");
const GO_SUM: &str = include_str!("../../coredns/go.sum");
const MAIN: &str = include_str!("../../coredns/main.go");

const PROGRAM: Target = Target {
    name: "coredns",
    package: ".",
    built_as: "coredns",
};

/// What is asked for: an address (`A`), or where a service is (`SRV`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Record {
    Address = 1,
    Place = 33,
}

/// A DNS server on loopback; dropping it ends it.
pub(super) struct Dns {
    port: u16,
    _process: Process,
    _scratch: Scratch,
}

impl Dns {
    /// Starts it, and waits until it answers.
    pub(super) async fn start(plane: &ControlPlane) -> Self {
        let directory = spawn_blocking(|| built(&module(), &[PROGRAM])).await;
        let directory = directory.expect("the build ends").expect("CoreDNS is built");
        let port = free_port().expect("a port is free");
        let scratch = Scratch::new().expect("a directory can be made");
        let config = format!(
            ".:{port} {{\n bind 127.0.0.1\n errors\n kubernetes cluster.local {{\n kubeconfig {}\n }}\n}}\n",
            plane.kubeconfig().display()
        );
        let config = scratch.write("Corefile", config).expect("a file");
        let mut command = Command::new(directory.join(PROGRAM.name));
        command.arg("-conf").arg(config);
        let log = scratch.path().join("coredns.log");
        let mut process = Process::start(&command, &log).expect("CoreDNS starts");
        eventually("an answer of CoreDNS", async || {
            let ended = process.ended().expect("a process can be waited for");
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert_eq!(ended, None, "CoreDNS ended: {said}");
            answers(port, "dns-version.cluster.local", 16)
                .await
                .filter(|found| *found)
        })
        .await;
        Self {
            port,
            _process: process,
            _scratch: scratch,
        }
    }

    /// Whether the server has such a record of a name in a namespace.
    pub(super) async fn has(&self, record: Record, name: &str, namespace: &str) -> bool {
        let name = format!("{name}.{namespace}.svc.cluster.local");
        eventually("an answer of CoreDNS", async || {
            answers(self.port, &name, record as u16).await
        })
        .await
    }
}

/// Whether there is an answer with a record in it (RFC 1035); nothing where none comes.
async fn answers(port: u16, name: &str, record: u16) -> Option<bool> {
    const ID: [u8; 2] = [0x53, 0x57];
    // Recursion desired; one question, in the class IN.
    let mut query = vec![ID[0], ID[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label of at most 63 bytes"));
        query.extend(label.bytes());
    }
    query.push(0);
    query.extend(record.to_be_bytes());
    query.extend(1_u16.to_be_bytes());
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.ok()?;
    socket.connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    socket.send(&query).await.ok()?;
    let mut answer = [0; 512];
    let length = timeout(Duration::from_secs(5), socket.recv(&mut answer))
        .await
        .ok()?
        .ok()?;
    let header = answer[..length]
        .first_chunk::<12>()
        .filter(|header| header[..2] == ID)?;
    let code = header[3] & 0xf;
    // No error, or no such name: anything else is no answer.
    [0, 3]
        .contains(&code)
        .then(|| u16::from_be_bytes([header[6], header[7]]) > 0)
}

fn module() -> Module {
    Module {
        name: "coredns",
        version: required(GO_MOD, "github.com/coredns/coredns"),
        recipe: &[GO_MOD, GO_SUM, MAIN],
        link_flags: "-s -w".to_owned(),
        why: ", to ask it for the names of pods; it takes 1 to 3 minutes on 2 cores".to_owned(),
        instead: String::new(),
        write: None,
    }
}
